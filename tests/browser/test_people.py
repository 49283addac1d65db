"""Logging in as staff do: the first time, the next time, and when it does not work."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.utils import timezone
from django_otp.plugins.otp_totp.models import TOTPDevice
from playwright.sync_api import expect

from tests.people.authenticator import code

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
PASSWORD = "a password of kim"


@pytest.fixture
def kim(settings):
    settings.PGB_TWO_FACTOR = True
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    return User.objects.create_superuser("kim", "", PASSWORD)


def give_password(page, password=PASSWORD):
    page.fill("#id_username", "kim")
    page.fill("#id_password", password)
    page.click("button[type=submit]")


def give_code(page, shown):
    page.fill("#id_code", shown)
    page.click("button[type=submit]")


def fits(page):
    for width in (1440, 390):
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate("document.documentElement.scrollWidth") <= width, (page.url, width)


def test_first_login_next_login_and_an_idle_end(page, kim):
    page.goto("/admin/")
    give_password(page)
    expect(page.locator(".pgb-qr svg")).to_be_visible()
    page.locator("summary").click()
    key = page.locator(".pgb-app-key").inner_text()
    fits(page)
    give_code(page, code(key))
    expect(page.locator(".pgb-codes li")).to_have_count(10)
    recovery = page.locator(".pgb-codes li").first.inner_text()
    fits(page)
    page.get_by_role("link", name="계속하기").click()
    expect(page.locator("h1")).to_contain_text("현황")

    page.set_viewport_size({"width": 1440, "height": 900})
    for name, language in (("日本語", "ja"), ("한국어", "ko")):
        page.get_by_text("kim", exact=True).click()
        page.get_by_role("button", name=name).click()
        expect(page.locator("html")).to_have_attribute("lang", language)
    page.get_by_text("kim", exact=True).click()
    page.locator("#logout-form button").click()

    page.goto("/admin/merchants/shop/")
    give_password(page)
    fits(page)
    # The code of this half minute was used when the app was set up.
    give_code(page, code(key, 1))
    expect(page).to_have_url("/admin/merchants/shop/")
    page.wait_for_load_state("networkidle")

    # Half an hour later, as the server sees it.
    Session.objects.update(expire_date=timezone.now() - timedelta(seconds=1))
    page.goto("/admin/auth/user/")
    expect(page.locator(".pgb-note")).to_contain_text("30분 동안 사용하지 않아")
    fits(page)
    give_password(page)
    give_code(page, recovery)
    expect(page).to_have_url("/admin/auth/user/")
    expect(page.get_by_text("남은 코드는 9개입니다")).to_be_visible()


def test_who_guesses_is_locked_out_and_told_what_to_do(page, kim, complaints):
    page.goto("/admin/login/?next=/admin/")
    for _ in range(4):
        give_password(page, "wrong")
        expect(page.locator("#id_username")).to_be_visible()
    give_password(page, "wrong")
    expect(page.locator(".pgb-todo")).to_contain_text("최고관리자에게 잠금 해제를 요청하세요")
    fits(page)
    assert "429" in complaints.pop()
    assert not TOTPDevice.objects.filter(confirmed=True).exists()
