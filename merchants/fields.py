"""Attributes of a model that are encrypted in its table."""

import json
from typing import Any

from django.db.models import Model
from django.utils import timezone

from merchants.crypto import open_sealed, seal

# The first byte of the plaintext says what was put in, so that the same comes out.
_BYTES, _JSON = b"b", b"j"


class SealedField(property):
    """Bytes, or a JSON value such as text or a dict, kept encrypted in a BinaryField of the same model::

        uuid = models.UUIDField(default=uuid4, unique=True, editable=False)
        sealed_body = models.BinaryField(null=True, editable=False)
        body = SealedField("sealed_body")

    Reading the attribute opens the value each time and keeps no copy of it; writing seals it for this row's
    ``uuid``. Queries see the column only, so ``values()``, lists and copies hold ciphertext. None is NULL.
    For ``QuerySet.update`` use ``sealed_for``. Reading raises ``crypto.CannotOpen``.
    """

    def __init__(self, column: str) -> None:
        # A true property: Django then takes the attribute as a keyword of the model's constructor.
        super().__init__(self._open, self._seal)
        self.column = column

    def _open(self, row: Any) -> Any:
        sealed = getattr(row, self.column)
        return None if sealed is None else _load(open_sealed(bytes(sealed), self.place(row, row.uuid)))

    def _seal(self, row: Any, value: Any) -> None:
        setattr(row, self.column, self.sealed_for(row, row.uuid, value))

    def sealed_for(self, model: Model | type[Model], uuid: Any, value: Any) -> bytes | None:
        """Return ``value`` sealed for the row of ``model`` with this ``uuid``."""
        return None if value is None else seal(_dump(value), self.place(model, uuid))

    def place(self, model: Model | type[Model], uuid: Any) -> tuple[str, str, str]:
        """Return what a value is bound to: table, column, UUID of the row."""
        return (model._meta.db_table, self.column, str(uuid))


class HintedField(SealedField):
    """A dict of secrets that leaves a hint of each (``masked``) and the time of change beside it, in plain columns."""

    def __init__(self, column: str, hints: str, changed_at: str) -> None:
        super().__init__(column)
        self.hints = hints
        self.changed_at = changed_at

    def _seal(self, row: Any, value: Any) -> None:
        super()._seal(row, value)
        setattr(row, self.hints, {name: masked(secret) for name, secret in sorted((value or {}).items())})
        setattr(row, self.changed_at, timezone.now())


class HintedSecret(SealedField):
    """A secret text that leaves its hint (``masked``) and the time of change beside it, in plain columns."""

    def __init__(self, column: str, hint: str, changed_at: str) -> None:
        super().__init__(column)
        self.hint = hint
        self.changed_at = changed_at

    def _seal(self, row: Any, value: Any) -> None:
        super()._seal(row, value)
        setattr(row, self.hint, masked(value) if value else "")
        setattr(row, self.changed_at, timezone.now())


def masked(secret: str) -> str:
    """Return what staff may see of a secret: its last 4 characters, if it is long enough to stay one."""
    return f"····{secret[-4:]}" if len(secret) >= 16 else "····"


def sealed_fields(model: type[Model]) -> list[SealedField]:
    """Return the encrypted attributes of a model, inherited ones too."""
    found = {name: value for base in reversed(model.__mro__) for name, value in vars(base).items()}
    return [value for value in found.values() if isinstance(value, SealedField)]


def _dump(value: Any) -> bytes:
    if isinstance(value, bytes | bytearray | memoryview):
        return _BYTES + bytes(value)
    return _JSON + json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def _load(plain: bytes) -> Any:
    return plain[1:] if plain[:1] == _BYTES else json.loads(plain[1:])
