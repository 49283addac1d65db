"""Staff read every page in the language that they chose. No row here has a name in Hangul: what is left is ours."""

import re
from html import unescape
from urllib.parse import parse_qsl, urljoin, urlsplit

import pytest
from django.contrib.auth.models import Group, User
from django.db.models import F
from django.utils import timezone, translation

from installments.exchange import columns
from merchants.codes import GatewayCode
from merchants.models import CardIssuer, PaymentMethod
from payments import attention
from payments.models import ApprovalLimit
from payments.states import Stage
from tests.factories import ConnectionFactory, MerchantFactory, ShopFactory
from tests.installments.factories import NoticeFactory
from tests.payments.factories import (
    ApprovalFactory,
    AttemptFactory,
    CallFactory,
    CancellationFactory,
    DeliveryFactory,
    DifferenceFactory,
    EventFactory,
    NotificationFactory,
    PaidSessionFactory,
)

HANGUL = re.compile("[가-힣]")
SENTENCE = re.compile(r"\b[A-Z][a-z]+ [a-z]+ [a-z]+\b")
# A language is offered by its own name; files with notices have the same heads whoever makes them.
ALWAYS_KOREAN = {"한국어", *columns.ALL}
# What gateways' own consoles call their keys.
ALWAYS_ENGLISH = "Webhook signing secret"
# What Django's own table between roles and permissions is called is settled when a process starts.
OF_DJANGO = re.compile(r"/admin/auth/group/\d+/delete/")

ROWS = ["auth/group", "auth/user", "installments/interestfreenotice"]
ROWS += ["merchants/merchant", "merchants/methodconnection", "merchants/shop"]
RECORDS = ["payments/attention", "payments/delivery", "payments/notification", "payments/paymentsession"]
RECORDS += ["payments/approval", "payments/approvallimit", "payments/cancellation", "payments/difference"]
RECORDS += ["payments/reconciliation", "people/historyentry"]
EVERY_KIND = {f"/admin/{name}/{view}" for name in [*ROWS, *RECORDS] for view in ("", "1/change/")}
EVERY_KIND |= {f"/admin/{name}/add/" for name in ROWS}


@pytest.fixture
def staff(client, db):
    """A superuser before a back office with a row of each kind."""
    for model in (PaymentMethod, CardIssuer):
        model.objects.update(name=F("code"))
    for group in Group.objects.all():
        Group.objects.filter(pk=group.pk).update(name=f"role-{group.pk}")
        ApprovalLimit.objects.filter(role=group.name).update(role=f"role-{group.pk}")
    with translation.override("en"):  # the history calls a row by its name at that time
        client.force_login(User.objects.create(username="kim", is_staff=True, is_superuser=True))
        session = PaidSessionFactory(
            order__shop=ShopFactory(name="Shop"),
            stage=Stage.REVIEW,
            attention=True,
            description="Cards",
            buyer={"name": "Lee"},
        )
        ConnectionFactory(merchant=session.merchant)
        MerchantFactory(gateway=GatewayCode.INICIS, mid="shop000001", credentials={})
        NoticeFactory()
    ApprovalFactory(session=session, reason="Changed mind")
    CancellationFactory(session=session, state="REFUSED", reason="Changed mind")
    AttemptFactory(delivery=DeliveryFactory(session=session, state="DEAD"))
    EventFactory(session=session, kind="paid")
    CallFactory(session=session)
    NotificationFactory(session=session, attention=True)
    DifferenceFactory(run__merchant=session.merchant, session=session)
    attention.sweep(timezone.now())
    return client


def pages(staff, language):
    """Open what links lead to from the first page, one page of each kind: its address, and its texts."""
    staff.cookies["pgb_language"] = language
    ahead, seen = ["/admin/"], set()
    while ahead:
        address = ahead.pop(0)
        if kind(address) in seen:
            continue
        seen.add(kind(address))
        answer = staff.get(address)
        assert answer.status_code in (200, 302), address
        if answer.status_code == 200 and answer.headers["Content-Type"].startswith("text/html"):
            page = answer.text
            yield address, texts(page)
            ahead += [found for found in links(address, page) if found.startswith("/admin/")]


def kind(address):
    parts = urlsplit(address)
    return re.sub(r"\d+", "1", parts.path), dict(parse_qsl(parts.query)).get("gateway", "")


def links(address, page):
    return [urljoin(address, unescape(link)) for link in re.findall(r'(?:href|src)="([^"#]+)"', page)]


def texts(page):
    """What a reader sees or hears of a page."""
    page = re.sub(r"(?s)<(script|style|svg)\b.*?</\1>", " ", page)
    named = re.findall(r'(?:aria-label|title|placeholder|alt|data-label)="([^"]*)"', page)
    return {" ".join(unescape(text).split()) for text in [*re.split("<[^>]*>", page), *named]}


def is_korean(text):
    return HANGUL.search(text) and not set(text.split(", ")) <= ALWAYS_KOREAN


def is_english(text):
    return SENTENCE.search(text) and not text.startswith(ALWAYS_ENGLISH)


@pytest.mark.parametrize(
    ("language", "foreign"), [("ko", [is_english]), ("ja", [is_korean, is_english]), ("en", [is_korean])]
)
def test_a_page_speaks_one_language(staff, language, foreign):
    found, opened = {}, set()
    for address, said in pages(staff, language):
        opened.add(kind(address)[0])
        left = {text for text in said if any(is_foreign(text) for is_foreign in foreign)}
        if left and not OF_DJANGO.match(address):
            found[address] = left
    assert found == {}
    assert EVERY_KIND - opened == set()


@pytest.mark.parametrize(("language", "name"), [("ko", "신용카드"), ("ja", "クレジットカード"), ("en", "Credit card")])
def test_a_method_has_the_name_that_the_reader_knows(language, name):
    names = {"name": "신용카드", "name_ja": "クレジットカード", "name_en": "Credit card"}
    with translation.override(language):
        assert str(PaymentMethod(code="CARD", **names)) == f"{name} (CARD)"
        assert str(PaymentMethod(code="CARD", name="신용카드")) == "신용카드 (CARD)"
