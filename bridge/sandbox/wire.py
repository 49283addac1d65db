"""What crosses the wire: requests and answers, and the ways in which an answer can go wrong on its way."""

import json
from dataclasses import dataclass, field
from email.message import Message
from http import HTTPStatus
from typing import Any, TypeAlias
from urllib.parse import parse_qsl

from bridge.sandbox.guard import refuse_in_production

refuse_in_production()

Headers: TypeAlias = "Message[str, str]"  # names without regard to case
TYPE_JSON = "application/json"
TYPE_HTML = "text/html; charset=utf-8"


class BadRequest(Exception):
    """The request cannot be read; the text says why."""


@dataclass(frozen=True)
class Request:
    """One HTTP request, its body fully read. `query` is the raw text behind the question mark."""

    method: str
    path: str
    query: str
    headers: Headers
    body: bytes

    def pairs(self) -> list[tuple[str, str]]:
        """The form of a POST, or the query of a GET, as (name, value) pairs in their order."""
        raw = self.body if self.method == "POST" else self.query.encode()
        try:
            return parse_qsl(raw.decode(), keep_blank_values=True, strict_parsing=bool(raw), errors="strict")
        except ValueError as error:
            raise BadRequest(f"not a form: {error}") from error

    def form(self) -> dict[str, str]:
        return dict(self.pairs())

    def json(self) -> dict[str, Any]:
        """The body as a JSON object; BadRequest for anything else."""
        try:
            data = json.loads(self.body)
        except ValueError as error:
            raise BadRequest(f"not JSON: {error}") from error
        if not isinstance(data, dict):
            raise BadRequest("not a JSON object")
        return data


@dataclass(frozen=True)
class Manner:
    """How an answer travels if not as it should.

    drop: the connection closes without an answer (with `reset`, by RST). half: closes after half of the body.
    drip: one byte every `seconds`. endless: a body without end.
    outage: like drop, then nothing listens for `seconds`.
    """

    kind: str
    seconds: float = 0.0
    reset: bool = False


@dataclass
class Response:
    """One HTTP answer."""

    status: int = HTTPStatus.OK
    body: bytes = b""
    content_type: str = TYPE_JSON
    headers: dict[str, str] = field(default_factory=dict)
    manner: Manner | None = None


def json_response(data: Any, status: int = HTTPStatus.OK, **headers: str) -> Response:
    """An answer in JSON; header names are given with underscores."""
    body = json.dumps(data, ensure_ascii=False).encode()
    return Response(status, body, headers={name.replace("_", "-"): value for name, value in headers.items()})


def see_other(url: str) -> Response:
    return Response(HTTPStatus.SEE_OTHER, headers={"Location": url})


def html_response(text: str, status: int = HTTPStatus.OK) -> Response:
    return Response(status, text.encode(), TYPE_HTML, {"Cache-Control": "no-store"})
