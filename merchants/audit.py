"""Who did what in the back office, in one table (auditlog's): changes of the configuration, and looks at personal data.

Changes are recorded by themselves (config/people/history.py says of what); exports and looks at personal data by
these calls.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import structlog
from auditlog.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db.models import Model
from django.db.models.signals import pre_save
from django.dispatch import receiver
from django.http import HttpRequest, HttpResponse

# Kinds of what is no change of a row; ``additional_data["kind"]`` of the entry.
EXPORT, PERSONAL_DATA = "export", "personal_data"

PROVISION = "provision"

_request: ContextVar[HttpRequest | None] = ContextVar("request", default=None)
_origin: ContextVar[str] = ContextVar("origin", default="")


def record_export(request: HttpRequest, model: type[Model], what: str, count: int, reason: str) -> None:
    """Record that the person of ``request`` took ``count`` rows of ``model`` out in a file.

    ``what`` tells people which rows: the filter, the period. Raises ValueError without a reason.
    """
    details = {"kind": EXPORT, "what": what, "count": count, "reason": _given(reason)}
    _write(request, model, details, object_pk="", object_repr=what)


def record_access(request: HttpRequest, obj: Model, reason: str) -> None:
    """Record that the person of ``request`` saw personal data of ``obj`` unmasked. ValueError without a reason."""
    record(request, obj, PERSONAL_DATA, reason=_given(reason))


def record(request: HttpRequest, obj: Model, kind: str, **details: Any) -> None:
    """Record that the person of ``request`` did something to ``obj`` that changes no field of it."""
    number = obj.pk if isinstance(obj.pk, int) else None
    row = {"object_pk": str(obj.pk), "object_id": number, "object_repr": str(obj)}
    _write(request, type(obj), {"kind": kind, **details}, **row)


def _given(reason: str) -> str:
    if not reason.strip():
        raise ValueError("personal data is neither shown nor exported without a reason")
    return reason.strip()


def _write(request: HttpRequest, model: type[Model], details: dict[str, Any], **row: Any) -> None:
    with _of(request):
        LogEntry.objects.create(
            content_type=ContentType.objects.get_for_model(model),
            action=LogEntry.Action.ACCESS,
            additional_data=details,
            cid=request_id(),
            **row,
        )


def name_the_actor(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Middleware: what changes during a request of the back office is recorded as done by its user.

    Not auditlog's own, which believes X-Forwarded-For and connects a signal in every request, the shops' too.
    """

    def middleware(request: HttpRequest) -> HttpResponse:
        if not request.path.startswith("/admin/"):
            return get_response(request)
        with _of(request):
            return get_response(request)

    return middleware


def request_id() -> str | None:
    """Return the X-Request-Id of the present request; auditlog asks for it (AUDITLOG_CID_GETTER)."""
    bound: str | None = structlog.contextvars.get_contextvars().get("request_id")
    return bound


@contextmanager
def _of(request: HttpRequest) -> Iterator[None]:
    before = _request.set(request)
    try:
        yield
    finally:
        _request.reset(before)


@contextmanager
def changes_come_from(origin: str) -> Iterator[None]:
    """Name what changes the configuration in this block, where it is no person: PROVISION."""
    before = _origin.set(origin)
    try:
        yield
    finally:
        _origin.reset(before)


@receiver(pre_save, sender=LogEntry)
def _sign(instance: LogEntry, **_: Any) -> None:
    """Name the person and the address of the connection; commands have neither."""
    if _origin.get():
        instance.additional_data = {"origin": _origin.get()}
    request = _request.get()
    if request is None:
        return
    user = getattr(request, "user", None)
    if user is not None and user.is_authenticated:
        instance.actor = user
        instance.actor_email = user.email
    instance.remote_addr = request.META.get("REMOTE_ADDR") or None
