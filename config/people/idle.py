"""A session of the back office ends when nothing was done for a while; the login page then says why."""

from django.conf import settings
from django.contrib.sessions.middleware import SessionMiddleware
from django.http import HttpRequest, HttpResponse

# Outlives the session: who has it was logged in and has not logged out.
_COOKIE = "pgb_was_here"
_PATH = "/admin/"
_KEPT = 7 * 24 * 60 * 60


class SessionsOfStaff(SessionMiddleware):
    """Lets each request of the back office begin the half hour of its session anew; other requests have none.

    Not SESSION_SAVE_EVERY_REQUEST: by that, whoever sends a cookie with any text, to any address, has a session stored.
    """

    def process_response(self, request: HttpRequest, response: HttpResponse) -> HttpResponse:
        """Store the session that somebody has."""
        if not request.path.startswith(_PATH):
            return response
        if request.session.keys():
            request.session.modified = True
        return super().process_response(request, response)


def remember(response: HttpResponse) -> HttpResponse:
    """Remember in the browser that somebody logged in."""
    response.set_cookie(
        _COOKIE, "1", max_age=_KEPT, path=_PATH, secure=settings.SESSION_COOKIE_SECURE, httponly=True, samesite="Lax"
    )
    return response


def forget(response: HttpResponse) -> HttpResponse:
    """Forget it: they logged out."""
    response.delete_cookie(_COOKIE, path=_PATH, samesite="Lax")
    return response


def ended_minutes(request: HttpRequest) -> int:
    """Return after how many idle minutes the session ended, where the login page is shown for that; else 0."""
    came_back = "next" in request.GET and request.COOKIES.get(_COOKIE) == "1" and not request.user.is_authenticated
    return settings.SESSION_COOKIE_AGE // 60 if came_back else 0
