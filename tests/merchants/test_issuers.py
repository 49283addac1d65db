"""카드사 심사: a contract that card issuers review serves those that have passed it."""

from datetime import UTC, datetime, timedelta

import pytest

from merchants import lookup
from merchants.codes import GatewayCode, Mode, Purpose, ReviewState
from merchants.lookup import NoMerchant
from merchants.models import CardIssuer, IssuerReview
from tests.factories import ConnectionFactory, MerchantFactory, ShopFactory
from tests.merchants.refusals import refused

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 22, tzinfo=UTC)


@pytest.fixture
def reviewed(settings):
    """A live contract with Inicis, as if PGB could talk to it already."""
    settings.PGB_GATEWAYS = {**settings.PGB_GATEWAYS, "inicis": "-"}
    return MerchantFactory(gateway=GatewayCode.INICIS, mode=Mode.LIVE)


def charges(merchant, method="CARD"):
    connection = ConnectionFactory(merchant=merchant, method__code=method)
    lookup.clear_cache()
    shop = ShopFactory(joiner_id=1001)
    asked = {"joiner_id": 1001, "nation": "KR", "method": method, "device": "pc", "amount": 1000, "at": NOW}
    return lookup.find_connection(shop=shop, **asked) == connection


def test_the_issuers_that_passed_in_display_order(reviewed):
    for issuer, state in (("KB", ReviewState.PASSED), ("SAMSUNG", ReviewState.PASSED), ("BC", ReviewState.AGAIN)):
        IssuerReview.objects.create(merchant=reviewed, issuer_id=issuer, state=state)
    assert lookup.issuers_of(reviewed) == ["SAMSUNG", "KB"]


def test_contracts_that_nobody_reviews_serve_every_issuer():
    assert lookup.issuers_of(MerchantFactory(mode=Mode.LIVE)) is None
    assert lookup.issuers_of(MerchantFactory(gateway=GatewayCode.INICIS, mode=Mode.TEST)) is None


def test_no_cards_before_an_issuer_has_passed(reviewed):
    IssuerReview.objects.create(merchant=reviewed, issuer_id="KB", state=ReviewState.REVIEWING)
    with pytest.raises(NoMerchant):
        charges(reviewed)


def test_cards_once_an_issuer_has_passed(reviewed):
    IssuerReview.objects.create(merchant=reviewed, issuer_id="KB", state=ReviewState.PASSED)
    assert charges(reviewed)


def test_other_methods_wait_for_no_issuer(reviewed):
    assert charges(reviewed, "BANK")


@pytest.mark.parametrize(
    ("limits", "open_"),
    [
        ({}, True),
        ({"starts_at": NOW}, True),
        ({"starts_at": NOW + timedelta(seconds=1)}, False),
        ({"ends_at": NOW}, False),
        ({"ends_at": NOW + timedelta(seconds=1)}, True),
        ({"purpose": Purpose.ACCOUNT_CHECK}, False),
        ({"is_active": False}, False),
    ],
    ids=str,
)
def test_when_a_contract_charges(limits, open_):
    merchant = MerchantFactory(**limits)
    if open_:
        assert charges(merchant)
    else:
        with pytest.raises(NoMerchant):
            charges(merchant)


def test_one_review_per_issuer():
    merchant = MerchantFactory()
    IssuerReview.objects.create(merchant=merchant, issuer_id="KB")
    refused("one_review_per_issuer", IssuerReview.objects.create, merchant=merchant, issuer_id="KB")


def test_every_issuer_has_a_code_of_its_own_at_each_gateway():
    sent = [(gateway, codes[0]) for issuer in CardIssuer.objects.all() for gateway, codes in issuer.codes.items()]
    assert len(sent) == len(set(sent))
    assert CardIssuer.objects.get(pk="HANA").code_at("inicis") == "34"
    assert CardIssuer.objects.get(pk="HANA").code_at("stripe") == ""
