"""The back office as a whole: who enters, and by which steps."""

from collections.abc import Callable
from functools import wraps
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path, reverse
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from unfold.sites import UnfoldAdminSite

from config.people import idle, login
from config.people.forms import PasswordForm


class BackOfficeSite(UnfoldAdminSite):
    """Lets in who has given password and code; PGB_TWO_FACTOR may take the code away on loopback."""

    login_form = PasswordForm

    def has_permission(self, request: HttpRequest) -> bool:
        """Whether this person may enter."""
        verified = not settings.PGB_TWO_FACTOR or request.user.is_verified()  # type: ignore[union-attr]  # django_otp's
        return super().has_permission(request) and verified

    def extra_urls(self) -> list[URLPattern]:
        """Return the addresses of the steps after the password."""
        return [
            path("login/code/", self.login_code, name="login_code"),
            path("login/set-up/", self.login_set_up, name="login_set_up"),
        ]

    @method_decorator(never_cache)
    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Ask for name and password."""
        if request.method == "GET" and self.has_permission(request):
            return redirect("admin:index")
        context = {
            **self.each_context(request),
            "title": _("로그인"),
            "app_path": request.get_full_path(),
            "idle_minutes": idle.ended_minutes(request),
            **(extra_context or {}),
        }
        view: Callable[..., Any] = login.PasswordStep.as_view(
            authentication_form=self.login_form, template_name="admin/people/login.html", extra_context=context
        )
        answer: HttpResponse = view(request)
        return answer

    @method_decorator(never_cache)
    @method_decorator(sensitive_post_parameters())
    def login_code(self, request: HttpRequest) -> HttpResponse:
        """Ask for a code."""
        return login.code_step(request, self.each_context(request))

    @method_decorator(never_cache)
    @method_decorator(sensitive_post_parameters())
    def login_set_up(self, request: HttpRequest) -> HttpResponse:
        """Set up an authenticator app."""
        return login.set_up_step(request, self.each_context(request))

    def search(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Search; a page that is no number is none of ours."""
        page = request.GET.get("page", "1")
        if not (page.isascii() and page.isdecimal() and len(page) < 10):
            raise BadRequest("the number of a page is none")
        found: HttpResponse = super().search(request, extra_context)
        return found

    def logout(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """End the session, and say so no more."""
        return idle.forget(super().logout(request, extra_context))

    def admin_view(self, view: Callable[..., HttpResponse], cacheable: bool = False) -> Callable[..., HttpResponse]:
        """Let a press on a button after the session's end lead back to the page of the button."""
        inner = super().admin_view(view, cacheable)

        @wraps(inner)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            is_press = request.method == "POST" and request.path != reverse("admin:logout")
            if is_press and not self.has_permission(request):
                return redirect_to_login(_page_of(request), reverse("admin:login"))
            return inner(request, *args, **kwargs)

        return guarded


def _page_of(request: HttpRequest) -> str:
    """Return the page whose button was pressed, if it is one of ours."""
    came_from = urlsplit(request.headers.get("Referer", ""))
    if came_from.netloc != request.get_host() or not came_from.path.startswith("/admin/"):
        return reverse("admin:index")
    return f"{came_from.path}?{came_from.query}" if came_from.query else came_from.path
