"""What follows for a job when its steps change."""

from dataclasses import replace
from datetime import timedelta

import pytest

from job_service.domain import attempts
from job_service.domain.events import JobStateChanged, StepStateChanged, TargetFinished
from job_service.domain.job import (
    Failure,
    Job,
    JobState,
    StepState,
    TargetState,
    Usage,
)
from job_service.domain.plan import Plan
from job_service.domain.settlement import Change, settle, total_usage
from job_service.domain.sweeping import Sweep, sweep
from tests.unit.job_service.domain.jobs_to_test import (
    FLAKY,
    HOPELESS,
    NOON,
    POLICY,
    a_job,
    a_job_of,
    a_lease,
    a_planned_step,
)


def _run(job: Job, index: int, usage: Usage | None = None) -> Change:
    step = job.steps[index]
    lease = a_lease(step)
    granted = attempts.grant(step, lease, "w", POLICY.lease_ttl, NOON)
    return settle(job, {step.step_id: attempts.complete(granted, lease, usage, NOON)}, NOON)


def _break(job: Job, index: int, failure: Failure) -> Change:
    step = job.steps[index]
    lease = a_lease(step)
    granted = attempts.grant(step, lease, "w", POLICY.lease_ttl, NOON)
    failed = attempts.fail(granted, lease, failure, POLICY, 0.5, NOON)
    return settle(job, {step.step_id: failed}, NOON)


def _a_localized_video() -> Job:
    steps = (
        a_planned_step("extract"),
        a_planned_step("translate[pt]", "pt", "extract"),
        a_planned_step("translate[es]", "es", "extract"),
        a_planned_step("mux[pt]", "pt", "translate[pt]"),
        a_planned_step("mux[es]", "es", "translate[es]"),
    )
    return a_job_of(Plan(steps, ("pt", "es")))


def test_steps_become_ready_when_all_that_they_need_has_completed() -> None:
    change = _run(_a_localized_video(), 0)
    assert [step.state for step in change.after.steps] == [
        StepState.COMPLETED,
        StepState.PENDING,
        StepState.PENDING,
        StepState.BLOCKED,
        StepState.BLOCKED,
    ]
    assert change.has_new_pending
    assert change.after.state is JobState.IN_PROGRESS


def test_whole_chain_ends_when_its_first_step_fails() -> None:
    change = _break(_a_localized_video(), 0, HOPELESS)
    job = change.after
    assert job.state is JobState.FAILED
    assert {step.state for step in job.steps} == {StepState.FAILED}
    assert {target.state for target in job.targets} == {TargetState.FAILED}
    blamed = job.steps[3].error
    assert blamed is not None
    assert blamed.reason == "DEPENDENCY_FAILED"
    assert change.ends_job


def test_job_is_partial_when_one_chain_breaks_and_another_ends_well() -> None:
    job = _run(_a_localized_video(), 0).after
    job = _break(job, 1, HOPELESS).after
    assert job.state is JobState.IN_PROGRESS
    assert job.targets[0].error == HOPELESS
    job = _run(job, 2).after
    job = _run(job, 4).after
    assert job.state is JobState.PARTIALLY_COMPLETED
    assert job.error == HOPELESS
    assert [target.state for target in job.targets] == [
        TargetState.FAILED,
        TargetState.COMPLETED,
    ]


def test_facts_are_in_order_and_counted_when_a_job_ends() -> None:
    change = _run(a_job(), 0)
    assert [type(fact) for fact in change.facts] == [
        StepStateChanged,
        TargetFinished,
        JobStateChanged,
    ]
    assert change.after.sequence == change.before.sequence + 3
    assert change.after.finished_at == NOON


def test_waiting_job_tells_its_error_when_it_will_be_tried_again() -> None:
    change = _break(a_job(), 0, FLAKY)
    assert change.after.state is JobState.RETRY_WAIT
    assert change.after.error is None
    assert change.facts[-1] == JobStateChanged(JobState.PENDING, JobState.RETRY_WAIT, FLAKY)


def test_nothing_is_told_when_nothing_changes() -> None:
    job = a_job()
    change = settle(job, {}, NOON)
    assert change.facts == ()
    assert change.after.sequence == job.sequence
    assert not change.has_new_pending


def test_usage_is_added_and_peaks_compared() -> None:
    usages = [
        Usage(peak_cpu_percent=10, cpu_seconds=1.5, input_bytes=4),
        None,
        Usage(peak_cpu_percent=30, cpu_seconds=2.5),
    ]
    assert total_usage(usages) == Usage(peak_cpu_percent=30, cpu_seconds=4, input_bytes=4)
    assert total_usage([None]) is None


def test_time_moves_nothing_when_nothing_is_overdue() -> None:
    job = a_job()
    change, counts = sweep(job, POLICY, NOON, lambda: 0.5)
    assert change == Change(job, job)
    assert not counts


@pytest.mark.parametrize("spare_leases", [True, False])
def test_silent_worker_is_spared_only_when_asked_to(spare_leases: bool) -> None:
    job = a_job()
    step = attempts.grant(job.steps[0], a_lease(job.steps[0]), "w", POLICY.lease_ttl, NOON)
    job = replace(job, steps=(step,))
    later = NOON + POLICY.lease_ttl
    change, counts = sweep(job, POLICY, later, lambda: 0.5, spare_leases=spare_leases)
    assert counts[Sweep.LEASE_EXPIRED] == (0 if spare_leases else 1)
    assert (change.after.steps[0].state is StepState.PENDING) is not spare_leases


def test_deadline_ends_what_is_not_done_also_when_leases_are_spared() -> None:
    job = a_job("pt", "es", deadline_at=NOON + timedelta(seconds=1))
    job = _run(job, 0).after
    change, counts = sweep(job, POLICY, NOON + timedelta(seconds=1), lambda: 0.5, spare_leases=True)
    assert counts == {Sweep.DEADLINE_PASSED: 1}
    assert change.after.state is JobState.EXPIRED
    assert change.after.targets[0].state is TargetState.COMPLETED


def test_interruption_that_nobody_asked_for_costs_one_failure() -> None:
    job = _break(a_job(), 0, Failure("CANCELLED", "stopped")).after
    assert job.steps[0].state is StepState.RETRY_WAIT
    assert job.steps[0].application_failures == 1


def test_reported_crash_costs_a_crash() -> None:
    job = _break(a_job(), 0, Failure("WORKER_CRASHED", "killed", retryable=True)).after
    assert job.steps[0].state is StepState.PENDING
    assert (job.steps[0].crashes, job.steps[0].generation) == (1, 2)
