"""Holds what PGB sends to Stripe, and what the sandbox answers in Stripe's name, against Stripe's own spec.

The spec is OpenAPI 3.0; JSON Schema reads it after two changes: `nullable` becomes "or null" everywhere, and an
object has no members that the spec does not name. Each check returns the problems found, as sentences.
"""

import gzip
import json
import re
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from jsonschema import Draft202012Validator

from bridge.sandbox.recorder import Exchange

SPEC = Path(__file__).resolve().parent.parent / "data" / "stripe_openapi_subset.json.gz"
NOT_IN_SPEC = {"/v1/balance", "/v1/account"}  # the subset does not hold them
FORM = "application/x-www-form-urlencoded"
RESOURCES = {"checkout.session", "payment_intent", "charge", "refund", "dispute"}
TEXT = {"type": "string", "minLength": 1}
THIN = {
    "type": "object",
    "additionalProperties": False,
    "required": ["id", "object", "type", "created", "livemode", "related_object", "snapshot_event"],
    "properties": {
        "id": {"type": "string", "pattern": "^evt_"},
        "object": {"const": "v2.core.event"},
        "type": {"type": "string", "pattern": r"^v1\."},
        "created": {"type": "string", "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$"},
        "livemode": {"type": "boolean"},
        "context": {"type": ["string", "null"]},
        "reason": {"type": ["object", "null"]},
        "snapshot_event": {"type": "string", "pattern": "^evt_"},
        "related_object": {
            "type": "object",
            "additionalProperties": False,
            "required": ["id", "type", "url"],
            "properties": {"id": TEXT, "type": TEXT, "url": {"type": "string", "pattern": "^/v1/"}},
        },
    },
}


def check_request(method: str, target: str, form: str | bytes = "") -> list[str]:
    """Checks the query of a GET or the body of a POST. `target` is the path, perhaps with its query."""
    parts = urlsplit(target)
    if parts.path in NOT_IN_SPEC:
        return []
    operation = _operation(method, parts.path)
    if operation is None:
        return [f"{method} {parts.path}: not in the spec"]
    text = (form if isinstance(form, str) else form.decode()) if method == "POST" else parts.query
    try:
        tree = unbracket(parse_qsl(text, keep_blank_values=True, strict_parsing=bool(text)))
    except ValueError as error:
        return [f"{method} {parts.path}: {error}"]
    schema = _request_schema(method, operation)
    return _problems(coerced(tree, schema), schema, f"{method} {parts.path}")


