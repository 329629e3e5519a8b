"""Logs: one JSON object a line on stderr, with the ids of the current span.

Every value is JSON-encoded to ASCII, so nothing that a client sends can forge
a line. Exceptions are logged as types and code places without their text,
which may quote a user's words, a path, or a secret. Records of libraries that
use the standard logging take the same way out.
"""

import logging
import sys
from collections.abc import Mapping, MutableMapping
from typing import Any, cast

import structlog
from opentelemetry import trace

LEVELS = ("debug", "info", "warning", "error", "critical")

_SECRET_WORDS = ("token", "secret", "password", "authorization", "api_key")
_HIDDEN = "[hidden]"
_MAX_FRAMES = 12
_MAX_CAUSES = 5

# Any: structlog defines an event dictionary's values as Any.
_EventDict = MutableMapping[str, Any]


def configure_logging(service: str, level: str = "info") -> None:
    """Send all logs of this process to stderr as JSON lines.

    Safe to call again; the last call wins. Raises ValueError for an unknown level.
    """
    if level.lower() not in LEVELS:
        raise ValueError(f"unknown log level; use one of {', '.join(LEVELS)}")
    shared: list[structlog.types.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.ExtraAdder(allow=()),
        _add_trace_ids,
        _hide_secrets,
        _describe_exception,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
    ]

    def add_service(_: object, __: str, event: _EventDict) -> _EventDict:
        event["service"] = service
        return event

    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[structlog.stdlib.add_logger_name, *shared],
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            add_service,
            structlog.processors.JSONRenderer(),
        ],
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter)
    root = logging.getLogger()
    for old in root.handlers[:]:
        if getattr(old, "_babelmill", False):
            root.removeHandler(old)
    handler._babelmill = True  # type: ignore[attr-defined]  # marks ours among foreign handlers
    root.addHandler(handler)
    root.setLevel(level.upper())
    logging.captureWarnings(True)
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )


def get_logger(name: str) -> structlog.stdlib.BoundLogger:
    """Give the logger of a module; may be called at import, binds nothing yet."""
    return structlog.stdlib.get_logger(name)


def _add_trace_ids(_: object, __: str, event: _EventDict) -> _EventDict:
    context = trace.get_current_span().get_span_context()
    if context.is_valid:
        event["trace_id"] = trace.format_trace_id(context.trace_id)
        event["span_id"] = trace.format_span_id(context.span_id)
    return event


def _hide_secrets(_: object, __: str, event: _EventDict) -> _EventDict:
    for key in event:
        if any(word in key.lower() for word in _SECRET_WORDS):
            event[key] = _HIDDEN
    return event


def _describe_exception(_: object, __: str, event: _EventDict) -> _EventDict:
    info = event.pop("exc_info", None)
    error: BaseException | None = None
    if isinstance(info, BaseException):
        error = info
    elif isinstance(info, tuple):
        error = cast("BaseException | None", info[1])
    elif info:
        error = sys.exc_info()[1]
    if error is not None:
        event["exception"] = describe_exception(error)
    return event


def describe_exception(error: BaseException) -> list[Mapping[str, object]]:
    """Tell an exception and its causes by type and code places, without texts."""
    chain: list[Mapping[str, object]] = []
    current: BaseException | None = error
    while current is not None and len(chain) < _MAX_CAUSES:
        frames = []
        place = current.__traceback__
        while place is not None:
            code = place.tb_frame.f_code
            module = place.tb_frame.f_globals.get("__name__", "?")
            frames.append(f"{module}:{place.tb_lineno} {code.co_name}")
            place = place.tb_next
        kind = type(current)
        chain.append(
            {"type": f"{kind.__module__}.{kind.__qualname__}", "at": frames[-_MAX_FRAMES:]}
        )
        current = current.__cause__ or current.__context__
    return chain
