"""Which language a page speaks, where the browser does not decide it."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.utils import translation


def korean_back_office(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Speak Korean in the back office, whatever the browser prefers: half a translation helps nobody."""

    def middleware(request: HttpRequest) -> HttpResponse:
        if request.path.startswith("/admin/"):
            translation.activate("ko")
        return get_response(request)

    return middleware
