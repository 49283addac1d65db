"""What a line of the history says, in the words of the back office."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from auditlog.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.core.exceptions import FieldDoesNotExist
from django.db import models
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from config.people import events
from config.people.history import HIDDEN
from merchants import audit
from payments.admin import columns

ACTIONS = {
    LogEntry.Action.CREATE: gettext_lazy("등록"),
    LogEntry.Action.UPDATE: gettext_lazy("변경"),
    LogEntry.Action.DELETE: gettext_lazy("삭제"),
    LogEntry.Action.ACCESS: gettext_lazy("접근"),
}
KINDS = {
    audit.EXPORT: gettext_lazy("내보내기"),
    audit.PERSONAL_DATA: pgettext_lazy("history", "개인정보 보기"),
    events.LOGIN: gettext_lazy("로그인"),
    events.TWO_FACTOR_SET_UP: gettext_lazy("2단계 인증 등록"),
    events.TWO_FACTOR_RESET: gettext_lazy("2단계 인증 초기화"),
    events.RECOVERY_CODE_USED: gettext_lazy("복구 코드로 로그인"),
    events.UNLOCKED: gettext_lazy("로그인 잠금 해제"),
}
_TONES = {LogEntry.Action.CREATE: "success", LogEntry.Action.UPDATE: "info", LogEntry.Action.DELETE: "danger"}
TONES = {tone: tone for tone in (*_TONES.values(), "warning")}


@dataclass(frozen=True, slots=True)
class Change:
    """One field: its label, and its value before and after, in words."""

    name: str
    before: str
    after: str


def kind(entry: LogEntry) -> tuple[str, str]:
    """Return what was done, as the tone and the text of a label."""
    done = (entry.additional_data or {}).get("kind", "")
    return _TONES.get(entry.action, "warning"), str(KINDS.get(done) or ACTIONS[entry.action])


def who(entry: LogEntry) -> str:
    """Return who did it: a person, the provision file, or a command."""
    if entry.actor_id:
        return str(entry.actor.get_full_name() or entry.actor.get_username())
    if (entry.additional_data or {}).get("origin") == audit.PROVISION:
        return _("설정 파일 (provision)")
    return _("시스템 (명령)")


def changes(entry: LogEntry) -> list[Change]:
    """Return the fields that changed, in the order in which their table has them."""
    model = ContentType.objects.get_for_id(entry.content_type_id).model_class()
    found = entry.changes or {}
    names = sorted(found, key=lambda name: _place(model, name))
    return [change for name in names if (change := _change(model, name, found[name])).before != change.after]


def summary(entry: LogEntry) -> str:
    """Return the fields that changed, or the reason of an access, in one line."""
    details = entry.additional_data or {}
    if entry.action == LogEntry.Action.ACCESS:
        return str(details.get("reason", ""))
    if entry.action != LogEntry.Action.UPDATE:
        return ""
    names = [change.name for change in changes(entry)]
    return ", ".join(names[:4]) + (" …" if len(names) > 4 else "")


def _place(model: Any, name: str) -> int:
    names = [field.name for field in model._meta.get_fields()] if model else []
    return names.index(name) if name in names else len(names)


def _change(model: Any, name: str, found: Any) -> Change:
    field = _field(model, name)
    label = str(getattr(field, "verbose_name", name))
    if isinstance(found, dict):
        objects = ", ".join(found.get("objects", ()))
        return Change(label, "", objects) if found.get("operation") == "add" else Change(label, objects, "")
    before, after = found
    if HIDDEN in found:
        return Change(label, "", _("새 값 (보이지 않습니다)") if after else _("지워짐"))
    return Change(label, _said(field, before), _said(field, after))


def _field(model: Any, name: str) -> Any:
    try:
        return model._meta.get_field(name) if model else None
    except FieldDoesNotExist:
        return None


def _said(field: Any, value: Any) -> str:
    """Return a stored value as its form shows it."""
    if value is None or value == "":
        return "-"
    if isinstance(value, bool):
        return _("예") if value else _("아니오")
    if isinstance(value, dict):
        return ", ".join(f"{name} {part}" for name, part in value.items()) or "-"
    if isinstance(value, list):
        return ", ".join(map(str, value))
    if isinstance(field, models.DateTimeField):
        return _moment(str(value))
    return str(dict(getattr(field, "flatchoices", None) or ()).get(value, value))


def _moment(value: str) -> str:
    """Times are stored as UTC without saying so."""
    try:
        at = datetime.fromisoformat(value)
    except ValueError:
        return value
    return columns.moment(at if at.tzinfo else at.replace(tzinfo=UTC))
