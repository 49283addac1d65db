"""Who guesses is locked out (django-axes): 5 failures in 15 minutes, of a name from one address."""

from datetime import timedelta

from axes.handlers.proxy import AxesProxyHandler
from axes.utils import reset
from django.conf import settings
from django.contrib import admin
from django.contrib.auth.models import User
from django.contrib.auth.signals import user_login_failed
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _

from config.people import two_factor


def is_locked(request: HttpRequest, user: User) -> bool:
    """Whether no login of this person from this address is looked at now."""
    return not AxesProxyHandler.is_allowed(request, {"username": user.get_username()})


def count_failure(request: HttpRequest, user: User) -> None:
    """Count a wrong code as a wrong password is counted."""
    user_login_failed.send(sender=__name__, credentials={"username": user.get_username()}, request=request)


def locking() -> Q:
    """Return the condition of those attempts that lock somebody now."""
    cool_off: timedelta = settings.AXES_COOLOFF_TIME
    return Q(failures_since_start__gte=settings.AXES_FAILURE_LIMIT, attempt_time__gt=timezone.now() - cool_off)


def unlock(user: User) -> None:
    """Let the person try again, from every address."""
    reset(username=user.get_username())
    two_factor.forget_failures(user)


def page(request: HttpRequest, response: HttpResponse | None = None, credentials: object = None) -> HttpResponse:
    """Say what happened, and what to do. django-axes answers with it in the place of ``response``."""
    minutes = int(settings.AXES_COOLOFF_TIME.total_seconds() // 60)
    context = {**admin.site.each_context(request), "failures": settings.AXES_FAILURE_LIMIT, "minutes": minutes}
    context["title"] = _("로그인 잠김")
    answer = render(request, "admin/people/locked.html", context, status=429)
    answer["Retry-After"] = str(minutes * 60)
    return answer
