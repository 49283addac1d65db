"""Sessions of the back office: who has one, when it ends, and the language that it speaks."""

import re
from datetime import timedelta

import pytest
import time_machine
from django.conf import settings
from django.contrib.sessions.models import Session
from django.urls import reverse
from django.utils import timezone

from bridge.tasks import clear_sessions
from tests.people.steps import INDEX, LOGIN, give_password, is_in

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _quick(settings):
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


class TestIdle:
    def test_half_an_hour_without_a_request_ends_the_session(self, client, kim, settings):
        settings.PGB_TWO_FACTOR = False
        page = reverse("admin:merchants_shop_changelist")
        with time_machine.travel(timezone.now(), tick=False) as clock:
            give_password(client)
            for _ in range(3):
                clock.shift(timedelta(minutes=29))
                assert is_in(client)
            clock.shift(timedelta(minutes=30, seconds=1))
            sent = client.get(page)
            assert sent.url == f"{LOGIN}?next={page}"
            assert "30분 동안 사용하지 않아" in client.get(sent.url).content.decode()
            assert give_password(client, to=page).url == page

    @pytest.mark.parametrize(
        "page", [LOGIN, INDEX, "/admin/language/", "/PGB/PayStart", "/PGBReturn/Return/x", "/api/docs/"]
    )
    @pytest.mark.parametrize("method", ["get", "post"])
    def test_a_made_up_cookie_makes_no_session(self, client, page, method):
        client.cookies[settings.SESSION_COOKIE_NAME] = "a" * 32
        answer = getattr(client, method)(page)
        cookie = answer.cookies.get(settings.SESSION_COOKIE_NAME)
        assert cookie is None or not cookie.value
        assert not Session.objects.exists()

    def test_only_the_back_office_keeps_a_session_awake(self, client, kim, settings):
        settings.PGB_TWO_FACTOR = False
        with time_machine.travel(timezone.now(), tick=False) as clock:
            give_password(client)
            clock.shift(timedelta(minutes=29))
            answer = client.get("/api/docs/")
            assert "sessionid" not in answer.cookies
            clock.shift(timedelta(minutes=2))
            assert not is_in(client)

    def test_who_logged_out_or_was_never_in_is_told_nothing(self, client, kim, settings):
        settings.PGB_TWO_FACTOR = False
        login = f"{LOGIN}?next={INDEX}"
        assert "30분" not in client.get(login).content.decode()
        give_password(client)
        client.post(reverse("admin:logout"))
        assert "30분" not in client.get(login).content.decode()

    def test_a_button_pressed_too_late_leads_back_to_its_page(self, client, kim):
        button = reverse("admin:payments_look_again", args=[1])
        page = reverse("admin:payments_paymentsession_change", args=[1])
        sent = client.post(button, headers={"referer": f"http://testserver{page}"})
        assert sent.url == f"{LOGIN}?next={page}"
        for elsewhere in ("https://evil.example/admin/", "http://testserver/other/", ""):
            assert client.post(button, headers={"referer": elsewhere}).url == f"{LOGIN}?next={INDEX}"


def test_sessions_that_ended_do_not_stay_in_the_table():
    for minutes in (-1, 1):
        Session.objects.create(session_key=str(minutes), expire_date=timezone.now() + timedelta(minutes=minutes))
    clear_sessions()
    assert [one.session_key for one in Session.objects.all()] == ["1"]
    assert {one["task"] for one in settings.CELERY_BEAT_SCHEDULE.values()} >= {clear_sessions.name}


@pytest.mark.parametrize(("number", "status"), [("x", 400), ("-1", 400), ("9" * 30, 400), ("²", 400), ("1", 200)])
def test_an_odd_page_of_what_a_search_found_is_refused(client, kim, number, status):
    client.force_login(kim)
    assert client.get("/admin/search/", {"s": "a", "page": number}).status_code == status


class TestLanguage:
    @pytest.fixture(autouse=True)
    def _one_step(self, settings):
        settings.PGB_TWO_FACTOR = False

    def test_it_is_korean_until_somebody_chooses(self, client, kim):
        client.force_login(kim)
        english = {"accept-language": "en"}
        assert '<html lang="ko"' in client.get(INDEX, headers=english).content.decode()
        chosen = client.post(reverse("set_language"), {"language": "ja", "next": INDEX})
        assert (chosen.url, chosen.cookies["pgb_language"]["path"]) == (INDEX, "/admin/")
        assert '<html lang="ja"' in client.get(INDEX, headers=english).content.decode()

    def test_the_menu_offers_three(self, client, kim):
        client.force_login(kim)
        page = client.get(INDEX).content.decode()
        assert re.findall(r'name="language" type="hidden" value="(\w+)"', page) == ["ko", "ja", "en"]

    @pytest.mark.parametrize("odd", ["xx", "../ko", "\0", "k" * 500])
    def test_an_odd_choice_is_none(self, client, kim, odd):
        client.force_login(kim)
        client.cookies["pgb_language"] = odd
        assert '<html lang="ko"' in client.get(INDEX).content.decode()
        assert client.post(reverse("set_language"), {"language": odd, "next": odd}).status_code < 500
