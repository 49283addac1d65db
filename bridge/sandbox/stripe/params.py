"""Reading request parameters as Stripe does: bracketed forms, typed values, and no unknown names."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Protocol

MAX_DEPTH = 8


class Refused(Exception):
    """Stripe's refusal of a request. `stored`: it is remembered under the idempotency key."""

    def __init__(
        self,
        message: str,
        *,
        param: str | None = None,
        code: str | None = None,
        status: int = HTTPStatus.BAD_REQUEST,
        type: str = "invalid_request_error",
        stored: bool = False,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.stored = stored
        fields = {"code": code, "message": message, "param": param, "type": type}
        self.error = {name: value for name, value in fields.items() if value is not None}


class Shape(Protocol):
    """Reads one value; `name` is its full bracketed name."""

    def read(self, value: Any, name: str) -> Any: ...


def unbracket(pairs: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """`a[b][0]=x` -> {"a": {"b": {"0": "x"}}}; `a[]=x` counts up by itself."""
    tree: dict[str, Any] = {}
    for name, value in pairs:
        head, *rest = name.replace("]", "").split("[")
        if len(rest) > MAX_DEPTH:
            raise Refused(f"Invalid parameter: {name[:80]}", param=name[:80])
        node = tree
        for step in rest:
            node = node.setdefault(head, {})
            if not isinstance(node, dict):
                raise Refused(f"Invalid parameter: {name}", param=name)
            head = step or str(len(node))
        node[head] = value
    return tree


@dataclass(frozen=True)
class Text:
    max: int = 5000

    def read(self, value: Any, name: str) -> str:
        if not isinstance(value, str):
            raise Refused(f"Invalid string: {name}", param=name)
        if value == "":
            raise Refused(
                f"You passed an empty string for '{name}'. We assume empty values are an attempt to unset a "
                f"parameter; however '{name}' cannot be unset.",
                param=name,
                code="parameter_invalid_empty",
            )
        if len(value) > self.max:
            raise Refused(f"Invalid string: must be at most {self.max} characters", param=name)
        return value


@dataclass(frozen=True)
class Url(Text):
    def read(self, value: Any, name: str) -> str:
        text = super().read(value, name)
        if not text.startswith(("http://", "https://")):
            raise Refused("Not a valid URL", param=name, code="url_invalid")
        return text


@dataclass(frozen=True)
class Integer:
    min: int = 0
    max: int = 999_999_999_999

    def read(self, value: Any, name: str) -> int:
        text = value if isinstance(value, str) else ""
        if not text.removeprefix("-").isdigit() or not text.isascii() or len(text) > 20:
            raise Refused(f"Invalid integer: {value}", param=name, code="parameter_invalid_integer")
        number = int(text)
        if number < self.min:
            raise Refused(
                f"This value must be greater than or equal to {self.min}.",
                param=name,
                code="parameter_invalid_integer",
            )
        if number > self.max:
            raise Refused(
                f"This value must be less than or equal to {self.max}.",
                param=name,
                code="parameter_invalid_integer",
            )
        return number


@dataclass(frozen=True)
class Boolean:
    def read(self, value: Any, name: str) -> bool:
        if value not in ("true", "false"):
            raise Refused(f"Invalid boolean: {value}", param=name)
        return bool(value == "true")


@dataclass(frozen=True)
class Choice:
    values: tuple[str, ...]

    def read(self, value: Any, name: str) -> str:
        if value not in self.values:
            raise Refused(f"Invalid {name}: must be one of {', '.join(self.values)}", param=name)
        return str(value)


@dataclass(frozen=True)
class Many:
    """A list of one shape."""

    item: Shape
    max: int = 100

    def read(self, value: Any, name: str) -> list[Any]:
        if not isinstance(value, dict) or not all(key.isdigit() for key in value):
            raise Refused("Invalid array", param=name)
        if len(value) > self.max:
            raise Refused(f"Array must have at most {self.max} items", param=name)
        return [self.item.read(value[key], f"{name}[{key}]") for key in sorted(value, key=int)]


@dataclass(frozen=True)
class Metadata:
    """At most 50 pairs of text; keys of 40 characters, values of 500."""

    def read(self, value: Any, name: str) -> dict[str, str]:
        if not isinstance(value, dict):
            raise Refused("Invalid object", param=name)
        if len(value) > 50:
            raise Refused("You can only have up to 50 metadata keys", param=name)
        for key, text in value.items():
            if len(key) > 40:
                raise Refused("Metadata keys can be at most 40 characters", param=name)
            if not isinstance(text, str) or len(text) > 500:
                raise Refused("Metadata values can be at most 500 characters", param=f"{name}[{key}]")
        return {key: text for key, text in value.items() if text}


@dataclass(frozen=True)
class Group:
    """An object with known members; anything else is refused."""

    members: Mapping[str, Shape]
    required: tuple[str, ...] = field(default=())

    def read(self, value: Any, name: str = "") -> dict[str, Any]:
        if not isinstance(value, dict):
            raise Refused("Invalid object", param=name)
        for key in value:
            if key not in self.members:
                full = _member(name, key)
                raise Refused(f"Received unknown parameter: {full}", param=full, code="parameter_unknown")
        for key in self.required:
            if key not in value:
                full = _member(name, key)
                raise Refused(f"Missing required param: {full}.", param=full, code="parameter_missing")
        return {key: self.members[key].read(item, _member(name, key)) for key, item in value.items()}


def _member(group: str, key: str) -> str:
    return f"{group}[{key}]" if group else key
