"""Kinds of values in a provision file. Each reader returns the value, or raises WrongValue."""

import re
from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Any

from django.core.exceptions import ValidationError

from merchants.provision.problems import WrongValue, did_you_mean, in_english

Environment = Mapping[str, str]
Kind = Callable[[Any, Environment], Any]

_PLACEHOLDER = re.compile(r"\$\{([^}]*)\}?")


def text(check: Callable[[str], None] | None = None) -> Kind:
    """A text that is not empty, with ``${NAME}`` from the environment, and that passes the rule."""

    def read(value: Any, environment: Environment) -> str:
        if not isinstance(value, str):
            raise WrongValue(f"must be text, not {_kind_of(value)}{_quotes(value)}")
        found = _expand(value, environment)
        if not found.strip():
            raise WrongValue("must not be empty")
        if check:
            try:
                check(found)
            except ValidationError as error:
                raise WrongValue(in_english(error)) from None
        return found

    return read


def one_of(words: Callable[[], list[str]], what: str) -> Kind:
    """One of the known words."""
    read_text = text()

    def read(value: Any, environment: Environment) -> str:
        found: str = read_text(value, environment)
        known = words()
        if found not in known:
            raise WrongValue(f"unknown {what} {found!r}; {did_you_mean(found, known)}")
        return found

    return read


def optional(kind: Kind) -> Kind:
    """A value, or null."""
    return lambda value, environment: None if value is None else kind(value, environment)


def whole_number(value: Any, environment: Environment) -> int:
    """A number without sign or fraction."""
    if not isinstance(value, int) or isinstance(value, bool):
        raise WrongValue(f"must be a whole number, not {_kind_of(value)}")
    if value < 0:
        raise WrongValue("must not be negative")
    return value


def flag(value: Any, environment: Environment) -> bool:
    """True or false."""
    if not isinstance(value, bool):
        raise WrongValue(f"must be true or false, not {_kind_of(value)}")
    return value


def moment(value: Any, environment: Environment) -> datetime:
    """A time that says its offset from UTC."""
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            value = None
    if not isinstance(value, datetime) or value.tzinfo is None:
        raise WrongValue("must be a time with its offset, such as 2026-01-31T00:00:00+09:00")
    return value


def list_of(kind: Kind) -> Kind:
    """A list of one value or more, each only once."""

    def read(value: Any, environment: Environment) -> list[Any]:
        if not isinstance(value, list):
            raise WrongValue(f"must be a list, not {_kind_of(value)}")
        if not value:
            raise WrongValue("must not be empty")
        found: list[Any] = []
        for number, item in enumerate(value):
            at = f"[{number}]"
            found.append(_part(kind, item, environment, at))
            if found[-1] in found[:-1]:
                raise WrongValue("stands twice", at)
        return found

    return read


def one_or_list_of(kind: Kind) -> Kind:
    """One value, or a list of them: always read as a list."""
    read_list = list_of(kind)
    return lambda value, environment: read_list(value if isinstance(value, list) else [value], environment)


def mapping_of(kind: Kind) -> Kind:
    """Names with their values."""

    def read(value: Any, environment: Environment) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise WrongValue(f"must be names with values, not {_kind_of(value)}")
        return {str(name): _part(kind, item, environment, f".{name}") for name, item in value.items()}

    return read


def _part(kind: Kind, value: Any, environment: Environment, at: str) -> Any:
    try:
        return kind(value, environment)
    except WrongValue as wrong:
        raise WrongValue(wrong.message, at + wrong.at) from None


def _expand(value: str, environment: Environment) -> str:
    def replace(found: re.Match[str]) -> str:
        name = found[1]
        if not found[0].endswith("}") or not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name):
            raise WrongValue("'${' must be followed by the name of an environment variable and '}'")
        if not environment.get(name):
            raise WrongValue(f"the environment variable {name} is not set")
        return environment[name]

    return _PLACEHOLDER.sub(replace, value)


def _kind_of(value: Any) -> str:
    if value is None:
        return "empty"
    if isinstance(value, bool):
        return "true or false"
    names = {int: "a number", float: "a number", str: "text", list: "a list", dict: "names with values"}
    return names.get(type(value), "a date" if isinstance(value, date) else "this")


def _quotes(value: Any) -> str:
    return ": put it in quotes" if isinstance(value, bool | int | float | date) else ""
