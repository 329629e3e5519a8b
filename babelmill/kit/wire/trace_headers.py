"""Trace context as text: the W3C `traceparent` that travels beside a message.

Only `traceparent` is carried. Baggage is not: it would let a client write
into every log and span behind it.
"""

from contextlib import AbstractContextManager

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.instrumentation.utils import suppress_instrumentation
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

_PROPAGATOR = TraceContextTextMapPropagator()


def current_traceparent() -> str:
    """Write the current span's context, or "" when there is no span."""
    if not trace.get_current_span().get_span_context().is_valid:
        return ""
    carrier: dict[str, str] = {}
    _PROPAGATOR.inject(carrier)
    return carrier.get("traceparent", "")


def context_from_traceparent(traceparent: str) -> Context:
    """Read a traceparent; a malformed or empty one gives a context without a span."""
    return _PROPAGATOR.extract({"traceparent": traceparent}, context=Context())


def without_tracing() -> AbstractContextManager[None]:
    """Make no spans of calls within: for heartbeats and polls."""
    return suppress_instrumentation()
