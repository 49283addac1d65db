"""A real browser, where one is installed."""

import shutil

import pytest
from django.contrib.auth.models import User
from django.db import connection
from playwright.sync_api import expect, sync_playwright

CHROMIUM = shutil.which("chromium")
# No sandbox: the tests run as root in containers. Nothing of a browser's own traffic.
ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture
def complaints():
    """What the browser's console complained of; a test that expects something takes it out."""
    return []


@pytest.fixture
def page(world, live_server, monkeypatch, complaints):
    """A browser's page at PGB's address; complaints of its console end the test."""
    if CHROMIUM is None:
        pytest.skip("chromium is not installed")
    # Playwright keeps an event loop in this thread, which Django takes for a mistake.
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        page = browser.new_page(base_url=live_server.url, locale="en-US", viewport={"width": 1440, "height": 900})
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
        yield page
        browser.close()
        connection.close()  # under the event loop this thread has another one than outside
    assert complaints == []


@pytest.fixture
def office(page):
    """The first page of the back office, after logging in."""
    User.objects.create_superuser("kim", "", "a password of kim")
    page.goto("/admin/")
    page.fill("#id_username", "kim")
    page.fill("#id_password", "a password of kim")
    page.click("button[type=submit]")
    expect(page.locator("h1")).to_contain_text("현황")
    return page