def check_response(method: str, target: str, status: int, body: str | bytes) -> list[str]:
    """Checks an answer with this status: the operation's object, or Stripe's error."""
    path = urlsplit(target).path
    if path in NOT_IN_SPEC:
        return []
    operation = _operation(method, path)
    schema = operation["responses"].get(str(status)) if operation else None
    if schema is None:
        schema = {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/error"}}}}
    return _json_problems(body, schema["content"]["application/json"]["schema"], f"{status} of {method} {path}")


def check_event(body: str | bytes) -> list[str]:
    """Checks the body of a webhook: a snapshot event with the object that it carries, or a thin event."""
    try:
        event = json.loads(body)
    except ValueError as error:
        return [f"event: {error}"]
    if not isinstance(event, dict):
        return ["event: not an object"]
    if event.get("object") == "v2.core.event":
        return _problems(event, THIN, "thin event")
    problems = _problems(event, {"$ref": "#/components/schemas/event"}, "event")
    carried = event.get("data", {}).get("object", {})
    if carried.get("object") not in RESOURCES:
        return [*problems, f"event: carries {carried.get('object')!r}"]
    return problems + _problems(carried, {"$ref": f"#/components/schemas/{carried['object']}"}, "event's object")


class SpecRecorder:
    """A recorder for the sandbox; `problems` is what was wrong in all the traffic so far.

    `requests` False leaves the requests out: for tests that send wrong ones on purpose.
    """

    def __init__(self, *, requests: bool = True) -> None:
        self.problems: list[str] = []
        self.seen = 0
        self._requests = requests

    def __call__(self, exchange: Exchange) -> None:
        self.seen += 1
        if exchange.kind == "webhook":
            self.problems += check_event(exchange.body)
            return
        if self._requests:
            self.problems += check_request(exchange.method, exchange.target, exchange.body)
        if not exchange.faulty:
            self.problems += check_response(exchange.method, exchange.target, exchange.status, exchange.answer)


def unbracket(pairs: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """`a[b][0]=x` -> {"a": {"b": {"0": "x"}}}. ValueError for names that are not well formed."""
    tree: dict[str, Any] = {}
    for name, value in pairs:
        if not re.fullmatch(r"[^\[\]]+(\[[^\[\]]*\])*", name):
            raise ValueError(f"not a parameter name: {name}")
        *steps, last = name.replace("]", "").split("[")
        node = tree
        for step in steps:
            node = node.setdefault(step, {})
            if not isinstance(node, dict):
                raise ValueError(f"{name} is both a value and a group")
        if last in node:
            raise ValueError(f"{name} is given twice")
        node[last or str(len(node))] = value
    return tree


def coerced(value: Any, schema: Mapping[str, Any]) -> Any:
    """The text of a form with the types of the schema; what does not fit stays text, for the check to see."""
    for option in schema.get("anyOf", ()):
        attempt = coerced(value, option)
        if _validator(json.dumps(option)).is_valid(attempt):
            return attempt
    match schema.get("type"), value:
        case "object", dict():
            known, rest = schema.get("properties", {}), schema.get("additionalProperties", {})
            return {name: coerced(one, known.get(name) or rest or {}) for name, one in value.items()}
        case "array", dict() if all(name.isdigit() for name in value):
            return [coerced(value[name], schema["items"]) for name in sorted(value, key=int)]
        case "integer", str() if re.fullmatch(r"-?[0-9]+", value):
            return int(value)
        case "number", str() if re.fullmatch(r"-?[0-9]+(\.[0-9]+)?", value):
            return float(value)
        case "boolean", ("true" | "false"):
            return value == "true"
    return value


@cache
def _spec() -> dict[str, Any]:
    with gzip.open(SPEC) as file:
        return dict(_rewritten(json.load(file)))


def _rewritten(node: Any) -> Any:
    if isinstance(node, list):
        return [_rewritten(one) for one in node]
    if not isinstance(node, dict):
        return node
    changed = {name: _rewritten(one) for name, one in node.items() if name != "nullable"}
    if changed.get("type") == "object" and changed.get("properties"):
        changed.setdefault("additionalProperties", False)
    return {"anyOf": [changed, {"type": "null"}]} if node.get("nullable") is True else changed


@cache
def _paths() -> list[tuple[re.Pattern[str], dict[str, Any]]]:
    return [(re.compile(re.sub(r"\{[^}]*\}", "[^/]+", path)), item) for path, item in _spec()["paths"].items()]


def _operation(method: str, path: str) -> dict[str, Any] | None:
    for pattern, item in _paths():
        if pattern.fullmatch(path):
            found: dict[str, Any] | None = item.get(method.lower())
            return found
    return None


def _request_schema(method: str, operation: Mapping[str, Any]) -> dict[str, Any]:
    if method == "POST":
        form: dict[str, Any] = operation["requestBody"]["content"][FORM]["schema"]
        return form
    asked = [one for one in operation["parameters"] if one["in"] == "query"]
    return {
        "type": "object",
        "additionalProperties": False,
        "properties": {one["name"]: one["schema"] for one in asked},
        "required": [one["name"] for one in asked if one.get("required")],
    }


@cache
def _validator(schema: str) -> Draft202012Validator:
    """A validator that finds the spec's components; the key is text, for dicts cannot be remembered."""
    return Draft202012Validator({**json.loads(schema), "components": _spec()["components"]})


def _problems(value: Any, schema: Mapping[str, Any], what: str) -> list[str]:
    errors = _validator(json.dumps(schema)).iter_errors(value)
    return [f"{what}: {error.json_path}: {_short(error.message)}" for error in errors]


def _short(text: str) -> str:
    return text if len(text) <= 200 else f"{text[:100]} ... {text[-100:]}"


def _json_problems(body: str | bytes, schema: Mapping[str, Any], what: str) -> list[str]:
    try:
        return _problems(json.loads(body), schema, what)
    except ValueError as error:
        return [f"{what}: {error}"]
