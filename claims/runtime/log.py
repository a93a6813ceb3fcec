"""Logs: one JSON object a line on standard error, events with fields, never personal data."""

import logging
import re
import sys

import structlog
from asgi_correlation_id import correlation_id
from structlog.typing import EventDict, Processor, WrappedLogger

from claims.runtime.telemetry.tracing import current_trace_id

# Card numbers (15 characters, or 10 digits of social insurance), citizen numbers (9 or 12 digits), telephone
# numbers (10), API keys and webhook secrets must not reach a log, whoever put them there. Our ids (sub_…, hex
# digests) do not look like these.
_SENSITIVE = re.compile(
    r"\b[A-Z]{2}[0-9A-Z]\d{12}\b|(?<![\w.])(?:\d{12}|\d{9,10})(?!\w|\.\d)|(?:ehs|whsec)_[\w+/=]+"
)
# Fields that hold a person's name, birth, address or number, as the Decisions and EMRs call them. What a name
# is cannot be told from a text, so it is told from where it stands.
_PERSONAL = re.compile(
    r"ho_?ten\w*|ten_(?:nguoi|cha|me|bn|benh_nhan)\w*|nguoi_\w+|ngay_?sinh\w*|dia_?chi\w*|dien_?thoai\w*|so_?cccd\w*"
    r"|so_?cmnd\w*|ma_?the\w*|cha_me\w*|patient\w*|full_?name|given_?name|family_?name|birth_?date|address"
    r"|phone|email|citizen_?id|card_?number|password\w*|secret\w*|token",
    re.IGNORECASE,
)
_MASK = "***"


def _mask(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    return {name: _masked(name, value) for name, value in event.items()}


def _masked(name: str, value: object) -> object:
    if _PERSONAL.fullmatch(name) and value is not None:
        return _MASK
    match value:
        case str():
            return _SENSITIVE.sub(_MASK, value)
        case dict():
            return {key: _masked(str(key), one) for key, one in value.items()}
        case list() | tuple():
            return [_masked("", one) for one in value]
        case _:
            return value


def _trace_id(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    if (trace_id := current_trace_id()) is not None:
        event.setdefault("trace_id", trace_id)
    return event


def _request_id(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    if (request_id := correlation_id.get()) is not None:
        event.setdefault("request_id", request_id)
    return event


def configure_logging(level: str) -> None:
    """Send our events and the libraries' lines through one chain to standard error."""
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        _request_id,
        _trace_id,
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
    # It tells each step of its own start.
    logging.getLogger("alembic").setLevel(logging.WARNING)
