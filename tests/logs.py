"""The log of a test, as it is written: every record through our own formatter."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from io import StringIO

import structlog


@contextmanager
def captured() -> Iterator[StringIO]:
    """Yield the stream that all lines go to while the block lasts."""
    formats = (handler.formatter for handler in logging.getLogger().handlers)
    handler = logging.StreamHandler(StringIO())
    handler.setFormatter(next(one for one in formats if isinstance(one, structlog.stdlib.ProcessorFormatter)))
    logging.getLogger().addHandler(handler)
    try:
        yield handler.stream
    finally:
        logging.getLogger().removeHandler(handler)
