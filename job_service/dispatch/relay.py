"""Moves pending steps from the database to the broker, at least once each.

It is woken after a commit and looks by itself each second. While the broker is
away the steps stay PENDING, and the tries get rarer.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import ParamSpec, Protocol, TypeVar

from opentelemetry import trace
from opentelemetry.trace import Span, SpanKind, StatusCode
from opentelemetry.trace.propagation import set_span_in_context
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from babelmill.kit.process.failpoints import failpoint
from babelmill.kit.process.logs import get_logger
from babelmill.kit.wire.step_message import TRACEPARENT_HEADER, StepMessage
from babelmill.kit.wire.trace_headers import context_from_traceparent, without_tracing
from job_service.application.publishing import PublishableStep, Publishing
from job_service.dispatch.broker import Broker, BrokerUnavailable, Outgoing
from job_service.dispatch.routes import FAMILIES, queue_of
from job_service.domain.errors import Refusal

_log = get_logger(__name__)
_tracer = trace.get_tracer(__name__)
_propagator = TraceContextTextMapPropagator()

P = ParamSpec("P")
T = TypeVar("T")

_BATCH = 200
_FIRST_WAIT_SECONDS = 0.25
_LONGEST_WAIT_SECONDS = 5.0


class Threads(Protocol):
    """Runs blocking calls off the event loop."""

    async def run(self, call: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Run the call in a thread."""


class Relay:
    """One loop. `threads` are for the database; `sender` must have a single thread."""

    def __init__(
        self,
        *,
        publishing: Publishing,
        broker: Broker,
        threads: Threads,
        sender: Threads,
        poll_seconds: float = 1.0,
    ) -> None:
        self._publishing = publishing
        self._broker = broker
        self._threads = threads
        self._sender = sender
        self._poll_seconds = poll_seconds
        self._woken = asyncio.Event()
        self._stopping = False

    def wake(self) -> None:
        """Look for steps now. For the event loop's thread."""
        self._woken.set()

    def stop(self) -> None:
        """Let `run` return after the round that it is in."""
        self._stopping = True
        self._woken.set()

    async def run(self) -> None:
        """Relay until stopped."""
        wait_seconds = _FIRST_WAIT_SECONDS
        while not self._stopping:
            try:
                more = await self._round()
            except (BrokerUnavailable, Refusal) as error:
                _log.warning("relay_waits", cause=type(error).__name__, seconds=wait_seconds)
            except Exception as error:  # noqa: BLE001 - a loop's edge: it must go on
                _log.error("relay_failed", exc_info=error)
            else:
                wait_seconds = _FIRST_WAIT_SECONDS
                if not more:
                    await self._sleep(self._poll_seconds)
                continue
            # New steps do not end this wait: the cause is not in them.
            await asyncio.sleep(wait_seconds)
            wait_seconds = min(_LONGEST_WAIT_SECONDS, wait_seconds * 2)

    async def _sleep(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._woken.wait()
        except TimeoutError:
            return

    async def _round(self) -> bool:
        """Relay one batch; true when there may be more."""
        self._woken.clear()
        with without_tracing():
            taken = await self._threads.run(self._publishing.take, _BATCH)
        steps = [step for step in taken if _is_routable(step)]
        if not steps:
            return False
        failpoint("relay.taken")
        spans = [_span_of(step) for step in steps]
        try:
            await self._send(steps, spans)
        except BaseException as error:
            for span in spans:
                span.set_status(StatusCode.ERROR, type(error).__name__)
            raise
        finally:
            for span in spans:
                span.end()
        failpoint("relay.sent")
        with without_tracing():
            await self._threads.run(self._publishing.mark_published, steps)
        failpoint("relay.marked")
        _log.debug("steps_published", count=len(steps))
        return len(taken) == _BATCH

    async def _send(self, steps: Sequence[PublishableStep], spans: Sequence[Span]) -> None:
        try:
            outgoing = [_outgoing(step, span) for step, span in zip(steps, spans, strict=True)]
            await self._sender.run(self._broker.publish, outgoing)
        except BrokerUnavailable:
            with without_tracing():
                await self._threads.run(self._publishing.release, steps)
            raise


def _is_routable(step: PublishableStep) -> bool:
    if step.kind in FAMILIES:
        return True
    # Its claim ends by itself; the others must not wait for it.
    _log.error("step_unroutable", step_id=str(step.step_id), kind=step.kind)
    return False


def _span_of(step: PublishableStep) -> Span:
    return _tracer.start_span(
        "step.publish",
        context=context_from_traceparent(step.traceparent),
        kind=SpanKind.PRODUCER,
        attributes={
            "messaging.system": "celery",
            "messaging.destination.name": queue_of(step.kind, step.priority),
            "babelmill.job_id": str(step.job_id),
            "babelmill.step_id": str(step.step_id),
            "babelmill.step_name": step.name,
            "babelmill.generation": step.generation,
        },
    )


def _outgoing(step: PublishableStep, span: Span) -> Outgoing:
    carrier: dict[str, str] = {}
    _propagator.inject(carrier, context=set_span_in_context(span))
    return Outgoing(
        queue=queue_of(step.kind, step.priority),
        message=StepMessage(step.step_id, step.generation),
        # Without a span of our own the step still belongs to its job's trace.
        traceparent=carrier.get(TRACEPARENT_HEADER, step.traceparent),
    )
