"""One attempt, from the broker's message to the reported outcome.

The one place where a handler's errors are caught. Whatever happens, the
outcome is reported once, under the lease, or not at all if the lease is lost.
"""

import errno
import time
import uuid
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path

import structlog
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import Span, SpanKind, StatusCode

from babelmill.jobs.v1 import lease_pb2, usage_pb2
from babelmill.kit.artifacts.store import ArtifactStore
from babelmill.kit.process.failpoints import failpoint
from babelmill.kit.process.logs import get_logger
from babelmill.kit.process.telemetry import tracer
from babelmill.kit.wire.failure_reasons import FailureReason
from babelmill.kit.wire.step_message import StepMessage
from babelmill.kit.wire.trace_headers import context_from_traceparent, without_tracing
from babelmill.kit.worker.attempt import Attempt
from babelmill.kit.worker.cancellation import CancellationToken, StepStopped, StopReason
from babelmill.kit.worker.clock import elapsed_seconds
from babelmill.kit.worker.handler import StepHandler
from babelmill.kit.worker.heartbeats import Heartbeats, HeldLease
from babelmill.kit.worker.outcome import (
    INLINE_LIMIT_BYTES,
    INLINE_PART_LIMIT_BYTES,
    PART_MAKERS,
    Result,
    StepFailure,
)
from babelmill.kit.worker.progress import ProgressTracker
from babelmill.kit.worker.reporting import LeaseReporter, Reported
from babelmill.kit.worker.scratch import attempt_scratch
from babelmill.kit.worker.staging import drop_dead_attempts, drop_staged

_DEFAULT_TTL_SECONDS = 30.0
_DEFAULT_TIMEOUT_SECONDS = 3600.0

_log = get_logger(__name__)

_Ended = Result | StepFailure | StopReason

STOP_FAILURES: Mapping[StopReason, FailureReason] = {
    StopReason.CANCELLED: FailureReason.CANCELLED,
    StopReason.TIMEOUT: FailureReason.STEP_TIMEOUT,
    StopReason.SHUTDOWN: FailureReason.WORKER_SHUTDOWN,
}


