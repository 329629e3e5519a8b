"""Cancelling on a real database, in each state and against a completion."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from job_service.application.leasing import LeaseDirective
from job_service.domain.errors import JobFinished, JobNotFound, StaleLease, StepCancelled
from job_service.domain.job import Failure, Job, JobState, StepState, TargetState
from tests.integration.core import HOPELESS, Core, open_core

STOPPED = Failure("CANCELLED", "The work was stopped.")


@pytest.fixture
def core(database_url: str, tmp_path: Path) -> Iterator[Core]:
    with open_core(database_url, tmp_path / "artifacts") as opened:
        yield opened


def _cancel(core: Core, job: Job) -> Job:
    return core.cancellation.cancel(core.tenant, job.job_id)


def test_job_is_cancelled_at_once_when_nothing_has_started(core: Core) -> None:
    pending, queued, waiting = core.create(), core.create("pt", "es"), core.create()
    core.publish()
    core.fail(core.start(waiting))
    for job in (pending, queued, waiting):
        cancelled = _cancel(core, job)
        assert cancelled.state is JobState.CANCELLED
        assert {target.state for target in cancelled.targets} == {TargetState.CANCELLED}
        assert cancelled.finished_at is not None
    assert not core.signals.cancels
    assert core.publishing.take(10) == []


def test_job_is_cancelled_only_when_its_worker_has_stopped(core: Core) -> None:
    job = core.create()
    lease = core.start(job)
    assert _cancel(core, job).state is JobState.CANCELLING
    assert core.signals.cancels[job.job_id] == 1
    assert core.beat(lease) is LeaseDirective.CANCEL
    core.fail(lease, STOPPED)
    core.fail(lease, STOPPED)
    done = core.job(job)
    assert done.state is JobState.CANCELLED
    assert done.error is None
    assert _cancel(core, job).state is JobState.CANCELLED


def test_late_success_ends_cancelled_when_the_cancel_came_first(core: Core) -> None:
    job = core.create()
    lease = core.start(job)
    _cancel(core, job)
    for _ in range(2):
        with pytest.raises(StepCancelled):
            core.complete(lease)
    done = core.job(job)
    assert done.state is JobState.CANCELLED
    assert done.targets[0].outputs == ()
    core.fail(lease, STOPPED)


def test_finished_targets_stay_readable_when_the_rest_is_cancelled(core: Core) -> None:
    job = core.create("pt", "es", "fr")
    core.complete(core.start(job, 0))
    lease = core.start(job, 1)
    cancelling = _cancel(core, job)
    assert cancelling.state is JobState.CANCELLING
    assert [step.state for step in cancelling.steps] == [
        StepState.COMPLETED,
        StepState.CANCELLING,
        StepState.CANCELLED,
    ]
    core.fail(lease, STOPPED)
    done = core.job(job)
    assert done.state is JobState.CANCELLED
    assert len(done.targets[0].outputs) == 1


def test_cancel_is_refused_when_the_job_has_ended_otherwise(core: Core) -> None:
    completed, failed = core.create(), core.create()
    core.complete(core.start(completed))
    core.fail(core.start(failed), HOPELESS)
    for job in (completed, failed):
        with pytest.raises(JobFinished):
            _cancel(core, job)


@pytest.mark.matrix(19)
def test_cancel_finds_nothing_when_the_job_is_another_tenants(core: Core) -> None:
    job = core.create()
    with pytest.raises(JobNotFound):
        core.cancellation.cancel(core.tokens.create_tenant("two"), job.job_id)
    assert core.job(job).state is JobState.PENDING


def test_unfinished_cancel_is_forced_when_the_worker_is_gone(core: Core) -> None:
    job = core.create()
    lease = core.start(job)
    _cancel(core, job)
    assert core.reaper.run_once().cancelled == 0
    step = core.step(job)
    assert step.lease_expires_at is not None
    assert step.cancel_requested_at is not None
    assert step.lease_expires_at - step.cancel_requested_at <= core.limits.cancel_grace
    core.move_into_past("lease_expires_at", lease.step_id)
    assert core.reaper.run_once().cancelled == 1
    assert core.job(job).state is JobState.CANCELLED
    assert core.step(job).crashes == 0
    with pytest.raises(StepCancelled):
        core.complete(lease)
    assert core.beat(lease) is LeaseDirective.LOST


def test_cancel_is_forced_in_the_end_when_the_worker_beats_on(core: Core) -> None:
    job = core.create()
    lease = core.start(job)
    _cancel(core, job)
    core.move_into_past("cancel_requested_at", lease.step_id, seconds=121)
    assert core.beat(lease) is LeaseDirective.CANCEL
    assert core.reaper.run_once().cancelled == 1
    assert core.job(job).state is JobState.CANCELLED


def test_an_accepted_cancel_never_completes_when_it_races_the_completion(core: Core) -> None:
    jobs = [core.create() for _ in range(30)]
    leases = [core.start(job) for job in jobs]

    def cancel(job: Job) -> bool:
        try:
            _cancel(core, job)
        except JobFinished:
            return False
        return True

    def complete(index: int) -> bool:
        try:
            core.complete(leases[index])
        except (StepCancelled, StaleLease):
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        cancels, completions = [], []
        for index, job in enumerate(jobs):
            cancels.append(pool.submit(cancel, job))
            completions.append(pool.submit(complete, index))
    for job, cancelled, completed in zip(jobs, cancels, completions, strict=True):
        assert cancelled.result() != completed.result()
        expected = JobState.CANCELLED if cancelled.result() else JobState.COMPLETED
        assert core.job(job).state is expected
