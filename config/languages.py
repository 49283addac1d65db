"""Which language a page speaks, where the browser does not decide it."""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils import translation

_OFFERED = {code for code, _name in settings.LANGUAGES}


def language_of_the_back_office(
    get_response: Callable[[HttpRequest], HttpResponse],
) -> Callable[[HttpRequest], HttpResponse]:
    """Speak Korean in the back office, or what this person chose there, whatever the browser prefers."""

    def middleware(request: HttpRequest) -> HttpResponse:
        if request.path.startswith("/admin/"):
            chosen = request.COOKIES.get(settings.LANGUAGE_COOKIE_NAME)
            translation.activate(chosen if chosen in _OFFERED else settings.LANGUAGE_CODE)
        return get_response(request)

    return middleware
