"""The trace that a job will belong to: the one of the call that creates it."""

import secrets

from babelmill.kit.wire.trace_headers import current_traceparent

_NOT_SAMPLED = "00"


def traceparent_to_store() -> str:
    """Write the current span's traceparent; without a span, that of a new, unrecorded trace.

    So every job has a trace id, also where telemetry is not set up.
    """
    current = current_traceparent()
    if current:
        return current
    # All zeros are not valid; W3C Trace Context, section 3.2.2.
    trace_id = secrets.randbits(128) or 1
    span_id = secrets.randbits(64) or 1
    return f"00-{trace_id:032x}-{span_id:016x}-{_NOT_SAMPLED}"
