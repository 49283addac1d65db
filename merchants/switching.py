"""Switching connections (결제수단 연결) on and off, or over to another gateway: first shown, then done."""

import copy
import hashlib
import json
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from django.core.exceptions import ValidationError
from django.db import IntegrityError, models, transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from merchants import lookup
from merchants.consequences import Change, consequences, live_sessions
from merchants.models import MethodConnection
from merchants.order_pages import Answer

# More at once would hold their rows locked for long.
MOST = 300


class Wish(models.TextChoices):
    """What is to be done with the chosen connections."""

    CONNECT = "connect", gettext_lazy("연결 켜기")
    DISCONNECT = "disconnect", gettext_lazy("연결 끄기")
    USE = "use", gettext_lazy("사용 켜기")
    UNUSE = "unuse", gettext_lazy("사용 끄기")
    MOVE = "move", gettext_lazy("이 PG로 전환")


class Refused(Exception):
    """Nothing was changed; ``problems`` say why."""

    def __init__(self, *problems: str) -> None:
        super().__init__(*problems)
        self.problems = problems


class Stale(Refused):
    """The configuration is no longer the one that was shown."""


@dataclass(frozen=True)
class Switch:
    """One connection, as it is and as it will be."""

    was: MethodConnection
    row: MethodConnection


@dataclass(frozen=True)
class Plan:
    """What a wish comes to. ``changes``: on order pages; ``named``: only for calls that name a gateway (PGType).

    ``live``: the payments under way that would go to another merchant if they began afterwards.
    """

    wish: Wish
    keys: list[int]
    switches: list[Switch]
    changes: list[Change]
    named: list[Change]
    live: int

    @property
    def fingerprint(self) -> str:
        """Return a text that differs if the plan does: any value of its rows, or anything that order pages show."""
        rows = [
            [str(getattr(one.was, field.attname)) for field in one.was._meta.concrete_fields] for one in self.switches
        ]
        shown = [
            [str(one.page), one.method, one.device, one.low, one.high, _name(one.before), _name(one.after), one.gateway]
            for one in [*self.changes, *self.named]
        ]
        return hashlib.sha256(json.dumps([self.wish, self.keys, rows, shown]).encode()).hexdigest()


def _name(answer: Answer) -> str:
    return f"merchant {answer.merchant_id}" if isinstance(answer, MethodConnection) else answer.__name__


def preview(wish: Wish, keys: Collection[int]) -> Plan:
    """Return what the wish would come to: it is carried out, looked at and undone. Raises Refused."""
    with transaction.atomic():
        plan = _carry_out(wish, keys)
        transaction.set_rollback(True)
    return plan


def carry_out(wish: Wish, keys: Collection[int], fingerprint: str) -> Plan:
    """Do it, all or nothing, if it still is the plan with this fingerprint. Raises Refused or Stale."""
    with transaction.atomic():
        plan = _carry_out(wish, keys)
        if plan.fingerprint != fingerprint:
            raise Stale(_("이 화면을 연 뒤에 설정이 바뀌었습니다. 바뀐 내용을 다시 확인하세요. 저장된 것은 없습니다."))
    return plan


def _carry_out(wish: Wish, keys: Collection[int]) -> Plan:
    now = timezone.now()
    rows = _locked(wish, keys)
    before = lookup.read()
    switches = [one for one in (_switched(wish, row, keys) for row in rows) if _differs(one)]
    _save(switches)
    after = lookup.read()
    shown, named = consequences([one.row for one in switches], before, after, now)
    return Plan(wish, sorted(set(keys)), switches, shown, named, live_sessions(shown))


def _locked(wish: Wish, keys: Collection[int]) -> list[MethodConnection]:
    """Return the rows that the wish is about, always locked in the same order."""
    if len(set(keys)) > MOST:
        raise Refused(_("한 번에 %(most)s개까지 바꿀 수 있습니다.") % {"most": MOST})
    wanted = set(keys)
    if wish == Wish.MOVE:
        for chosen in MethodConnection.objects.filter(pk__in=keys):
            rivals = MethodConnection.objects.filter(**chosen.key, connected=True, in_use=True)
            wanted |= {rival.pk for rival in rivals if rival.meets(chosen)}
    rows = MethodConnection.objects.select_for_update(of=("self",)).select_related("method", "merchant")
    found = list(rows.filter(pk__in=wanted).order_by("pk"))
    if not found or len(found) != len(wanted):
        raise Refused(_("고른 연결 중에 없어진 것이 있습니다. 목록을 새로 열고 다시 고르세요."))
    return found


def _switched(wish: Wish, was: MethodConnection, keys: Collection[int]) -> Switch:
    row = copy.copy(was)
    if wish in (Wish.CONNECT, Wish.DISCONNECT):
        row.connected = wish == Wish.CONNECT
    elif wish in (Wish.USE, Wish.UNUSE):
        row.in_use = wish == Wish.USE
    elif was.pk in keys:
        row.connected = row.in_use = True
    else:
        row.connected = False
    return Switch(was, row)


def _differs(one: Switch) -> bool:
    return (one.was.connected, one.was.in_use) != (one.row.connected, one.row.in_use)


def _save(switches: Iterable[Switch]) -> None:
    """Save row by row, those that go off first: they make room. Raises Refused."""
    problems = []
    for one in sorted(switches, key=lambda one: one.row.is_on):
        try:
            if one.row.connected > one.was.connected or one.row.in_use > one.was.in_use:
                one.row.check_it_may_go_on()
            one.row.save(update_fields=["connected", "in_use"])
        except ValidationError as error:
            problems.append(f"{one.row}: {' '.join(error.messages)}")
        except IntegrityError:  # the database sees rows that are not committed yet
            raise Refused(_("%(row)s: 방금 다른 사람이 겹치는 연결을 켰습니다.") % {"row": one.row}) from None
    if problems:
        raise Refused(*problems)
