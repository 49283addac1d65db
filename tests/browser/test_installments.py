"""무이자할부 안내: the popup in a shop's page, and from a file to the popup in the back office."""

from datetime import timedelta

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.utils import timezone
from playwright.sync_api import expect

from installments.models import InterestFreeNotice
from merchants.models import CardIssuer
from tests.factories import API_KEY, SIGNING_SECRET
from tests.installments.factories import NoticeFactory

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

API = "**/api/v1/installments/**"
# TransactionTestCase empties the tables: the issuers of the migration are gone.
ISSUERS = {"SAMSUNG": ("삼성", "Samsung"), "KB": ("국민", "KB Kookmin")}


@pytest.fixture(autouse=True)
def _issuers(world):
    for order, (code, (name, english)) in enumerate(ISSUERS.items()):
        CardIssuer.objects.get_or_create(code=code, defaults={"name": name, "name_en": english, "display_order": order})


@pytest.fixture
def order_sheet(world, page):
    """A page of the shop, which is of another origin than PGB."""
    today = timezone.localdate()
    period = {"starts_on": today - timedelta(days=3), "ends_on": today + timedelta(days=3)}
    for months in (2, 3):
        NoticeFactory(**period, months=months, exceptions="<b>법인카드</b>")
    NoticeFactory(**period, months=10, buyer_turns=4, min_amount=100_000)
    NoticeFactory(**period, issuer_id="KB", months=6, buyer_turns=1)
    world.sandbox.shop.add_account(
        db_type="KR1",
        joiner_id=1001,
        nation="KR",
        currency="KRW",
        api_key=API_KEY,
        signing_secret=SIGNING_SECRET,
        publishable_key=world.shop.publishable_key,
    )
    page.goto(f"{world.sandbox.url}/shop/order-sheet")
    page.evaluate("document.documentElement.lang = 'ko'")
    return page


def serious(page):
    found = Axe().run(page).response["violations"]
    return [(one["id"], one["nodes"][0]["html"]) for one in found if one["impact"] in ("serious", "critical")]


def test_shoppers_open_and_close_the_popup_by_keyboard(order_sheet):
    button = order_sheet.locator("[data-pgb-interest-free]").nth(2)
    button.focus()
    order_sheet.keyboard.press("Enter")
    dialog = order_sheet.get_by_role("dialog", name="무이자할부 안내")
    rows = dialog.locator("tbody tr")
    expect(rows).to_have_text(
        [
            "삼성2~3개월무이자5만원 이상",
            "10개월부분무이자10만원 이상1~4회차 고객 부담",
            "국민6개월부분무이자5만원 이상1회차 고객 부담",
        ]
    )
    expect(dialog).to_contain_text("<b>법인카드</b>")  # as text, not as markup
    assert serious(order_sheet) == []
    order_sheet.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    expect(button).to_be_focused()

    order_sheet.set_viewport_size({"width": 390, "height": 700})
    order_sheet.emulate_media(reduced_motion="reduce")  # it rises for a moment
    order_sheet.locator("[data-pgb-interest-free]").first.click()
    expect(dialog).to_contain_text("이번 달 무이자할부 안내가 없습니다")  # 30,000 won
    box = dialog.bounding_box()
    assert (box["x"], box["width"], round(box["y"] + box["height"])) == (0, 390, 700)
    assert order_sheet.evaluate("document.documentElement.scrollWidth") == 390
    dialog.get_by_role("button", name="닫기").click()
    expect(dialog).to_have_count(0)


def test_a_failure_is_told_kindly_and_may_be_tried_again(order_sheet):
    order_sheet.route(API, lambda route: route.fulfill(body="<html>", headers={"Access-Control-Allow-Origin": "*"}))
    order_sheet.evaluate("document.documentElement.lang = 'en'")
    order_sheet.locator("[data-pgb-interest-free]").nth(1).click()
    dialog = order_sheet.get_by_role("dialog", name="Interest-free instalments")
    expect(dialog).to_contain_text("could not be loaded")
    order_sheet.unroute(API)
    dialog.get_by_role("button", name="Try again").click()
    expect(dialog.locator("tbody tr").first).to_contain_text("2–3 months")


def test_staff_import_a_file_and_see_it_as_shoppers_do(office):
    today = timezone.localdate().isoformat()
    head = "카드사,할부개월,고객부담 회차,시작일,종료일\n"
    office.get_by_role("link", name="무이자할부 안내 관리").click()
    office.get_by_role("link", name="가져오기").click()

    def upload(content):
        file = {"name": "notices.csv", "mimeType": "text/csv", "buffer": content.encode("cp949")}
        office.set_input_files("input[type=file]", file)
        expect(office.locator("#id_format")).to_have_value("0")  # known by the file's name
        office.get_by_role("button", name="미리 보기").click()

    upload(f"{head}삼숭,2,,{today},{today}\n")
    expect(office.get_by_role("alert")).to_contain_text("모르는 카드사입니다: 삼숭")
    upload(f"{head}삼성,2,,{today},{today}\n국민,10,4,{today},{today}\n")
    expect(office.locator(".pgb-big")).to_contain_text("새 안내 2건")
    assert not InterestFreeNotice.objects.exists()
    office.get_by_role("button", name="가져오기").click()
    expect(office.locator("#result_list tbody tr")).to_have_count(2)

    office.get_by_role("link", name="미리보기").click()
    for title in ("데스크톱 미리보기", "휴대폰 미리보기"):
        dialog = office.frame_locator(f"iframe[title='{title}']").get_by_role("dialog")
        expect(dialog.locator("tbody tr")).to_have_count(2)
    office.get_by_label("주문 금액").fill("1000")
    expect(dialog).to_contain_text("이번 달 무이자할부 안내가 없습니다")
    assert serious(office) == []


def test_no_page_of_the_notices_is_wider_than_the_screen(office):
    today = timezone.localdate()
    notice = NoticeFactory(starts_on=today, ends_on=today, title="아주 긴 제목 " * 10)
    office.set_viewport_size({"width": 390, "height": 844})
    for path in ("", "add/", f"{notice.pk}/change/", "import/", "export/", "copy/", "preview/"):
        office.goto(f"/admin/installments/interestfreenotice/{path}")
        expect(office.locator("h1")).to_be_visible()
        assert office.evaluate("document.documentElement.scrollWidth") <= 390, path
