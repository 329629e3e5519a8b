"""The calls of one attempt to the job service: take the lease, report the outcome.

Every call is repeated with the same lease until the service has answered, so
an answer that was lost on the way does no harm.
"""

import random
import threading
from collections.abc import Callable
from enum import Enum, auto
from typing import TypeVar

import grpc
from google.protobuf.duration_pb2 import Duration

from babelmill.jobs.v1 import (
    artifact_pb2,
    failure_pb2,
    lease_pb2,
    usage_pb2,
    worker_service_pb2,
    worker_service_pb2_grpc,
)
from babelmill.kit.process.logs import get_logger
from babelmill.kit.wire.status_details import ErrorDetails, from_rpc_error
from babelmill.kit.worker.clock import elapsed_seconds
from babelmill.kit.worker.outcome import Output, Result, StepFailure
from babelmill.kit.worker.segment_memory import SegmentMemory

REPORT_FOR_SECONDS = 300.0
ACQUIRE_FOR_SECONDS = 300.0
_CALL_SECONDS = 10.0
_FIRST_PAUSE_SECONDS = 0.2
_LARGEST_PAUSE_SECONDS = 5.0

_AWAY = frozenset(
    {
        grpc.StatusCode.UNAVAILABLE,
        grpc.StatusCode.DEADLINE_EXCEEDED,
        grpc.StatusCode.INTERNAL,
        grpc.StatusCode.UNKNOWN,
    }
)
# A token can be mended while a worker runs; the message waits in its hands.
_AWAY_AT_ACQUIRE = _AWAY | {
    grpc.StatusCode.UNAUTHENTICATED,
    grpc.StatusCode.PERMISSION_DENIED,
    grpc.StatusCode.RESOURCE_EXHAUSTED,
}

_log = get_logger(__name__)
_T = TypeVar("_T")


class Reported(Enum):
    """What the service said to a report."""

    ACCEPTED = auto()
    STALE = auto()
    STEP_CANCELLED = auto()
    REFUSED = auto()
    NO_ANSWER = auto()


class ServiceAway(Exception):
    """The job service did not answer in time, or the worker stops."""


class LeaseReporter:
    """Makes the calls; `stopping` ends the wait for a lease that is not yet held."""

    def __init__(
        self,
        service: worker_service_pb2_grpc.WorkerServiceStub,
        *,
        worker_id: str,
        stopping: threading.Event,
    ) -> None:
        self._service = service
        self._worker_id = worker_id
        self._stopping = stopping

    def acquire(self, ref: lease_pb2.LeaseRef) -> lease_pb2.Lease | None:
        """Take a lease; None when the step is not to be had. Raises ServiceAway."""
        request = worker_service_pb2.AcquireLeasesRequest(worker_id=self._worker_id, refs=[ref])
        try:
            response = _persist(
                lambda: self._service.AcquireLeases(request, timeout=_CALL_SECONDS),
                _AWAY_AT_ACQUIRE,
                ACQUIRE_FOR_SECONDS,
                self._stopping,
            )
        except grpc.RpcError as error:
            _log.error("acquire_refused", code=error.code().name)
            return None
        for lease in response.leases:
            if lease.ref == ref:
                return lease
        return None

    def memory_of(self, ref: lease_pb2.LeaseRef) -> SegmentMemory:
        """Open the tenant's memory for the time of a lease."""
        return SegmentMemory(
            self._service, worker_id=self._worker_id, ref=ref, log=_log.bind(step_id=ref.step_id)
        )

    def complete(self, ref: lease_pb2.LeaseRef, result: Result) -> Reported:
        """Hand in the outputs."""
        request = worker_service_pb2.CompleteStepRequest(
            worker_id=self._worker_id,
            ref=ref,
            outputs=[_step_output(output) for output in result.outputs],
            usage=result.usage,
            extraction=result.extraction,
            split=result.split,
            found_subtitles=result.found_subtitles,
        )
        return _report(lambda: self._service.CompleteStep(request, timeout=_CALL_SECONDS))

    def fail(
        self,
        ref: lease_pb2.LeaseRef,
        failure: StepFailure,
        usage: usage_pb2.Usage | None = None,
        *,
        for_seconds: float = REPORT_FOR_SECONDS,
    ) -> Reported:
        """Say why there are no outputs."""
        request = worker_service_pb2.FailStepRequest(
            worker_id=self._worker_id, ref=ref, failure=_failure(failure), usage=usage
        )
        return _report(lambda: self._service.FailStep(request, timeout=_CALL_SECONDS), for_seconds)


def _report(call: Callable[[], object], for_seconds: float = REPORT_FOR_SECONDS) -> Reported:
    try:
        _persist(call, _AWAY, for_seconds, threading.Event())
    except ServiceAway:
        return Reported.NO_ANSWER
    except grpc.RpcError as error:
        details = from_rpc_error(error)
        if details.code is not grpc.StatusCode.ABORTED:
            _log.error("report_refused", code=details.code.name, reason=details.reason)
            return Reported.REFUSED
        return Reported.STEP_CANCELLED if _is_cancelled(details) else Reported.STALE
    return Reported.ACCEPTED


def _is_cancelled(details: ErrorDetails) -> bool:
    return details.reason == "STEP_CANCELLED"


def _is_away(error: grpc.RpcError, away: frozenset[grpc.StatusCode]) -> bool:
    if error.code() in away:
        return True
    # Of this code only a full disk passes; a message too large stays so.
    return (
        error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        and from_rpc_error(error).reason == "OUT_OF_SPACE"
    )


def _persist(
    call: Callable[[], _T],
    away: frozenset[grpc.StatusCode],
    for_seconds: float,
    stopping: threading.Event,
) -> _T:
    give_up_at = elapsed_seconds() + for_seconds
    pause_seconds = _FIRST_PAUSE_SECONDS
    while True:
        try:
            return call()
        except grpc.RpcError as error:
            if not _is_away(error, away):
                raise
            code = error.code()
        if pause_seconds == _FIRST_PAUSE_SECONDS:
            _log.warning("job_service_away", code=code.name)
        # Jitter spreads the workers that a restart of the service has lined up.
        pause = pause_seconds * random.uniform(0.5, 1.0)  # noqa: S311 - no secret depends on it
        if elapsed_seconds() + pause > give_up_at or stopping.wait(pause):
            raise ServiceAway
        pause_seconds = min(pause_seconds * 2, _LARGEST_PAUSE_SECONDS)


def _step_output(output: Output) -> lease_pb2.StepOutput:
    message = lease_pb2.StepOutput(
        digest=artifact_pb2.Digest(sha256=output.sha256, size_bytes=output.size_bytes),
        filename=output.filename,
        media_type=output.media_type,
    )
    if output.storage_key is not None:
        message.storage_key = output.storage_key
    else:
        message.inline = output.inline or b""
    return message


def _failure(failure: StepFailure) -> failure_pb2.Failure:
    retry_after = None
    if failure.retry_after_seconds is not None:
        retry_after = Duration()
        retry_after.FromMilliseconds(round(max(failure.retry_after_seconds, 0.0) * 1000))
    return failure_pb2.Failure(
        reason=failure.reason,
        message=failure.message,
        retryable=failure.retryable,
        retry_after=retry_after,
        metadata=failure.metadata,
    )
