"""The keys of a provision file, and what may stand behind each."""

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from merchants import rules
from merchants.codes import Device, GatewayCode, Mode
from merchants.models import PaymentMethod
from merchants.provision.problems import ProvisionError, WrongValue, did_you_mean
from merchants.provision.source import load
from merchants.provision.values import (
    Kind,
    flag,
    list_of,
    mapping_of,
    moment,
    one_of,
    one_or_list_of,
    optional,
    text,
    whole_number,
)

_REQUIRED: Any = object()
# What staff may change in the admin too: a file that does not name it leaves it as it is.
_KEEP: Any = object()


@dataclass(frozen=True)
class Entry:
    """One row that the file wants; ``place`` is where it stands in the file."""

    place: str
    values: Mapping[str, Any] = field(repr=False)


@dataclass(frozen=True)
class Wanted:
    """All rows that a file wants."""

    shops: list[Entry]
    merchants: list[Entry]
    connections: list[Entry]


@dataclass(frozen=True)
class _Key:
    kind: Kind
    default: Any = _REQUIRED


@dataclass(frozen=True)
class _Section:
    keys: Mapping[str, _Key]
    identities: tuple[tuple[str, ...], ...]
    check: Callable[[dict[str, Any]], None] = lambda values: None


def _method_codes() -> list[str]:
    return list(PaymentMethod.objects.values_list("code", flat=True))


def _check_merchant(values: dict[str, Any]) -> None:
    gateway, given = values["gateway"], set(values["credentials"])
    known = rules.credential_names(gateway)
    for name in sorted(given - known):
        raise WrongValue(f"unknown key for {gateway}; {did_you_mean(name, known)}", f".credentials.{name}")
    missing = rules.missing_credentials(gateway, given)
    if missing:
        raise WrongValue(f"{', '.join(missing)} missing for {gateway}", ".credentials")


_SECTIONS = {
    "shops": _Section(
        {
            "db_type": _Key(text(rules.check_name)),
            "joiner_id": _Key(optional(whole_number), None),
            "name": _Key(text(), _KEEP),
            "nation": _Key(one_or_list_of(text(rules.check_nation))),
            "currency": _Key(text(rules.check_currency)),
            "api_key": _Key(text(rules.check_api_key)),
            "api_key_old": _Key(optional(text(rules.check_api_key)), None),
            "publishable_key": _Key(text(rules.check_publishable_key), _KEEP),
            "completion_url": _Key(text(rules.check_completion_url)),
            "signing_secret": _Key(text(rules.check_signing_secret)),
            "signing_secret_old": _Key(optional(text(rules.check_signing_secret)), None),
            "redirect_hosts": _Key(list_of(text(rules.check_redirect_host))),
            "is_active": _Key(flag, _KEEP),
        },
        identities=(("db_type", "joiner_id"),),
    ),
    "merchants": _Section(
        {
            "code": _Key(text(rules.check_name)),
            "gateway": _Key(one_of(lambda: GatewayCode.values, "gateway")),
            "mid": _Key(text()),
            "mode": _Key(one_of(lambda: Mode.values, "mode")),
            "currency": _Key(text(rules.check_currency)),
            "credentials": _Key(mapping_of(text())),
            "webhook_token": _Key(text(rules.check_webhook_token), _KEEP),
            "is_active": _Key(flag, _KEEP),
        },
        identities=(("code",), ("gateway", "mid", "mode", "currency"), ("webhook_token",)),
        check=_check_merchant,
    ),
    "connections": _Section(
        {
            "db_type": _Key(optional(text(rules.check_name)), None),
            "joiner_id": _Key(optional(whole_number), None),
            "nation": _Key(text(rules.check_nation)),
            "method": _Key(one_of(_method_codes, "method")),
            "device": _Key(one_of(lambda: Device.values, "device"), Device.ANY.value),
            "merchant": _Key(text()),
            "connected": _Key(flag, _KEEP),
            "in_use": _Key(flag, _KEEP),
            "priority": _Key(whole_number, 1),
            "min_amount": _Key(whole_number, 0),
            "max_amount": _Key(optional(whole_number), None),
            "starts_at": _Key(optional(moment), None),
            "ends_at": _Key(optional(moment), None),
        },
        identities=(("db_type", "joiner_id", "nation", "method", "device", "merchant"),),
    ),
}


def read(path: Path, environment: Mapping[str, str]) -> Wanted:
    """Return what the file wants, with ``${NAME}`` taken from ``environment``. Raises ProvisionError."""
    content = load(path)
    if not isinstance(content, dict) or not content:
        raise ProvisionError([f"must hold {', '.join(_SECTIONS)}"])
    problems = [
        f"{name}: unknown key; {did_you_mean(str(name), _SECTIONS)}" for name in content if name not in _SECTIONS
    ]
    found = {name: _read_section(name, content.get(name), environment, problems) for name in _SECTIONS}
    if problems:
        raise ProvisionError(problems)
    return Wanted(**found)


def _read_section(name: str, items: Any, environment: Mapping[str, str], problems: list[str]) -> list[Entry]:
    if items is None:
        return []
    if not isinstance(items, list):
        problems.append(f"{name}: must be a list")
        return []
    entries = []
    for number, item in enumerate(items):
        place = f"{name}[{number}]"
        before = len(problems)
        values = _read_entry(place, item, _SECTIONS[name], environment, problems)
        if len(problems) == before:
            entries.append(Entry(place, values))
    _refuse_repeats(entries, _SECTIONS[name].identities, problems)
    return entries


def _read_entry(
    place: str, item: Any, section: _Section, environment: Mapping[str, str], problems: list[str]
) -> dict[str, Any]:
    if not isinstance(item, dict):
        problems.append(f"{place}: must be names with values")
        return {}
    for name in item:
        if name not in section.keys:
            problems.append(f"{place}.{name}: unknown key; {did_you_mean(str(name), section.keys)}")
    values: dict[str, Any] = {}
    before = len(problems)
    for name, key in section.keys.items():
        try:
            _read_key(item, name, key, environment, values)
        except WrongValue as wrong:
            problems.append(f"{place}.{name}{wrong.at}: {wrong.message}")
    if len(problems) == before:
        try:
            section.check(values)
        except WrongValue as wrong:
            problems.append(f"{place}{wrong.at}: {wrong.message}")
    return values


def _read_key(
    item: Mapping[str, Any], name: str, key: _Key, environment: Mapping[str, str], values: dict[str, Any]
) -> None:
    if name in item:
        values[name] = key.kind(item[name], environment)
    elif key.default is _REQUIRED:
        raise WrongValue("missing")
    elif key.default is not _KEEP:
        values[name] = key.default


def _refuse_repeats(entries: list[Entry], identities: tuple[tuple[str, ...], ...], problems: list[str]) -> None:
    for names in identities:
        first: dict[Hashable, str] = {}
        for entry in entries:
            if all(name in entry.values for name in names):
                identity = tuple(entry.values[name] for name in names)
                before = first.setdefault(identity, entry.place)
                if before != entry.place:
                    problems.append(f"{entry.place}: the same {', '.join(names)} as {before}")
