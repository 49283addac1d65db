"""직원: who is let in and with which roles; locks and devices; and that somebody can always manage it."""

import re

import pytest
from auditlog.models import LogEntry
from axes.models import AccessAttempt
from django.apps import apps
from django.contrib.auth.models import Group, Permission, User
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse
from django_otp.plugins.otp_totp.models import TOTPDevice

from config.people import roles
from config.people.roles import ROLES
from tests.people.authenticator import app_of, code

pytestmark = pytest.mark.django_db
LIST = reverse("admin:auth_user_changelist")


@pytest.fixture(autouse=True)
def _quick(settings):
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def boss(client):
    """A superuser, logged in."""
    user = User.objects.create(username="boss", is_staff=True, is_superuser=True)
    client.force_login(user)
    return user


@pytest.fixture
def lee():
    return User.objects.create_user("lee", "", "a password of lee", is_staff=True)


def page(user):
    return reverse("admin:auth_user_change", args=[user.pk])


def form(user, **changes):
    data = {"username": user.username, "first_name": "", "email": "", "is_active": "on"}
    data |= {"is_superuser": "on"} if user.is_superuser else {}
    return {name: value for name, value in (data | changes).items() if value is not None}


class TestRoles:
    def test_every_migrate_makes_them_as_the_table_says(self):
        Group.objects.get(name="조회").permissions.add(Permission.objects.get(codename="change_shop"))
        Group.objects.get(name="감사").permissions.clear()
        Group.objects.filter(name="설정").delete()
        own = Group.objects.create(name="우리 역할")
        own.permissions.add(Permission.objects.get(codename="view_shop"))
        roles.set_up_roles(apps=apps)
        found = {group.name: set(group.permissions.values_list("codename", flat=True)) for group in Group.objects.all()}
        assert set(found) == {*ROLES, "우리 역할"}
        assert "change_shop" not in found["조회"] and "view_shop" in found["조회"]
        assert {"view_user", "view_historyentry", "view_paymentsession"} <= found["감사"]
        assert "change_merchant" in found["설정"] and found["우리 역할"] == {"view_shop"}

    @pytest.mark.parametrize("name", ROLES)
    def test_each_right_that_a_role_names_exists(self, name):
        named = {right for right in ROLES[name].permissions if not right.endswith(".view")}
        rows = Permission.objects.values_list("content_type__app_label", "codename")
        assert named <= {f"{app}.{codename}" for app, codename in rows}

    def test_those_of_the_product_are_not_edited_by_hand(self, client, boss):
        url = reverse("admin:auth_group_change", args=[Group.objects.get(name="운영").pk])
        assert "다시 조회하고" in client.get(url).content.decode()
        assert client.post(url, {"name": "x"}).status_code == 403
        assert client.post(url.replace("change", "delete"), {"post": "yes"}).status_code == 403
        client.post(reverse("admin:auth_group_add"), {"name": "우리 역할"})
        own = Group.objects.get(name="우리 역할")
        client.post(reverse("admin:auth_group_change", args=[own.pk]), {"name": "다른 이름"})
        assert Group.objects.filter(name="다른 이름").exists()


class TestRolePages:
    def test_what_a_role_permits_is_said_in_words(self, client, boss):
        group = Group.objects.get(name="운영")
        shown = client.get(reverse("admin:auth_group_change", args=[group.pk])).text
        permitted = "구매자의 개인정보를 볼 수 있음, 내보내기, 변경, 보기, 취소와 확인 필요의 처리를 할 수 있음"
        assert f"<br>결제: {permitted}<br>" in shown
        assert "Can view" not in shown

    def test_a_new_role_is_given_what_pages_here_need(self, client, boss):
        offered = client.get(reverse("admin:auth_group_add")).text
        wanted = Permission.objects.get(codename="view_merchant")
        assert f'<option value="{wanted.pk}">가맹점: 보기</option>' in offered
        for of_a_library in Permission.objects.filter(content_type__app_label__in=["axes", "otp_totp", "sessions"]):
            assert f'<option value="{of_a_library.pk}">' not in offered
        client.post(reverse("admin:auth_group_add"), {"name": "정산", "permissions": [wanted.pk]})
        assert list(Group.objects.get(name="정산").permissions.all()) == [wanted]


