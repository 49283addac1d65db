"""The raw body of a request, never more of it than the door allows."""

from django.http import HttpRequest


class TooLarge(Exception):
    """The body is longer than this door allows."""


class BrokenOff(Exception):
    """The caller hung up in mid-body, or its chunks make no sense."""


def read(request: HttpRequest, most: int) -> bytes:
    """Return the body of at most ``most`` bytes. Raises TooLarge or BrokenOff.

    .NET's JsonContent is sent in chunks, without a length; Django would read such a body as empty.
    """
    chunked = "chunked" in request.headers.get("Transfer-Encoding", "").lower()
    if not chunked and _length(request) > most:
        raise TooLarge
    try:
        body = _chunks(request, most) if chunked else request.body
    except Exception as error:  # each web server has its own
        raise BrokenOff from error
    if len(body) > most:
        raise TooLarge
    return body


def _length(request: HttpRequest) -> int:
    length = request.headers.get("Content-Length", "")
    return int(length) if length.isascii() and length.isdigit() else 0


def _chunks(request: HttpRequest, most: int) -> bytes:
    """Read to the end, where the web server says that the stream has one."""
    if not request.META.get("wsgi.input_terminated"):
        raise BrokenOff
    body: bytes = request.META["wsgi.input"].read(most + 1)
    return body
