"""What time does, on a real database."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest

from job_service.application.leasing import LeaseDirective, LeaseRequest
from job_service.application.reaper import Reaper
from job_service.application.submission import NewJob
from job_service.domain.errors import StaleLease, StorageUnavailable
from job_service.domain.job import Job, JobState, StepState, TargetState
from job_service.domain.spec import TranslateText
from job_service.storage.engine import open_database
from job_service.storage.unit_of_work import SqlUnitOfWorkFactory
from tests.integration.core import Core, open_core


@pytest.fixture
def core(database_url: str, tmp_path: Path) -> Iterator[Core]:
    with open_core(database_url, tmp_path / "artifacts") as opened:
        yield opened


def _lose_worker(core: Core, job: Job) -> LeaseRequest:
    lease = core.start(job)
    core.move_into_past("lease_expires_at", lease.step_id)
    return lease


def test_nothing_is_moved_when_nothing_is_overdue(core: Core) -> None:
    core.create()
    running = core.create()
    core.start(running)
    events = core.events(running)
    report = core.reaper.run_once()
    assert report.expired_leases == report.retried == report.cancelled == report.to_republish == 0
    assert core.events(running) == events


def test_step_runs_again_at_once_when_its_lease_expires(core: Core) -> None:
    job = core.create()
    _lose_worker(core, job)
    pending = core.signals.pending
    assert core.reaper.run_once().expired_leases == 1
    step = core.step(job)
    assert (step.state, step.generation, step.crashes) == (StepState.PENDING, 2, 1)
    assert step.error is not None
    assert step.error.reason == "WORKER_CRASHED"
    assert core.signals.pending == pending + 1
    assert [taken.generation for taken in core.publishing.take(1)] == [2]


def test_job_is_dead_lettered_when_three_workers_have_died(core: Core) -> None:
    job = core.create()
    reports = []
    for _ in range(3):
        _lose_worker(core, job)
        reports.append(core.reaper.run_once())
    assert [report.dead_lettered for report in reports] == [0, 0, 1]
    dead = core.job(job)
    assert dead.state is JobState.DEAD_LETTERED
    assert dead.error is not None
    assert dead.error.reason == "WORKER_CRASHED"


def test_attempt_is_ended_when_it_runs_past_its_timeout(core: Core) -> None:
    job = core.create()
    lease = core.start(job)
    core.move_into_past("attempt_started_at", lease.step_id, seconds=1000)
    assert core.reaper.run_once().timed_out == 1
    step = core.step(job)
    assert step.state is StepState.RETRY_WAIT
    assert step.error is not None
    assert step.error.reason == "STEP_TIMEOUT"
    assert core.beat(lease) is LeaseDirective.LOST


def test_unfinished_work_expires_when_the_deadline_passes(core: Core) -> None:
    spec = TranslateText("en", ("pt", "es"), text="x")
    deadline = core.queries.now() + timedelta(hours=1)
    job = core.submission.create(core.tenant, NewJob(spec=spec, deadline_at=deadline)).job
    core.complete(core.start(job, 0))
    lease = core.start(job, 1)
    core.execute("UPDATE jobs SET deadline_at = clock_timestamp() - interval '1 s'")
    assert core.reaper.run_once().expired_jobs == 1
    done = core.job(job)
    assert done.state is JobState.EXPIRED
    assert [target.state for target in done.targets] == [
        TargetState.COMPLETED,
        TargetState.FAILED,
    ]
    assert done.error is not None
    assert done.error.reason == "DEADLINE_EXCEEDED"
    assert core.beat(lease) is LeaseDirective.LOST
    with pytest.raises(StaleLease):
        core.complete(lease)


def test_no_lease_is_granted_when_the_deadline_has_passed(core: Core) -> None:
    deadline = core.queries.now() + timedelta(hours=1)
    spec = TranslateText("en", ("pt",), text="x")
    job = core.submission.create(core.tenant, NewJob(spec=spec, deadline_at=deadline)).job
    core.execute("UPDATE jobs SET deadline_at = clock_timestamp()")
    step = core.step(job)
    request = LeaseRequest(step.step_id, 1, step.step_id)
    assert core.leasing.acquire("w", [request]) == ([], [request])


def test_each_lease_is_ended_once_when_several_reapers_run(core: Core) -> None:
    jobs = [core.create() for _ in range(20)]
    for job in jobs:
        _lose_worker(core, job)
    with ThreadPoolExecutor(6) as pool:
        reports = [
            future.result() for future in [pool.submit(core.reaper.run_once) for _ in range(12)]
        ]
    assert sum(report.expired_leases for report in reports) == 20
    assert {core.step(job).crashes for job in jobs} == {1}


class _Clock:
    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


def _careful_reaper(core: Core, clock: _Clock) -> Reaper:
    return Reaper(units=core.units, signals=core.signals, limits=core.limits, monotonic=clock)


def test_leases_are_spared_when_the_service_has_just_started(core: Core) -> None:
    clock = _Clock()
    reaper = _careful_reaper(core, clock)
    _lose_worker(core, core.create())
    assert reaper.run_once().expired_leases == 0
    # Only this machine's time goes on here, which the reaper takes for a leap
    # of the database's clock; the leap's own grace must be over as well.
    clock.seconds += 31
    reaper.run_once()
    clock.seconds += 31
    reaper._last_clocks = None  # the database's clock cannot be moved along in a test
    assert reaper.run_once().expired_leases == 1


def test_leases_are_spared_when_the_database_clock_leaps(core: Core) -> None:
    clock = _Clock()
    reaper = _careful_reaper(core, clock)
    clock.seconds += 31
    _lose_worker(core, core.create())
    reaper._last_clocks = (clock.seconds, core.queries.now() - timedelta(hours=1))
    assert reaper.run_once().expired_leases == 0


def test_leases_are_spared_when_the_database_was_away(core: Core) -> None:
    clock = _Clock()
    away = open_database("postgresql://nobody@127.0.0.1:1/none")
    reaper = _careful_reaper(core, clock)
    clock.seconds += 31
    reaper._units = SqlUnitOfWorkFactory(away)
    with pytest.raises(StorageUnavailable):
        reaper.run_once()
    reaper._units = core.units
    _lose_worker(core, core.create())
    assert reaper.run_once().expired_leases == 0
    away.close()


def test_nothing_waits_for_a_far_time_when_the_clock_was_set_back(core: Core) -> None:
    running, waiting = core.create(), core.create()
    lease = core.start(running)
    core.publish()
    core.execute("UPDATE steps SET publish_at = publish_at + interval '1 h'")
    core.execute("UPDATE steps SET lease_expires_at = lease_expires_at + interval '1 h'")
    reaper = Reaper(
        units=core.units, signals=core.signals, limits=core.limits, recovery_grace=timedelta()
    )
    pending = core.signals.pending
    reaper.run_once()
    assert core.signals.pending > pending
    assert [taken.step_id for taken in core.publishing.take(10)] == [core.step(waiting).step_id]
    ends_at = core.step(running).lease_expires_at
    assert ends_at is not None
    assert ends_at <= core.queries.now() + core.limits.lease_ttl
    assert core.beat(lease) is LeaseDirective.CONTINUE


def test_attempt_goes_on_when_the_clock_has_leapt_past_its_timeout(core: Core) -> None:
    job = core.create()
    lease = core.start(job)
    core.execute(
        "UPDATE steps SET lease_expires_at = lease_expires_at - interval '1 h',"
        " attempt_started_at = attempt_started_at - interval '1 h'"
    )
    sparing = Reaper(units=core.units, signals=core.signals, limits=core.limits)
    assert sparing.run_once().timed_out == 0
    assert core.beat(lease) is LeaseDirective.CONTINUE
    assert core.reaper.run_once().timed_out == 0
    assert core.step(job).attempt == 1
