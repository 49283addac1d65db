"""The steps of a login: password, then a code; who has no authenticator app yet sets one up in between."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.contrib import auth, messages
from django.contrib.auth.models import User
from django.contrib.auth.views import LoginView
from django.forms import Form
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django_otp import login as verified_by
from django_otp.models import Device
from django_otp.plugins.otp_static.models import StaticDevice
from django_otp.plugins.otp_totp.models import TOTPDevice

from config.people import events, idle, lockout, two_factor
from config.people.forms import AppCodeForm, CodeForm
from merchants import audit

_HALF = "half_login"
_LASTS = timedelta(minutes=10)
_BACKEND = "django.contrib.auth.backends.ModelBackend"


@dataclass(frozen=True, slots=True)
class HalfLogin:
    """A person whose password was right, and where they wanted to go."""

    user: User
    next_url: str


class PasswordStep(LoginView):
    """The first step. Nobody is logged in before the last one."""

    def form_valid(self, form: Any) -> HttpResponse:
        """Go on to the code, or enter where none is asked for."""
        user: User = form.get_user()
        half = HalfLogin(user, self.get_success_url())
        if not settings.PGB_TWO_FACTOR:
            return _enter(self.request, half)
        until = (timezone.now() + _LASTS).timestamp()
        self.request.session.flush()
        self.request.session[_HALF] = {"user": user.pk, "next": half.next_url, "until": until}
        return redirect("admin:login_code" if two_factor.app_of(user) else "admin:login_set_up")


def code_step(request: HttpRequest, context: dict[str, Any]) -> HttpResponse:
    """Ask for a code of the person's app."""
    half = _half_login(request)
    app = two_factor.app_of(half.user) if half else None
    if half is None or app is None:
        return redirect("admin:login" if half is None else "admin:login_set_up")
    form = CodeForm(request.POST or None)
    if request.method == "POST":
        if lockout.is_locked(request, half.user):
            return lockout.page(request)
        device = _checked(request, half, app, form)
        if device is not None:
            return _enter(request, half, device)
    return render(request, "admin/people/code.html", {**context, "title": _("2단계 인증"), "form": form})


def set_up_step(request: HttpRequest, context: dict[str, Any]) -> HttpResponse:
    """Lead through setting up an authenticator app."""
    half = _half_login(request)
    if half is None or two_factor.app_of(half.user):
        return redirect("admin:login" if half is None else "admin:login_code")
    app = two_factor.app_to_set_up(half.user, request.session[_HALF].get("app"))
    request.session[_HALF] = {**request.session[_HALF], "app": app.pk}
    form = AppCodeForm(request.POST or None)
    if request.method == "POST":
        if lockout.is_locked(request, half.user):
            return lockout.page(request)
        if _checked(request, half, app, form) is not None:
            return _show_recovery_codes(request, context, half, app)
    shown = {"title": _("2단계 인증 등록"), "form": form, "username": half.user.get_username()}
    shown |= {"qr_code": two_factor.qr_code(app), "key": two_factor.key_to_type(app)}
    return render(request, "admin/people/set_up.html", {**context, **shown})


def _show_recovery_codes(
    request: HttpRequest, context: dict[str, Any], half: HalfLogin, app: TOTPDevice
) -> HttpResponse:
    """In the answer itself, and nowhere else: what is shown once is not kept for a second page."""
    codes = two_factor.confirm(app)
    app.refresh_from_db()
    _enter(request, half, app)
    audit.record(request, half.user, events.TWO_FACTOR_SET_UP)
    shown = {"title": _("복구 코드"), "codes": codes, "next_url": half.next_url}
    return idle.remember(render(request, "admin/people/recovery_codes.html", {**context, **shown}))


def _checked(request: HttpRequest, half: HalfLogin, app: TOTPDevice, form: Form) -> Device | None:
    """Return the device whose code was typed; else say in the form what is wrong with it."""
    if not form.is_valid():
        return None
    wait = two_factor.seconds_to_wait(app, timezone.now())
    if wait:
        form.add_error("code", _("틀린 코드가 이어졌습니다. %(seconds)s초 뒤에 다시 입력하세요.") % {"seconds": wait})
        return None
    device = two_factor.matching(half.user, app, form.cleaned_data["code"])
    if device is None:
        lockout.count_failure(request, half.user)
        form.add_error("code", _("코드가 맞지 않습니다. 앱에 지금 보이는 코드를 입력하세요."))
    return device


def _enter(request: HttpRequest, half: HalfLogin, device: Device | None = None) -> HttpResponse:
    request.session.pop(_HALF, None)
    auth.login(request, half.user, backend=_BACKEND)
    audit.record(request, half.user, events.LOGIN)
    if device is not None:
        verified_by(request, device)
    if isinstance(device, StaticDevice):
        audit.record(request, half.user, events.RECOVERY_CODE_USED)
        left = two_factor.recovery_codes_left(half.user)
        messages.warning(request, _("복구 코드로 로그인했습니다. 남은 코드는 %s개입니다.") % left)
    return idle.remember(HttpResponseRedirect(half.next_url))


def _half_login(request: HttpRequest) -> HalfLogin | None:
    """Return who is between the steps; nobody after ten minutes."""
    half = request.session.get(_HALF)
    if not half or half["until"] < timezone.now().timestamp():
        return None
    user = User.objects.filter(pk=half["user"], is_active=True, is_staff=True).first()
    return HalfLogin(user, half["next"]) if user else None
