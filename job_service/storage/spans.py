"""A span for each statement, within the span of whoever runs it.

A statement outside of any span makes none: polls must not fill the collector
with traces of one span. Values never enter a span; statements have only their
placeholders. The published instrumentation knows SQLAlchemy below 2.1 only.
"""

from typing import Any

from opentelemetry import trace
from opentelemetry.instrumentation.utils import is_instrumentation_enabled
from opentelemetry.trace import Span, SpanKind, StatusCode
from sqlalchemy import Connection, Engine, ExceptionContext, event

_tracer = trace.get_tracer(__name__)

_MAX_STATEMENT = 2048
_SPAN = "_babelmill_span"


def trace_statements(engine: Engine) -> None:
    """Make spans of the engine's statements from now on."""
    namespace = engine.url.database or ""

    # Any: SQLAlchemy's events have driver objects of no common type.
    def before(_: Connection, __: Any, statement: str, ___: Any, context: Any, ____: bool) -> None:
        parent = trace.get_current_span().get_span_context()
        if not parent.is_valid or not is_instrumentation_enabled() or context is None:
            return
        operation = statement.split(maxsplit=1)[0].upper() if statement.strip() else "SQL"
        span = _tracer.start_span(
            f"{operation} {namespace}",
            kind=SpanKind.CLIENT,
            attributes={
                "db.system.name": "postgresql",
                "db.namespace": namespace,
                "db.operation.name": operation,
                "db.query.text": statement[:_MAX_STATEMENT],
            },
        )
        setattr(context, _SPAN, span)

    def after(_: Connection, __: Any, ___: str, ____: Any, context: Any, _____: bool) -> None:
        span = _take(context)
        if span is not None:
            span.end()

    def failed(failure: ExceptionContext) -> None:
        span = _take(failure.execution_context)
        if span is not None:
            # The error's text may quote values.
            span.set_status(StatusCode.ERROR, type(failure.original_exception).__name__)
            span.end()

    event.listen(engine, "before_cursor_execute", before)
    event.listen(engine, "after_cursor_execute", after)
    event.listen(engine, "handle_error", failed)


def _take(context: Any) -> Span | None:
    span: Span | None = getattr(context, _SPAN, None)
    if span is not None:
        setattr(context, _SPAN, None)
    return span
