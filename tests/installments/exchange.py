"""How the tests of files ask."""

from installments.models import InterestFreeNotice

HEAD = "카드사,할부개월,고객부담 회차,최소 금액,시작일,종료일\n"
GOOD = HEAD + '삼성,2,,,2026-12-01,2026-12-31\nKB,12개월,5,"100,000",2026.12.1,20261231\n'


def stored():
    rows = InterestFreeNotice.objects.order_by("pk")
    return list(rows.values_list("issuer_id", "months", "buyer_turns", "min_amount"))


def refusals(preview):
    """{place: {column: problem}}"""
    assert "confirm_form" not in preview.context
    assert not preview.context["result"].has_errors()
    return {
        row.number: {name: " ".join(told) for name, told in row.error_dict.items()}
        for row in preview.context["result"].invalid_rows
    }


def kinds(preview):
    return [row.import_type for row in preview.context["result"].rows]
