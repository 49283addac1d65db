"""Every log line is one JSON object; what a request or task has bound (its request id) stands in it."""

import re
from collections.abc import Callable, MutableMapping
from typing import Any

import structlog

_TOKEN = re.compile(r"(/PGBReturn/(?:Return|Cancel|Webhook/\w+)/)[^/?\s]+", re.IGNORECASE)
# PostgreSQL repeats a refused row in the details of its complaint, buyer and all.
_ROW = re.compile(r"^DETAIL:.*?(?=\n\n(?:The above|During handling)|\Z)", re.MULTILINE | re.DOTALL)


def hide_secrets(_logger: Any, _method: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Take the tokens out of addresses, and the rows out of the database's complaints."""
    for key in ("event", "exception"):
        if isinstance(text := line.get(key), str):
            line[key] = _ROW.sub("DETAIL: (not shown)", _TOKEN.sub(r"\1***", text))
    return line


_SHARED: list[Callable[..., Any]] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.processors.StackInfoRenderer(),
    structlog.processors.format_exc_info,
]


def configure(level: str) -> dict[str, Any]:
    """Set structlog up and return Django's LOGGING, so that both write the same lines to standard error."""
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *_SHARED,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "json": {
                "()": structlog.stdlib.ProcessorFormatter,
                "foreign_pre_chain": _SHARED,
                "processors": [
                    structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                    hide_secrets,
                    structlog.processors.JSONRenderer(ensure_ascii=False),
                ],
            }
        },
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "json"}},
        "root": {"handlers": ["stderr"], "level": level},
        "loggers": {
            "django": {"handlers": [], "propagate": True},
            # its lines hold what was sent
            "stripe": {"level": "WARNING"},
            # a line for each login: the history has them
            "axes": {"level": "WARNING"},
            # two lines for each drain, several times a second
            "celery.worker.strategy": {"level": "WARNING"},
            "celery.app.trace": {"level": "WARNING"},
        },
    }
