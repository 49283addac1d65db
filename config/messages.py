"""What there is to translate: Babel's way into Django's templates. `make messages` renews the catalogues."""

from collections.abc import Collection, Iterator, Mapping
from io import BytesIO
from typing import IO, Any

from babel.messages.extract import extract_python
from django.utils.translation.template import templatize


def extract_django(
    fileobj: IO[bytes], keywords: Mapping[str, Any], comment_tags: Collection[str], options: Any
) -> Iterator[Any]:
    """Yield the messages of a template as Babel wants them: line, texts, comments, context."""
    calls = templatize(fileobj.read().decode())
    # Indented as templates are, it would be no Python.
    lines = "\n".join(line.strip() for line in calls.splitlines())
    yield from extract_python(BytesIO(lines.encode()), keywords, comment_tags, options)