class TestPeople:
    def test_a_person_is_added_with_a_role(self, client, boss):
        role = Group.objects.get(name="운영")
        data = {"username": "park", "first_name": "박지은", "groups": [role.pk]}
        data |= {"password1": "a good password 1", "password2": "a good password 1"}
        answer = client.post(reverse("admin:auth_user_add"), data)
        assert answer.status_code == 302, answer.context["adminform"].form.errors
        park = User.objects.get(username="park")
        assert (park.is_staff, park.is_superuser, list(park.groups.all())) == (True, False, [role])
        assert park.check_password("a good password 1")

    @pytest.mark.parametrize("password", ["short", "password1234", "park-jieun-1", "123456789012"])
    def test_a_weak_password_is_refused(self, client, boss, password):
        data = {"username": "park-jieun", "password1": password, "password2": password}
        answer = client.post(reverse("admin:auth_user_add"), data)
        assert answer.status_code == 200 and answer.context["adminform"].form.errors

    def test_the_list_says_how_each_stands(self, client, boss, lee):
        lee.groups.add(Group.objects.get(name="운영"), Group.objects.get(name="승인"))
        app_of(lee)
        for _ in range(5):
            Client().post(reverse("admin:login"), {"username": "lee", "password": "wrong"})
        text = re.sub(r"\s+|<[^>]*>", " ", client.get(LIST, {"q": "lee"}).content.decode())
        assert all(word in text for word in ("운영, 승인", "등록됨", "잠김"))

    def test_the_list_asks_a_constant_number_of_queries(self, client, boss, django_assert_num_queries):
        client.get(LIST)
        counts = []
        for batch in range(2):
            with django_assert_num_queries(12, exact=False) as few:
                client.get(LIST)
            counts.append(len(few))
            for number in range(20):
                user = User.objects.create(username=f"user-{batch}-{number}", is_staff=True)
                user.groups.add(*Group.objects.all())
        assert counts[0] == counts[1]

    def test_nobody_is_deleted(self, client, boss, lee):
        assert client.post(page(lee).replace("change", "delete"), {"post": "yes"}).status_code == 403
        data = {"action": "delete_selected", "_selected_action": [lee.pk], "post": "yes"}
        client.post(LIST, data)
        assert User.objects.filter(pk=lee.pk).exists()

    def test_who_left_is_out_at_once(self, client, boss, lee):
        theirs = Client()
        lee.is_superuser = True
        lee.save()
        theirs.force_login(lee)
        assert theirs.get(LIST).status_code == 200
        client.post(page(lee), form(lee, is_active=None))
        assert theirs.get(LIST).status_code == 302


class TestLastSuperuser:
    @pytest.mark.parametrize("change", [{"is_superuser": None}, {"is_active": None}])
    def test_stays(self, client, boss, change):
        User.objects.create(username="gone", is_superuser=True, is_staff=True, is_active=False)
        answer = client.post(page(boss), form(boss, **change))
        assert "마지막 최고관리자입니다" in answer.content.decode()
        boss.refresh_from_db()
        assert boss.is_active and boss.is_superuser

    def test_is_free_to_go_when_there_is_another(self, client, boss):
        other = User.objects.create(username="other", is_superuser=True, is_staff=True)
        client.post(page(other), form(other, is_superuser=None))
        other.refresh_from_db()
        assert not other.is_superuser

    def test_may_change_all_the_rest(self, client, boss):
        client.post(page(boss), form(boss, first_name="김사장"))
        boss.refresh_from_db()
        assert boss.first_name == "김사장"


class TestButtons:
    def test_a_lock_is_lifted(self, client, boss, lee):
        login = reverse("admin:login")
        for _ in range(5):
            Client().post(login, {"username": "lee", "password": "wrong"})
        app = app_of(lee)
        TOTPDevice.objects.filter(pk=app.pk).update(throttling_failure_count=9)
        assert "잠금 해제" in client.get(page(lee)).content.decode()
        assert client.post(reverse("admin:people_unlock", args=[lee.pk])).url == page(lee)
        assert not AccessAttempt.objects.exists()
        assert TOTPDevice.objects.get().throttling_failure_count == 0
        assert Client().post(login, {"username": "lee", "password": "a password of lee"}).status_code == 302
        kinds = LogEntry.objects.filter(actor=boss).values_list("additional_data__kind", flat=True)
        assert "unlocked" in kinds

    def test_a_lost_app_is_reset(self, client, boss, lee, settings):
        app, theirs = app_of(lee), Client()
        boss_client = client
        assert "2단계 인증 초기화" in boss_client.get(page(lee)).content.decode()
        settings.PGB_TWO_FACTOR = True
        theirs.post(reverse("admin:login"), {"username": "lee", "password": "a password of lee"})
        theirs.post(reverse("admin:login_code"), {"code": code(app.bin_key)})
        assert theirs.get(reverse("admin:index")).status_code == 200
        settings.PGB_TWO_FACTOR = False
        assert boss_client.post(reverse("admin:people_reset_two_factor", args=[lee.pk])).url == page(lee)
        settings.PGB_TWO_FACTOR = True
        assert theirs.get(reverse("admin:index")).status_code == 302
        again = theirs.post(reverse("admin:login"), {"username": "lee", "password": "a password of lee"})
        assert again.url == reverse("admin:login_set_up")
        assert LogEntry.objects.filter(actor=boss, additional_data__kind="two_factor_reset", object_id=lee.pk).exists()

    @pytest.mark.parametrize("name", ["people_unlock", "people_reset_two_factor"])
    def test_others_press_them_in_vain(self, client, lee, name):
        lee.user_permissions.set(Permission.objects.filter(content_type__app_label="auth"))
        client.force_login(lee)
        url = reverse(f"admin:{name}", args=[lee.pk])
        assert (client.post(url).status_code, client.get(url).status_code) == (403, 405)

    def test_all_rights_of_a_table_do_not_make_a_superuser(self, client, lee):
        lee.user_permissions.set(Permission.objects.filter(content_type__app_label="auth"))
        client.force_login(lee)
        assert client.get(page(lee)).status_code == 200
        assert client.post(page(lee), form(lee, is_superuser="on")).status_code == 403
        assert client.get(reverse("admin:auth_user_password_change", args=[lee.pk])).status_code == 403


class TestCommand:
    def test_the_last_superuser_is_helped_from_the_machine(self, boss, capsys):
        app_of(boss)
        call_command("reset_two_factor", "boss")
        assert "boss sets up an authenticator app at the next login" in capsys.readouterr().out
        assert not TOTPDevice.objects.exists()

    def test_nobody_by_that_name(self, boss):
        with pytest.raises(CommandError, match="no person 'bos'"):
            call_command("reset_two_factor", "bos")
