"""Telemetry: the process's tracer provider and the export of its spans by OTLP.

Tracing must never cost a job anything. Spans wait in a bounded queue and are
sent by one thread; a collector that is down or hangs loses spans, not time,
and is told of once when it goes and once when it is back.
"""

import atexit
import logging
import os
import threading
from collections.abc import Sequence
from importlib import metadata

from opentelemetry import propagate, trace
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from babelmill.kit.process.logs import get_logger

EXPORT_TIMEOUT_SECONDS = 3
SHUTDOWN_TIMEOUT_SECONDS = 2.0
_BATCH_DELAY_MS = 1000
_MAX_QUEUED_SPANS = 8192

# The library logs every failed batch and every dropped span; what an operator
# needs of that is told by _WatchedExporter.
_NOISY_LOGGERS = (
    "opentelemetry.exporter.otlp.proto.grpc.exporter",
    "opentelemetry.sdk._shared_internal",
)

_log = get_logger(__name__)


class Telemetry:
    """What a process must do about its spans before it rests or ends."""

    def __init__(self, provider: TracerProvider, exporter: "_WatchedExporter | None") -> None:
        self._provider = provider
        self._exporter = exporter
        self._flush_lock = threading.Lock()
        self._ended = False

    def force_flush(self, timeout_seconds: float = 5) -> None:
        """Send the spans that wait, for at most `timeout_seconds`.

        Returns at once when nothing is exported, when the collector is known
        to be away, or when an earlier flush still runs.
        """
        if self._exporter is None or self._ended or not self._exporter.healthy:
            return
        if not self._flush_lock.acquire(blocking=False):
            return
        # The library's own flush takes no notice of its timeout.
        flusher = threading.Thread(target=self._flush, name="span-flush", daemon=True)
        flusher.start()
        flusher.join(timeout_seconds)

    def shutdown(self) -> None:
        """Send what waits, for at most two seconds, and stop. Safe to repeat."""
        if self._ended:
            return
        self._ended = True
        atexit.unregister(self.shutdown)
        if self._exporter is not None and not self._exporter.healthy:
            self._exporter.shutdown()
        ender = threading.Thread(target=self._provider.shutdown, name="span-shutdown", daemon=True)
        ender.start()
        ender.join(SHUTDOWN_TIMEOUT_SECONDS)
        if ender.is_alive() and self._exporter is not None:
            self._exporter.shutdown()

    def _flush(self) -> None:
        try:
            self._provider.force_flush()
        finally:
            self._flush_lock.release()


def start_telemetry(service: str, otlp_endpoint: str | None) -> Telemetry:
    """Install the global tracer provider and the W3C propagator, once in a process.

    Without an endpoint spans get ids, for the logs and for the next process,
    but are not exported.
    """
    propagate.set_global_textmap(TraceContextTextMapPropagator())
    provider = TracerProvider(
        resource=Resource.create(
            {
                "service.name": service,
                "service.version": metadata.version("babelmill"),
                "service.instance.id": f"{os.uname().nodename}:{os.getpid()}",
                "process.pid": os.getpid(),
            }
        ),
        shutdown_on_exit=False,
    )
    exporter: _WatchedExporter | None = None
    if otlp_endpoint:
        for name in _NOISY_LOGGERS:
            logging.getLogger(name).setLevel(logging.CRITICAL)
        exporter = _WatchedExporter(
            OTLPSpanExporter(endpoint=otlp_endpoint, timeout=EXPORT_TIMEOUT_SECONDS)
        )
        provider.add_span_processor(
            BatchSpanProcessor(
                exporter,
                max_queue_size=_MAX_QUEUED_SPANS,
                schedule_delay_millis=_BATCH_DELAY_MS,
            )
        )
    trace.set_tracer_provider(provider)
    telemetry = Telemetry(provider, exporter)
    atexit.register(telemetry.shutdown)
    return telemetry


def tracer(name: str) -> trace.Tracer:
    """Give the tracer of a module; also works before start_telemetry."""
    return trace.get_tracer(name)


class _WatchedExporter(SpanExporter):
    """Passes spans on, knows whether that works, and tells when it changes."""

    def __init__(self, inner: SpanExporter) -> None:
        self.healthy = True
        self._inner = inner
        self._ended = False
        self._lost_spans = 0

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Export a batch; a failure is told of once until the next success."""
        result = self._inner.export(spans)
        if result is SpanExportResult.SUCCESS:
            if not self.healthy:
                _log.info("span_export_recovered", lost_spans=self._lost_spans)
            self.healthy, self._lost_spans = True, 0
            return result
        self._lost_spans += len(spans)
        if self.healthy:
            self.healthy = False
            _log.warning("span_export_failing")
        return result

    def shutdown(self) -> None:
        """Stop, also in the middle of an export. Safe to repeat."""
        if not self._ended:
            self._ended = True
            self._inner.shutdown()

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        """Say that nothing is kept here."""
        del timeout_millis
        return True
