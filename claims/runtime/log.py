"""Logs: one JSON object a line on standard error, events with fields, never personal data."""

import logging
import re
import sys

import structlog
from asgi_correlation_id import correlation_id
from structlog.typing import EventDict, Processor, WrappedLogger

# Card numbers (15 characters), citizen numbers (9 or 12 digits) and API keys must not reach a log,
# whoever put them there. Our ids (sub_…, hex digests) do not look like these.
_SENSITIVE = re.compile(r"\b[A-Z]{2}[1-5]\d{12}\b|(?<![\w.])\d{12}(?![\w.])|(?<![\w.])\d{9}(?![\w.])|ehs_\w+")


def _mask(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    return {
        name: _SENSITIVE.sub("***", value) if isinstance(value, str) else value
        for name, value in event.items()
    }


def _request_id(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    if (request_id := correlation_id.get()) is not None:
        event.setdefault("request_id", request_id)
    return event


def configure_logging(level: str) -> None:
    """Send our events and the libraries' lines through one chain to standard error."""
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        _request_id,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        _mask,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(ensure_ascii=False),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
