"""GET /api/v1/installments/interest-free"""

import pytest
import time_machine

from installments import lookup
from merchants import lookup as merchants
from merchants.models import IssuerReview
from tests.factories import API_KEY, ConnectionFactory, MerchantFactory, ShopFactory
from tests.installments.factories import NoticeFactory
from tests.sql import statements

pytestmark = pytest.mark.django_db
URL = "/api/v1/installments/interest-free"
ASKED = {"db_type": "KR1", "joiner_id": "1001", "nation_code": "KR", "date": "2026-12-10"}


@pytest.fixture
def shop():
    return ShopFactory(joiner_id=1001, nations=["KR", "JP"])


@pytest.fixture
def connection(shop):
    """Cards are charged by Stripe, which every issuer lets charge."""
    return ConnectionFactory()


@pytest.fixture
def ask(client, shop):
    def get(key=None, headers=None, **wanted):
        for cached in (merchants, lookup):
            cached.clear_cache()
        query = {name: value for name, value in (ASKED | wanted).items() if value is not None}
        authorization = {"Authorization": f"Bearer {key or shop.publishable_key}"}
        return client.get(URL, query, headers=authorization | (headers or {}))

    return get


def told(answer):
    assert answer.status_code == 200
    return {issuer["code"]: [row["months"] for row in issuer["notices"]] for issuer in answer.json()["issuers"]}


def test_what_is_told_of_a_notice(ask, connection):
    NoticeFactory(
        issuer_id="KB", months=10, buyer_turns=4, bearer="shop", max_amount=999_999,
        title="겨울", target="개인", exceptions="법인",
    )  # fmt: skip
    assert ask(amount="64900.0000").json() == {
        "is_success": True,
        "error_code": "",
        "error_message": "",
        "date": "2026-12-10",
        "nation_code": "KR",
        "amount": 64900,
        "issuers": [
            {
                "code": "KB",
                "names": {"ko": "국민", "ja": "KB国民", "en": "KB Kookmin"},
                "notices": [
                    {
                        "months": 10,
                        "buyer_turns": 4,
                        "bearer": "shop",
                        "min_amount": 50000,
                        "max_amount": 999999,
                        "title": "겨울",
                        "target": "개인",
                        "exceptions": "법인",
                        "starts_on": "2026-12-01",
                        "ends_on": "2026-12-31",
                    }
                ],
            }
        ],
    }


def test_both_keys_of_the_shop_open_it(ask, connection):
    NoticeFactory()
    assert told(ask()) == told(ask(API_KEY)) == {"SAMSUNG": [3]}
    assert ask("another-key-of-forty-characters-0123456789").status_code == 401


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ({}, {"SAMSUNG": [3, 6]}),
        ({"amount": "99999"}, {"SAMSUNG": [3]}),
        ({"amount": "49999"}, {}),
        ({"date": "2027-01-01"}, {}),
        ({"nation_code": "JP"}, {}),
        ({"nation_code": "kr"}, {"SAMSUNG": [3, 6]}),
        ({"pg_type": "stripe"}, {"SAMSUNG": [3, 6]}),
        ({"pg_type": "inicis"}, {}),  # not connected
        ({"device": "mobile"}, {"SAMSUNG": [3, 6]}),
    ],
    ids=str,
)
def test_what_is_asked_decides(ask, connection, wanted, found):
    NoticeFactory()
    NoticeFactory(months=6, min_amount=100_000)
    assert told(ask(**wanted)) == found


def test_today_is_todays_day_in_korea(ask, connection):
    NoticeFactory()
    for now, day, found in [
        ("2026-11-30T14:59:59Z", "2026-11-30", {}),
        ("2026-11-30T15:00:00Z", "2026-12-01", {"SAMSUNG": [3]}),
    ]:
        with time_machine.travel(now, tick=False):
            answer = ask(date=None)
        assert (answer.json()["date"], told(answer)) == (day, found)


def test_only_issuers_that_can_be_paid_with_are_told(ask, shop, settings):
    settings.PGB_GATEWAYS = {**settings.PGB_GATEWAYS, "tosspayments": "x"}
    keys = {"client_key": "ck", "secret_key": "sk"}
    merchant = MerchantFactory(gateway="tosspayments", credentials=keys, mode="live")
    ConnectionFactory(merchant=merchant)
    NoticeFactory(), NoticeFactory(issuer_id="KB"), NoticeFactory(issuer_id="KB", gateway="tosspayments", months=12)
    assert told(ask()) == {}  # no issuer has passed it: cards cannot be paid with
    IssuerReview.objects.create(merchant=merchant, issuer_id="KB", state="passed")
    IssuerReview.objects.create(merchant=merchant, issuer_id="SAMSUNG", state="reviewing")
    assert told(ask()) == {"KB": [3, 12]}


def test_without_a_way_to_pay_by_card_there_is_nothing_to_promise(ask):
    NoticeFactory()
    assert told(ask()) == {}


def test_an_answer_that_has_not_changed_is_not_sent_again(ask, connection):
    notice = NoticeFactory()
    first = ask()
    assert "private" in first["Cache-Control"] and "max-age=30" in first["Cache-Control"]
    assert "Authorization" in first["Vary"]
    again = ask(headers={"If-None-Match": f'"other", {first["ETag"]}'})
    assert (again.status_code, again.content, again["ETag"]) == (304, b"", first["ETag"])
    notice.buyer_turns = 1
    notice.save()
    assert ask(headers={"If-None-Match": first["ETag"]}).status_code == 200
    assert ask(amount="50000")["ETag"] != first["ETag"]


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"db_type": None}, "db_type"),
        ({"joiner_id": "x"}, "joiner_id"),
        ({"nation_code": "KOR"}, "nation_code"),
        ({"nation_code": "US"}, "nation_code: this shop serves KR, JP only"),
        ({"date": "2026-13-01"}, "date"),
        ({"date": "tomorrow"}, "date"),
        ({"amount": "-1"}, "amount"),
        ({"amount": "1.5"}, "amount"),
        ({"amount": "9" * 13}, "amount"),
        ({"pg_type": "nobody"}, "pg_type"),
        ({"device": "tv"}, "device"),
    ],
    ids=str,
)
def test_wrong_input_is_told_by_its_name(ask, connection, wrong, named):
    answer = ask(**wrong)
    assert answer.status_code == 400
    assert (answer.json()["is_success"], answer.json()["error_code"]) == (False, "INVALID_REQUEST")
    assert answer.json()["error_message"].startswith(named)


def test_another_shops_notices_are_not_told(ask):
    ShopFactory(joiner_id=2002)
    assert ask(joiner_id="2002").status_code == 403


@pytest.mark.parametrize("day", ["0001-01-01", "9999-12-31"])
def test_the_ends_of_the_calendar(ask, connection, day):
    assert told(ask(date=day)) == {}


@pytest.mark.parametrize("rows", [10, 1000])
def test_one_statement_for_any_number_of_rows(ask, client, shop, connection, rows):
    model = NoticeFactory._meta.model
    model.objects.bulk_create(NoticeFactory.build(min_amount=n, max_amount=n) for n in range(rows))
    merchants.find_shop("KR1", 1001)
    with statements() as sent:
        answer = client.get(URL, ASKED, headers={"Authorization": f"Bearer {shop.publishable_key}"})
    assert len(told(answer)["SAMSUNG"]) == rows
    assert len(sent) == 1
