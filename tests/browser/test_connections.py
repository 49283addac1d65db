"""결제수단 관리 with a browser: a method is switched off and on from the matrix."""

import pytest
from playwright.sync_api import expect

from tests.world import code

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def switch(office, method, wish):
    """Choose every connection of a method in the matrix, and say what is to be done; the asking page is shown."""
    office.get_by_label(f"{method} 모두 고르기").check()
    office.get_by_role("button", name=wish).click()
    expect(office.locator(".pgb-big")).to_have_text(wish)


def confirm(office, wish):
    office.get_by_role("button", name="확인하고 바꾸기").click()
    expect(office.get_by_text(f"연결 1건을 바꾸었습니다: {wish}")).to_be_visible()


def test_a_method_is_switched_off_and_on_again(world, office):
    world.start(70001)
    office.get_by_role("link", name="결제수단 관리").click()
    office.get_by_role("link", name="한눈에 보기").click()
    expect(office.locator(".pgb-entry[data-charges]")).to_have_count(1)

    switch(office, "신용카드", "연결 끄기")
    expect(office.locator(".pgb-loses")).to_contain_text("KR1/1001 KR")
    expect(office.locator(".pgb-head")).to_contain_text("1건은 그대로 둡니다")
    office.get_by_role("link", name="취소", exact=True).click()
    expect(office.locator(".pgb-entry[data-charges]")).to_have_count(1)

    switch(office, "신용카드", "연결 끄기")
    confirm(office, "연결 끄기")
    expect(office.locator(".pgb-entry")).to_contain_text("연결 끊김")
    assert code(world.start(70002)) == "METHOD_NOT_CONNECTED"
    world.pay(70001)  # begun before: it keeps its merchant
    world.work()
    assert world.stages(70001) == ["PAID"]

    office.set_viewport_size({"width": 390, "height": 844})
    assert office.evaluate("document.documentElement.scrollWidth") <= 390
    switch(office, "신용카드", "연결 켜기")
    assert office.evaluate("document.documentElement.scrollWidth") <= 390
    confirm(office, "연결 켜기")
    assert code(world.start(70002)) == "Redirect"
