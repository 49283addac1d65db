"""Sealed values: AES-256-GCM, bound to the one place where they may stand.

A sealed value is the key's id (8 hexadecimal characters), a random nonce (12 bytes) and the
ciphertext with its tag. The place (table, column and the row's UUID) is authenticated too, so a
value copied into another row, column or table does not open.
"""

import os
from collections.abc import Sequence
from functools import lru_cache
from hashlib import sha256

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings

KEY_ID_LENGTH = 8
_NONCE_LENGTH = 12
_TAG_LENGTH = 16


class CannotOpen(Exception):
    """A sealed value that does not open: unknown key, another place, or changed bytes. Names no plaintext."""


@lru_cache(maxsize=4)
def _keyring(keys: tuple[bytes, ...]) -> dict[bytes, AESGCM]:
    return {sha256(key).hexdigest()[:KEY_ID_LENGTH].encode(): AESGCM(key) for key in keys}


def _keys() -> dict[bytes, AESGCM]:
    return _keyring(tuple(settings.PGB_FIELD_KEYS))


def writing_key_id() -> bytes:
    """Return the id of the key that seals: the first of PGB_FIELD_KEYS."""
    return next(iter(_keys()))


def key_id_of(sealed: bytes) -> bytes:
    """Return the id of the key that sealed this value."""
    return bytes(sealed[:KEY_ID_LENGTH])


def seal(plain: bytes, place: Sequence[str]) -> bytes:
    """Seal ``plain`` with the first key for one ``place``: table, column, UUID of the row."""
    key_id, key = next(iter(_keys().items()))
    nonce = os.urandom(_NONCE_LENGTH)
    return key_id + nonce + key.encrypt(nonce, plain, _bound_to(place))


def open_sealed(sealed: bytes, place: Sequence[str]) -> bytes:
    """Return what was sealed for ``place``. Raises CannotOpen."""
    where = " ".join(place)
    if len(sealed) < KEY_ID_LENGTH + _NONCE_LENGTH + _TAG_LENGTH:
        raise CannotOpen(f"{where}: there is no sealed value, or it was cut short.")
    key_id = key_id_of(sealed)
    key = _keys().get(key_id)
    if key is None:
        name = key_id.decode("ascii", "replace")
        raise CannotOpen(f"{where}: sealed with the key {name!r}, which is not in PGB_FIELD_KEYS.")
    nonce, ciphertext = sealed[KEY_ID_LENGTH:][:_NONCE_LENGTH], sealed[KEY_ID_LENGTH + _NONCE_LENGTH :]
    try:
        return key.decrypt(nonce, ciphertext, _bound_to(place))
    except InvalidTag:
        raise CannotOpen(f"{where}: the sealed value was changed, or copied from another place.") from None


def _bound_to(place: Sequence[str]) -> bytes:
    return "\0".join(place).encode()
