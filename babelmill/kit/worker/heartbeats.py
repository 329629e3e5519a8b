"""Keeps the leases of one worker process alive, and brings back what to do about them.

One thread serves all leases of the process. It also watches the clock that
the service cannot: the attempt's timeout. By when a handler must have stopped
is only noted; ending it is for the parent, which needs no help of a process
that may be stuck. While the service is away the work goes on; whether its outcome still counts
is decided when it is reported.
"""

import threading
from collections.abc import Callable, Collection
from dataclasses import dataclass

import grpc

from babelmill.jobs.v1 import lease_pb2, worker_service_pb2, worker_service_pb2_grpc
from babelmill.kit.process.logs import get_logger
from babelmill.kit.wire.trace_headers import without_tracing
from babelmill.kit.worker.cancellation import CancellationToken, StopReason
from babelmill.kit.worker.clock import elapsed_seconds
from babelmill.kit.worker.progress import ProgressTracker

_SMALLEST_CALL_SECONDS = 2.0
_LARGEST_CALL_SECONDS = 5.0
_HEARTBEATS_PER_TTL = 3
FIRST_PROGRESS_SECONDS = 0.25

_log = get_logger(__name__)

_Key = tuple[str, int, str]


@dataclass(slots=True, eq=False)
class HeldLease:
    """A lease that this process holds; `deadline` and `stop_by` are on the elapsed clock."""

    job_id: str
    ref: lease_pb2.LeaseRef
    ttl_seconds: float
    deadline: float
    token: CancellationToken
    progress: ProgressTracker
    stop_by: float | None = None
    handler_ended: bool = False

    @property
    def key(self) -> _Key:
        """What tells this lease from all others."""
        return _key(self.ref)


