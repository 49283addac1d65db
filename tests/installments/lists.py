"""The machine lists as the gateways' documents show them, shortened."""

import json

TOSS = json.dumps(
    {
        "discountCards": [],
        "interestFreeCards": [
            {
                "issuerCode": "51",
                "cardCompany": "삼성",
                "dueDate": "2026-12-31",
                "installmentFreeMonths": [2, 3],
                "minimumPaymentAmount": 50000,
            },
            {
                "issuerCode": "W1",
                "cardCompany": "우리",
                "dueDate": "2026-12-15",
                "installmentFreeMonths": [6],
                "minimumPaymentAmount": 100000,
            },
        ],
        "pointCards": [],
    },
    ensure_ascii=False,
)
NICE = json.dumps(
    {
        "resultCode": "0000",
        "interestFree": [
            {
                "cardCode": "06",
                "cardName": "신한",
                "freeInstallment": [
                    {"minAmt": "50000", "maxAmt": "99999", "installment": "02:03", "eventToDate": "20261231"},
                    {"minAmt": "100000", "maxAmt": None, "installment": "02:03:04", "eventToDate": "20261231"},
                ],
            }
        ],
    }
)
KICC_EVENT = "5-2:3^10-4:5:6"
KICC = json.dumps(
    {
        "CardInfo": [
            {"CardCode": "026", "CardName": "비씨카드", "CardEvent": KICC_EVENT},
            {"CardCode": "029", "CardName": "신한카드", "CardEvent": ""},
        ]
    },
    ensure_ascii=False,
)
