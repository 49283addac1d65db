"""Reads a YAML or JSON file into plain values, without losing anything silently."""

import json
from pathlib import Path
from typing import Any

import yaml

from merchants.provision.problems import ProvisionError


class _Loader(yaml.SafeLoader):
    """YAML's plain values; a key that stands twice is an error, not the last one's victory."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[Any] = set()
        for key_node, _ in node.value:
            key = key_node.value if isinstance(key_node, yaml.ScalarNode) else None
            if key is None or key in seen:
                line = key_node.start_mark.line + 1
                what = f"the key {key!r} stands twice" if key else "a key must be text"
                raise ProvisionError([f"line {line}: {what}"])
            seen.add(key)
        return super().construct_mapping(node, deep)


def load(path: Path) -> Any:
    """Return the file's content. Raises ProvisionError."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise ProvisionError([f"cannot be read: {error.strerror}"]) from error
    except UnicodeDecodeError as error:
        raise ProvisionError(["is not UTF-8 text"]) from error
    return _from_json(text) if path.suffix.lower() == ".json" else _from_yaml(text)


def _from_yaml(text: str) -> Any:
    try:
        return yaml.load(text, Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        # Not str(error): it quotes the file, and the file may hold secrets.
        raise ProvisionError([f"line {line}: not YAML: {error.problem}"]) from None
    except yaml.YAMLError:
        raise ProvisionError(["holds characters that YAML does not allow"]) from None


def _from_json(text: str) -> Any:
    try:
        return json.loads(text, object_pairs_hook=_without_repeats)
    except json.JSONDecodeError as error:
        raise ProvisionError([f"line {error.lineno}: not JSON: {error.msg}"]) from None


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise ProvisionError([f"the key {key!r} stands twice in one object"])
        found[key] = value
    return found