class Heartbeats:
    """The heartbeat thread.

    `on_change` gets all held leases whenever something about them changes and
    at every turn of the thread. It is called by several threads, one at a
    time, and must not call back.
    """

    def __init__(
        self,
        service: worker_service_pb2_grpc.WorkerServiceStub,
        *,
        worker_id: str,
        interval_seconds: float,
        stop_grace_seconds: float,
        on_change: Callable[[Collection[HeldLease]], None],
    ) -> None:
        self._service = service
        self._worker_id = worker_id
        self._interval_seconds = interval_seconds
        self._stop_grace_seconds = stop_grace_seconds
        self._on_change = on_change
        self._changed = threading.Condition()
        self._held: dict[_Key, HeldLease] = {}
        self._beat_at = 0.0
        self._ended = False
        self._reachable = True
        self._thread = threading.Thread(target=self._run, name="heartbeats", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def end(self) -> None:
        """Stop the thread; leases still held run out by themselves."""
        with self._changed:
            self._ended = True
            self._changed.notify()

    def hold(self, lease: HeldLease) -> None:
        """Keep a lease alive from now on."""
        with self._changed:
            if not self._held:
                self._beat_at = elapsed_seconds() + self._interval(lease)
            self._held[lease.key] = lease
            self._note_change()
        lease.token.on_request(lambda _: self._begin_grace(lease))

    def release(self, lease: HeldLease) -> None:
        """Leave a lease alone: its outcome is reported."""
        with self._changed:
            self._held.pop(lease.key, None)
            self._note_change()

    def handler_ended(self, lease: HeldLease) -> None:
        """Keep the lease alive for its report, but watch its clocks no more."""
        with self._changed:
            lease.handler_ended = True
            self._note_change()

    def beat_now(self) -> None:
        """Send the next heartbeat at once: there is news, here or at the service."""
        with self._changed:
            self._beat_at = 0.0
            self._changed.notify()

    def beat_soon(self) -> None:
        """Send the next heartbeat within FIRST_PROGRESS_SECONDS: work has begun.

        Most small steps have ended by then, and their outcome says it all.
        """
        with self._changed:
            self._beat_at = min(self._beat_at, elapsed_seconds() + FIRST_PROGRESS_SECONDS)
            self._changed.notify()

    def request_stop(self, reason: StopReason) -> None:
        """Ask all attempts of this process to stop."""
        with self._changed:
            held = list(self._held.values())
        for lease in held:
            lease.token.request(reason)

    def _begin_grace(self, lease: HeldLease) -> None:
        with self._changed:
            lease.stop_by = elapsed_seconds() + self._stop_grace_seconds
            self._note_change()

    def _note_change(self) -> None:
        self._on_change(self._held.values())
        self._changed.notify()

    def _interval(self, lease: HeldLease) -> float:
        return min(self._interval_seconds, lease.ttl_seconds / _HEARTBEATS_PER_TTL)

    def _run(self) -> None:
        while (due := self._wait_until_due()) is not None:
            held, beat = due
            self._watch_clocks(held, elapsed_seconds())
            if beat:
                self._beat(held)

    def _wait_until_due(self) -> tuple[list[HeldLease], bool] | None:
        with self._changed:
            while not self._ended:
                seconds = self._seconds_to_wait()
                if seconds is None or seconds > 0:
                    self._changed.wait(seconds)
                    continue
                held = list(self._held.values())
                self._on_change(held)
                beat = elapsed_seconds() >= self._beat_at
                if beat:
                    # Before the call, so that beat_now during it is not lost.
                    interval = min(self._interval(lease) for lease in held)
                    self._beat_at = elapsed_seconds() + interval
                return held, beat
        return None

    def _seconds_to_wait(self) -> float | None:
        if not self._held:
            return None
        moments = [self._beat_at]
        moments += [
            lease.deadline
            for lease in self._held.values()
            if not lease.handler_ended and not lease.token.requested
        ]
        return max(0.0, min(moments) - elapsed_seconds())

    def _watch_clocks(self, held: list[HeldLease], now: float) -> None:
        for lease in held:
            if not lease.handler_ended and now >= lease.deadline:
                lease.token.request(StopReason.TIMEOUT)

    def _beat(self, held: list[HeldLease]) -> None:
        reports, reported = [], []
        for lease in held:
            if lease.token.reason is StopReason.LEASE_LOST:
                continue
            progress = lease.progress.take_changed()
            reports.append(lease_pb2.LeaseReport(ref=lease.ref, progress=progress))
            reported.append((lease, progress is not None))
        if not reports:
            return
        request = worker_service_pb2.HeartbeatRequest(worker_id=self._worker_id, reports=reports)
        ttl_seconds = min(lease.ttl_seconds for lease, _ in reported)
        call_seconds = min(
            max(ttl_seconds / _HEARTBEATS_PER_TTL, _SMALLEST_CALL_SECONDS), _LARGEST_CALL_SECONDS
        )
        try:
            with without_tracing():
                response = self._service.Heartbeat(request, timeout=call_seconds)
        except grpc.RpcError as error:
            self._failed(error, reported)
            return
        if not self._reachable:
            self._reachable = True
            _log.info("heartbeats_recovered")
        self._follow(response, {lease.key: lease for lease, _ in reported})

    def _failed(self, error: grpc.RpcError, reported: list[tuple[HeldLease, bool]]) -> None:
        if error.code() is grpc.StatusCode.ABORTED:
            for lease, _ in reported:
                lease.token.request(StopReason.LEASE_LOST)
            return
        for lease, had_progress in reported:
            if had_progress:
                lease.progress.put_back()
        if self._reachable:
            self._reachable = False
            _log.warning("heartbeats_failing", code=error.code().name)

    def _follow(
        self, response: worker_service_pb2.HeartbeatResponse, leases: dict[_Key, HeldLease]
    ) -> None:
        for status in response.statuses:
            lease = leases.get(_key(status.ref))
            if lease is None:
                continue
            if status.directive == lease_pb2.LEASE_DIRECTIVE_CANCEL:
                lease.token.request(StopReason.CANCELLED)
            elif status.directive == lease_pb2.LEASE_DIRECTIVE_LOST:
                lease.token.request(StopReason.LEASE_LOST)


def _key(ref: lease_pb2.LeaseRef) -> _Key:
    return ref.step_id, ref.generation, ref.lease_id
