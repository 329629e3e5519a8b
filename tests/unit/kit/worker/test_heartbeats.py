"""The heartbeat thread and the clocks it watches."""

import threading
import uuid
from collections.abc import Callable, Collection

import pytest

from babelmill.jobs.v1 import lease_pb2, progress_pb2, worker_service_pb2
from babelmill.kit.worker.cancellation import CancellationToken, StopReason
from babelmill.kit.worker.clock import elapsed_seconds
from babelmill.kit.worker.heartbeats import Heartbeats, HeldLease
from babelmill.kit.worker.progress import ProgressTracker
from tests.deadlines import eventually


class _Service:
    def __init__(self) -> None:
        self.requests: list[worker_service_pb2.HeartbeatRequest] = []
        self.directives: dict[str, lease_pb2.LeaseDirective.ValueType] = {}

    def Heartbeat(  # noqa: N802 - the protocol's name
        self, request: worker_service_pb2.HeartbeatRequest, timeout: float
    ) -> worker_service_pb2.HeartbeatResponse:
        self.requests.append(request)
        return worker_service_pb2.HeartbeatResponse(
            statuses=[
                lease_pb2.LeaseStatus(
                    ref=report.ref,
                    directive=self.directives.get(
                        report.ref.step_id, lease_pb2.LEASE_DIRECTIVE_CONTINUE
                    ),
                )
                for report in request.reports
            ]
        )


def _lease(beats: Heartbeats, *, seconds: float = 60, ttl_seconds: float = 30) -> HeldLease:
    return HeldLease(
        job_id="job",
        ref=lease_pb2.LeaseRef(step_id=str(uuid.uuid4()), generation=1, lease_id="l"),
        ttl_seconds=ttl_seconds,
        deadline=elapsed_seconds() + seconds,
        token=CancellationToken(),
        progress=ProgressTracker(on_first=beats.beat_now),
    )


def _beats(
    service: _Service,
    *,
    interval: float,
    grace: float = 30,
    on_change: Callable[[Collection[HeldLease]], None] = lambda _: None,
) -> Heartbeats:
    beats = Heartbeats(
        service,  # type: ignore[arg-type]  # only Heartbeat is called
        worker_id="w",
        interval_seconds=interval,
        stop_grace_seconds=grace,
        on_change=on_change,
    )
    beats.start()
    return beats


def test_one_call_serves_all_leases_when_several_are_held() -> None:
    service = _Service()
    beats = _beats(service, interval=0.05)
    first, second = _lease(beats), _lease(beats)
    beats.hold(first)
    beats.hold(second)
    eventually(lambda: any(len(request.reports) == 2 for request in service.requests))
    service.directives[first.ref.step_id] = lease_pb2.LEASE_DIRECTIVE_CANCEL
    service.directives[second.ref.step_id] = lease_pb2.LEASE_DIRECTIVE_LOST
    assert first.token.wait(5)
    assert second.token.wait(5)
    assert (first.token.reason, second.token.reason) == ("cancelled", "lease_lost")
    beats.release(first)
    beats.release(second)
    beats.end()


def test_first_progress_does_not_wait_when_the_interval_is_long() -> None:
    service = _Service()
    beats = _beats(service, interval=60)
    lease = _lease(beats, ttl_seconds=600)
    beats.hold(lease)
    lease.progress.report(progress_pb2.PROGRESS_UNIT_PAGES, 1, 2, "x")
    eventually(lambda: service.requests, timeout_seconds=5)
    assert service.requests[0].reports[0].progress.done == 1
    beats.end()


def test_lease_is_kept_in_time_when_its_ttl_is_shorter_than_the_interval() -> None:
    service = _Service()
    beats = _beats(service, interval=60)
    beats.hold(_lease(beats, ttl_seconds=0.3))
    eventually(lambda: len(service.requests) >= 3, timeout_seconds=5)
    beats.end()


def test_clock_stops_an_attempt_when_it_is_late_and_notes_by_when_it_must_end() -> None:
    noted: list[list[tuple[float | None, str | None]]] = []
    beats = _beats(
        _Service(),
        interval=60,
        grace=7,
        on_change=lambda held: noted.append([(each.stop_by, each.token.reason) for each in held]),
    )
    late = _lease(beats, seconds=0.05)
    beats.hold(late)
    assert late.token.wait(5)
    assert late.token.reason is StopReason.TIMEOUT
    eventually(lambda: late.stop_by is not None)
    assert late.stop_by == pytest.approx(elapsed_seconds() + 7, abs=1)
    assert noted[0] == [(None, None)]
    assert noted[-1] == [(late.stop_by, "timeout")]
    beats.release(late)
    assert noted[-1] == []
    beats.end()


def test_clock_leaves_an_attempt_alone_when_its_handler_has_ended() -> None:
    service = _Service()
    beats = _beats(service, interval=0.02)
    lease = _lease(beats, seconds=0.1)
    beats.hold(lease)
    beats.handler_ended(lease)
    eventually(lambda: len(service.requests) >= 20)
    assert not lease.token.requested
    beats.end()


@pytest.mark.parametrize("held", [True, False])
def test_thread_ends_when_told_to(held: bool) -> None:
    before = threading.active_count()
    beats = _beats(_Service(), interval=60)
    if held:
        beats.hold(_lease(beats))
    beats.end()
    eventually(lambda: threading.active_count() <= before)
