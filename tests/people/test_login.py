"""Who enters the back office: password, then a code; and who is kept out."""

import re
from datetime import timedelta

import pytest
import time_machine
from auditlog.models import LogEntry
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from django_otp.plugins.otp_static.models import StaticToken
from django_otp.plugins.otp_totp.models import TOTPDevice

from tests.logs import captured
from tests.people.authenticator import app_of, code
from tests.people.steps import CODE, INDEX, LOGIN, PASSWORD, SET_UP, give_password, is_in

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _quick_and_strict(settings):
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    settings.PGB_TWO_FACTOR = True


def done(user):
    entries = LogEntry.objects.filter(actor=user, action=LogEntry.Action.ACCESS).order_by("pk")
    return [entry.additional_data["kind"] for entry in entries]


class TestFirstLogin:
    def test_sets_up_an_app(self, client, kim):
        assert give_password(client).url == SET_UP
        page = client.get(SET_UP)
        text = page.content.decode()
        key = re.search(r'pgb-app-key">([A-Z2-7 ]+)<', text)[1]
        assert "<svg" in text and "no-store" in page["Cache-Control"]
        assert not is_in(client)

        answer = client.post(SET_UP, {"code": code(key)})
        shown = re.findall(r"<code>([a-z2-7]{4}-[a-z2-7]{4})</code>", answer.content.decode())
        assert len(shown) == len(set(shown)) == 10 and "no-store" in answer["Cache-Control"]
        assert is_in(client)
        assert done(kim) == ["login", "two_factor_set_up"]

    def test_shows_the_recovery_codes_once(self, client, kim):
        give_password(client)
        client.get(SET_UP)
        key = TOTPDevice.objects.get().bin_key
        client.post(SET_UP, {"code": code(key)})
        for again in (client.get(SET_UP), client.post(SET_UP, {"code": code(key, 1)})):
            assert again.status_code == 302
        first = StaticToken.objects.first().token
        assert first not in client.get(INDEX).content.decode()

    def test_keeps_its_key_when_the_page_is_loaded_again(self, client, kim):
        give_password(client)
        pages = [client.get(SET_UP).content.decode() for _ in range(2)]
        assert len({re.search(r'pgb-app-key">([A-Z2-7 ]+)<', page)[1] for page in pages}) == 1

    def test_who_looked_before_with_the_password_knows_no_key(self, client, kim):
        thief = Client()
        give_password(thief)
        thief.get(SET_UP)
        seen = TOTPDevice.objects.get().bin_key
        give_password(client)
        own = re.search(r'pgb-app-key">([A-Z2-7 ]+)<', client.get(SET_UP).content.decode())[1]
        client.post(SET_UP, {"code": code(own)})
        assert is_in(client)
        assert thief.post(SET_UP, {"code": code(seen)}).url == CODE
        assert thief.post(CODE, {"code": code(seen, 1)}).status_code == 200
        assert not is_in(thief)

    def test_nobody_is_in_with_a_wrong_code(self, client, kim):
        give_password(client)
        client.get(SET_UP)
        answer = client.post(SET_UP, {"code": "000000"})
        assert "코드가 맞지 않습니다" in answer.content.decode()
        assert not is_in(client) and not TOTPDevice.objects.filter(confirmed=True).exists()