class Shell:
    """Runs attempts, one at a time, in the main thread of a child process."""

    def __init__(
        self,
        *,
        reporter: LeaseReporter,
        heartbeats: Heartbeats,
        handlers: Callable[[], Mapping[str, StepHandler]],
        store: ArtifactStore,
        scratch: Path,
        stopping: Callable[[], bool],
    ) -> None:
        self._reporter = reporter
        self._heartbeats = heartbeats
        self._handlers = handlers
        self._store = store
        self._scratch = scratch
        self._stopping = stopping

    def run(self, message: StepMessage, traceparent: str) -> None:
        """Take the step's lease, do the work, report. Raises ServiceAway.

        A step that cannot be leased is no longer this message's: it is dropped.
        """
        failpoint("worker.received")
        ref = lease_pb2.LeaseRef(
            step_id=str(message.step_id),
            generation=message.generation,
            lease_id=str(uuid.uuid4()),
        )
        context = context_from_traceparent(traceparent)
        if trace.get_current_span(context).get_span_context().is_valid:
            with _attempt_span(context, ref) as span:
                lease = self._reporter.acquire(ref)
                self._go_on(lease, ref, span)
            return
        # The message has lost its trace; the lease still knows the job's.
        with without_tracing():
            lease = self._reporter.acquire(ref)
        with _attempt_span(
            context_from_traceparent(lease.traceparent if lease else ""), ref
        ) as span:
            self._go_on(lease, ref, span)

    def _go_on(self, lease: lease_pb2.Lease | None, ref: lease_pb2.LeaseRef, span: Span) -> None:
        if lease is None:
            span.set_attribute("babelmill.outcome", "refused")
            _log.info("step_refused", step_id=ref.step_id, generation=ref.generation)
            return
        span.set_attribute("babelmill.job_id", lease.job_id)
        span.set_attribute("babelmill.step_name", lease.step_name)
        span.set_attribute("babelmill.attempt", lease.attempt)
        with structlog.contextvars.bound_contextvars(
            job_id=lease.job_id, step_id=ref.step_id, attempt=lease.attempt
        ):
            failpoint("worker.leased")
            outcome = self._attempt(lease, span)
            failpoint("worker.reported")
            _log.info("attempt_ended", outcome=outcome)
        span.set_attribute("babelmill.outcome", outcome)
        if outcome != "completed":
            span.set_status(StatusCode.ERROR, outcome)

    def _attempt(self, lease: lease_pb2.Lease, span: Span) -> str:
        token = CancellationToken()
        held = HeldLease(
            job_id=lease.job_id,
            ref=lease.ref,
            ttl_seconds=lease.ttl.ToMilliseconds() / 1000 or _DEFAULT_TTL_SECONDS,
            deadline=elapsed_seconds()
            + (lease.timeout.ToMilliseconds() / 1000 or _DEFAULT_TIMEOUT_SECONDS),
            token=token,
            progress=ProgressTracker(on_first=self._heartbeats.beat_soon),
        )
        self._heartbeats.hold(held)
        if self._stopping():
            token.request(StopReason.SHUTDOWN)
        try:
            ended, usage = self._work(lease, held, span)
            # The handler has stopped: from here on only the report is slow.
            return self._report(lease, held, ended, usage)
        finally:
            self._heartbeats.release(held)

    def _work(
        self, lease: lease_pb2.Lease, held: HeldLease, span: Span
    ) -> tuple[_Ended, usage_pb2.Usage]:
        started = time.perf_counter()
        attempt: Attempt | None = None
        try:
            held.token.raise_if_requested()
            drop_dead_attempts(self._store, lease)
            with attempt_scratch(self._scratch) as scratch:
                attempt = self._new_attempt(lease, held, scratch)
                ended: _Ended = self._handler_of(lease.work).run(lease.work, attempt)
        except Exception as error:  # noqa: BLE001 - a handler's bug must not end the worker
            ended = _ending(error, held.token)
        usage = ended.usage if isinstance(ended, Result) else None
        if attempt is not None:
            usage = usage or attempt.usage
            _note_checkpoints(attempt, span)
        usage = usage or usage_pb2.Usage()
        if not usage.HasField("processing_seconds"):
            usage.processing_seconds = time.perf_counter() - started
        return ended, usage

    def _new_attempt(self, lease: lease_pb2.Lease, held: HeldLease, scratch: Path) -> Attempt:
        return Attempt(
            job_id=lease.job_id,
            step_id=lease.ref.step_id,
            step_name=lease.step_name,
            number=lease.attempt,
            cancellation=held.token,
            progress=held.progress,
            store=self._store,
            staging_prefix=lease.staging_prefix,
            scratch=scratch,
            log=_log.bind(job_id=lease.job_id, step_id=lease.ref.step_id),
            segment_store=self._reporter.memory_of(lease.ref),
            inline_limit_bytes=(
                INLINE_PART_LIMIT_BYTES
                if lease.work.WhichOneof("kind") in PART_MAKERS
                else INLINE_LIMIT_BYTES
            ),
        )

    def _handler_of(self, work: lease_pb2.Work) -> StepHandler:
        kind = work.WhichOneof("kind")
        handler = self._handlers().get(kind) if kind else None
        if handler is None:
            # A newer service can know kinds that this worker does not; another worker may.
            raise StepFailure(FailureReason.UNSUPPORTED_STEP, retryable=True)
        return handler

    def _report(
        self, lease: lease_pb2.Lease, held: HeldLease, ended: _Ended, usage: usage_pb2.Usage
    ) -> str:
        self._heartbeats.handler_ended(held)
        if isinstance(ended, Result):
            if held.token.reason is StopReason.LEASE_LOST:
                ended = StopReason.LEASE_LOST
            else:
                return self._complete(lease, replace(ended, usage=usage))
        drop_staged(self._store, lease)
        if ended is StopReason.LEASE_LOST:
            return "lease_lost"
        failure = StepFailure(STOP_FAILURES[ended]) if isinstance(ended, StopReason) else ended
        said = self._reporter.fail(lease.ref, failure, usage)
        return failure.reason.lower() if said is Reported.ACCEPTED else said.name.lower()

    def _complete(self, lease: lease_pb2.Lease, result: Result) -> str:
        failpoint("worker.staged")
        said = self._reporter.complete(lease.ref, result)
        if said is Reported.ACCEPTED:
            return "completed"
        if said is Reported.NO_ANSWER:
            # It may have been accepted: the staged files must stay.
            return "no_answer"
        drop_staged(self._store, lease)
        if said is Reported.STEP_CANCELLED:
            self._reporter.fail(lease.ref, StepFailure(FailureReason.CANCELLED), result.usage)
        elif said is Reported.REFUSED:
            self._reporter.fail(lease.ref, StepFailure(FailureReason.INTERNAL), result.usage)
        return said.name.lower()


def _ending(error: Exception, token: CancellationToken) -> StepFailure | StopReason:
    """Say what an exception of a handler means."""
    if isinstance(error, StepStopped):
        return error.reason
    if token.reason is not None:
        # Whatever broke, it broke while it was being stopped.
        return token.reason
    if isinstance(error, StepFailure):
        return error
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return StepFailure(FailureReason.NO_SPACE)
    _log.error("handler_broke", exc_info=error)
    return StepFailure(FailureReason.INTERNAL)


def _note_checkpoints(attempt: Attempt, span: Span) -> None:
    if attempt.used_checkpoints:
        reused = sum(each.reused for each in attempt.used_checkpoints)
        written = sum(each.written for each in attempt.used_checkpoints)
        span.set_attribute("babelmill.checkpoints_reused", reused)
        span.set_attribute("babelmill.checkpoints_written", written)
        _log.info("checkpoints_used", reused=reused, written=written)


def _attempt_span(context: Context, ref: lease_pb2.LeaseRef) -> AbstractContextManager[Span]:
    return tracer(__name__).start_as_current_span(
        "step.attempt",
        context=context,
        kind=SpanKind.CONSUMER,
        attributes={
            "babelmill.step_id": ref.step_id,
            "babelmill.generation": ref.generation,
            "babelmill.lease_id": ref.lease_id,
        },
        # An exception's text may hold what a span must not.
        record_exception=False,
        set_status_on_exception=False,
    )
