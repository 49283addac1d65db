"""가맹점 관리 as staff use it: a MID by its gateway's form, its card issuers, and the check of its keys."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from merchants.models import Merchant
from tests.factories import STRIPE_CREDENTIALS
from tests.merchants.forms import INICIS_KEYS

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def merchants(office):
    """The list of merchants, after logging in."""
    office.goto("/admin/merchants/merchant/")
    return office


def fit_a_phone_and_a_screen_reader(page, *paths):
    page.set_viewport_size({"width": 390, "height": 900})
    for path in paths:
        page.goto(f"/admin/merchants/merchant/{path}")
        expect(page.locator("h1")).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth") <= 390, path
        found = Axe().run(page).response["violations"]
        assert [one["id"] for one in found if one["impact"] in ("serious", "critical")] == [], path


def test_staff_add_an_inicis_mid_and_pass_its_issuers(merchants):
    page = merchants
    page.get_by_title("추가").click()
    page.get_by_role("link", name="KG이니시스").click()
    page.fill("#id_code", "inicis-kr")
    page.fill("#id_mid", "SIRtqoon01")
    page.select_option("#id_mode", "live")
    for label, key in (
        ("웹결제 signkey", INICIS_KEYS["sign_key"]),
        ("INIAPI key", INICIS_KEYS["iniapi_key"]),
        ("INIAPI IV", INICIS_KEYS["iniapi_iv"][:-2]),
        ("모바일 hashkey", INICIS_KEYS["hash_key"]),
    ):
        page.get_by_label(label).fill(key)
    page.get_by_role("button", name="저장", exact=True).click()
    expect(page.get_by_text("INIAPI IV는 16자입니다.")).to_be_visible()
    for name, key in INICIS_KEYS.items():
        page.fill(f"#id_key_{name}", key)
    page.get_by_role("button", name="저장", exact=True).click()
    expect(page.get_by_text("실거래 가맹점입니다.")).to_be_visible()
    expect(page.get_by_text("카드 결제를 받을 수 없습니다")).to_be_visible()
    merchant = Merchant.objects.get(code="inicis-kr")
    assert merchant.credentials == INICIS_KEYS

    page.fill("#id_note", "9월 계약")
    page.get_by_role("button", name="모든 카드사 추가").click()
    expect(page.get_by_label("삼성", exact=True)).to_be_visible()
    page.get_by_label("삼성", exact=True).check()
    page.get_by_label("신한", exact=True).check()
    page.get_by_role("button", name="고른 카드사 통과").click()
    expect(page.get_by_text("카드사 2곳을 '통과'로 바꿨습니다.")).to_be_visible()
    expect(page.get_by_text("카드 결제를 받을 수 없습니다")).to_have_count(0)
    merchant.refresh_from_db()
    passed = merchant.issuer_reviews.filter(state="passed").values_list("issuer", flat=True)
    assert (merchant.note, sorted(passed)) == ("9월 계약", ["SAMSUNG", "SHINHAN"])
    fit_a_phone_and_a_screen_reader(page, "", "add/", "add/?gateway=inicis", f"{merchant.pk}/change/")


def test_staff_check_keys_and_copy_the_webhook_address(world, merchants):
    page = merchants
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.get_by_role("link", name="stripe-kr").click()
    page.get_by_role("button", name="주소 복사").click()
    expect(page.get_by_role("button", name="복사함")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()").endswith(f"/stripe/{world.merchant.webhook_token}")

    page.get_by_role("button", name="인증 정보 확인").click()
    expect(page.get_by_text("PG사에 묻고 있습니다.")).to_be_visible()
    with world.working():
        expect(page.get_by_text("이 키를 받아들였고")).to_be_visible(timeout=20_000)
    expect(page.locator("#credential-check")).to_contain_text("kim")

    world.sandbox.stripe.accounts[STRIPE_CREDENTIALS["secret_key"]].mid = "acct_other"
    page.get_by_role("button", name="인증 정보 확인").click()
    with world.working():
        expect(page.get_by_text("다른 계정의 키입니다")).to_be_visible(timeout=20_000)
    expect(page.locator("#credential-check")).to_contain_text("acct_other")