class TestLogin:
    def test_takes_password_and_code_and_goes_on_to_the_page(self, client, kim):
        app = app_of(kim)
        page = reverse("admin:merchants_shop_changelist")
        assert give_password(client, to=page).url == CODE
        assert not is_in(client)
        assert client.get(SET_UP).url == CODE
        assert client.post(CODE, {"code": code(app.bin_key)}).url == page
        assert is_in(client)
        assert done(kim) == ["login"]

    def test_the_same_code_does_not_work_twice(self, client, kim):
        app = app_of(kim)
        used = code(app.bin_key)
        give_password(client)
        client.post(CODE, {"code": used})
        other = Client()
        give_password(other)
        assert other.post(CODE, {"code": used}).status_code == 200
        assert not is_in(other)

    @pytest.mark.parametrize("typed", ["{}", " {} ", "{}-", "\u00a0{}"])
    def test_a_recovery_code_works_once_and_is_recorded(self, client, kim, typed):
        give_password(client)
        client.get(SET_UP)
        shown = client.post(SET_UP, {"code": code(TOTPDevice.objects.get().bin_key)}).content.decode()
        recovery = re.search(r"<code>([a-z2-7-]+)</code>", shown)[1]
        for _ in range(2):
            other = Client()
            give_password(other)
            entered = other.post(CODE, {"code": typed.format(recovery.upper())})
        assert entered.status_code == 200 and "코드가 맞지 않습니다" in entered.content.decode()
        assert done(kim)[-1] == "recovery_code_used"
        assert StaticToken.objects.count() == 9

    def test_neither_step_is_enough_alone(self, client, kim):
        app = app_of(kim)
        assert client.post(CODE, {"code": code(app.bin_key)}).url == LOGIN
        assert client.post(SET_UP, {"code": code(app.bin_key)}).url == LOGIN
        client.force_login(kim)
        assert client.get(INDEX).status_code == 302

    def test_the_code_must_follow_soon(self, client, kim):
        app = app_of(kim)
        with time_machine.travel(timezone.now(), tick=False) as clock:
            give_password(client)
            clock.shift(timedelta(minutes=10, seconds=1))
            assert client.post(CODE, {"code": code(app.bin_key)}).url == LOGIN

    def test_another_persons_app_is_no_help(self, client, kim):
        app_of(kim)
        theirs = app_of(User.objects.create(username="lee", is_staff=True))
        give_password(client)
        assert client.post(CODE, {"code": code(theirs.bin_key)}).status_code == 200
        assert not is_in(client)

    @pytest.mark.parametrize("change", [{"is_active": False}, {"is_staff": False}])
    def test_who_left_meanwhile_stays_out(self, client, kim, change):
        app = app_of(kim)
        give_password(client)
        User.objects.update(**change)
        assert client.post(CODE, {"code": code(app.bin_key)}).url == LOGIN

    def test_a_person_without_staff_rights_is_refused_at_the_password(self, client):
        User.objects.create_user("lee", "", PASSWORD)
        assert give_password(client, name="lee").status_code == 200

    def test_it_is_one_step_where_two_factor_is_off(self, client, kim, settings):
        settings.PGB_TWO_FACTOR = False
        assert give_password(client).url == INDEX
        assert is_in(client)

    def test_nobody_is_sent_to_another_site(self, client, kim):
        app = app_of(kim)
        give_password(client, to="https://evil.example/")
        assert client.post(CODE, {"code": code(app.bin_key)}).url == INDEX

    @pytest.mark.parametrize("odd", ["foo", "admin:logout"])
    def test_an_odd_page_to_go_on_to_spoils_no_login(self, client, kim, odd):
        give_password(client, to=odd)
        client.get(SET_UP)
        shown = client.post(SET_UP, {"code": code(TOTPDevice.objects.get().bin_key)}).content.decode()
        assert re.search(r"<code>([a-z2-7-]+)</code>", shown)
        assert is_in(client)

    def test_a_name_longer_than_any_is_refused(self, client, kim):
        assert give_password(client, name="k" * 300).status_code == 200


class TestLockout:
    def test_after_five_wrong_passwords(self, client, kim):
        with time_machine.travel(timezone.now(), tick=False) as clock:
            for _ in range(4):
                assert give_password(client, "wrong").status_code == 200
            locked = give_password(client, "wrong")
            assert (locked.status_code, locked["Retry-After"]) == (429, "900")
            assert "최고관리자에게 잠금 해제를 요청하세요" in locked.content.decode()
            assert give_password(client).status_code == 429
            clock.shift(timedelta(minutes=14))
            assert give_password(client).status_code == 429
            clock.shift(timedelta(minutes=1, seconds=1))
            assert give_password(client).status_code == 302

    def test_wrong_codes_count_too(self, client, kim):
        app = app_of(kim)
        with time_machine.travel(timezone.now(), tick=False) as clock:
            give_password(client)
            answers = []
            for _ in range(5):
                answers.append(client.post(CODE, {"code": "000000"}).status_code)
                clock.shift(timedelta(seconds=20))
            assert answers == [200, 200, 200, 200, 429]
            assert client.post(CODE, {"code": code(app.bin_key)}).status_code == 429
            assert give_password(client).status_code == 429
        assert not is_in(client)

    def test_a_right_password_does_not_forget_wrong_codes(self, client, kim):
        app_of(kim)
        with time_machine.travel(timezone.now(), tick=False) as clock:
            for _ in range(4):
                give_password(client)
                client.post(CODE, {"code": "000000"})
                clock.shift(timedelta(seconds=20))
            give_password(client)
            assert client.post(CODE, {"code": "000000"}).status_code == 429

    def test_codes_in_a_hurry_are_not_even_looked_at(self, client, kim):
        app = app_of(kim)
        give_password(client)
        client.post(CODE, {"code": "000000"})
        TOTPDevice.objects.update(throttling_failure_count=6)
        answer = client.post(CODE, {"code": code(app.bin_key)})
        assert "초 뒤에 다시" in answer.content.decode()
        assert not is_in(client)

    def test_it_is_for_one_name_from_one_address(self, client, kim):
        User.objects.create_superuser("lee", "", PASSWORD)
        for _ in range(5):
            give_password(client, "wrong")
        assert give_password(client, name="lee").status_code == 302
        elsewhere = Client(REMOTE_ADDR="192.0.2.7")
        assert give_password(elsewhere).status_code == 302
        assert give_password(Client(headers={"x-forwarded-for": "192.0.2.8"})).status_code == 429

    def test_passwords_and_codes_are_written_nowhere(self, client, kim):
        app_of(kim)
        with captured() as log:
            for _ in range(2):
                give_password(client, "a wrong password")
            give_password(client)
            for typed in ("123123", "abcd-efgh"):
                client.post(CODE, {"code": typed})
        assert [word for word in ("a wrong password", PASSWORD, "123123", "abcd-efgh") if word in log.getvalue()] == []
