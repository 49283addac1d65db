"""The menu: what it calls a page, the page calls itself."""

import re

import pytest
from django.contrib.auth.models import User

from config.back_office import MENU
from tests.factories import ShopFactory

PLACES = [(area, group, page) for area in MENU for group in area["items"] for page in group["items"]]


@pytest.fixture
def staff(client, db):
    client.force_login(User.objects.create(username="kim", is_staff=True, is_superuser=True))
    return client


def breadcrumbs(page):
    """The names above the page, and their links."""
    parts = re.findall(r'<(a href="[^"]*"|span) class="align-middle[^>]*>\s*(.*?)\s*</', page)
    return [(name, link.removeprefix("a href=").strip('"')) for link, name in parts]


@pytest.mark.parametrize(("area", "group", "page"), PLACES)
def test_a_list_is_called_what_the_menu_calls_it(staff, area, group, page):
    shown = staff.get(page["link"]).text
    title, above = str(page["title"]), str(group["title"] or area["title"])
    assert breadcrumbs(shown) == [(above, "span"), (title, str(page["link"]))]
    assert re.search(r"<title>\s*(.*?)\s*</title>", shown)[1] == f"{title} | PGB"


def test_a_row_stands_below_its_list(staff):
    shop = ShopFactory()
    shown = staff.get(f"/admin/merchants/shop/{shop.pk}/change/").text
    assert [name for name, _link in breadcrumbs(shown)] == ["시스템", "상점", str(shop)]
