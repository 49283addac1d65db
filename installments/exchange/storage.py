"""Where an uploaded file stays between the preview and the confirmation: signed, in the confirming form itself.

So no machine has to remember it, any other may do the work, and nobody can name a file that is not theirs.
"""

from typing import Any

from django.core import signing
from django.core.exceptions import BadRequest
from import_export.tmp_storages import BaseStorage

LARGEST = 400 * 1024  # bytes; with what signing adds it stays within DATA_UPLOAD_MAX_MEMORY_SIZE
SECONDS = 60 * 60
_SALT = "installments.exchange"


class _AsItIs:
    def dumps(self, content: bytes) -> bytes:
        return content

    def loads(self, content: bytes) -> bytes:
        return content


class InTheForm(BaseStorage):
    """Its ``name`` is the file."""

    def save(self, data: bytes) -> None:
        """Sign the file."""
        self.name = signing.dumps(data, salt=_SALT, serializer=_AsItIs, compress=True)

    def read(self) -> Any:
        """Return the file. Raises BadRequest if it is not one of ours, or too old."""
        try:
            return signing.loads(self.name, salt=_SALT, serializer=_AsItIs, max_age=SECONDS)
        except signing.BadSignature as error:
            raise BadRequest("the file of this form is not one of ours, or too old: upload it again") from error

    def remove(self) -> None:
        """Nothing is kept anywhere."""
