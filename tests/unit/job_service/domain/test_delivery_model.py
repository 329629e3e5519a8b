"""The rules of delivery, played against the domain alone."""

from collections.abc import Mapping
from datetime import timedelta
from uuid import UUID, uuid4

from hypothesis import settings

from job_service.domain import attempts
from job_service.domain.errors import StaleLease
from job_service.domain.events import Fact, JobStateChanged
from job_service.domain.expansion import expand
from job_service.domain.job import (
    FINAL_JOB_STATES,
    FINAL_STEP_STATES,
    Failure,
    Job,
    JobState,
    Progress,
    Step,
    StepState,
)
from job_service.domain.lease import LeaseRequest
from job_service.domain.opening import new_steps
from job_service.domain.plan_documents import EXTRACT
from job_service.domain.planned import StepTimeouts
from job_service.domain.settlement import Change, note, settle
from job_service.domain.sweeping import sweep
from tests.unit.job_service.domain.delivery_rules import PLAN, Delivery, World, extraction_by
from tests.unit.job_service.domain.jobs_to_test import NOON, POLICY, a_job_of


class MemoryWorld:
    """The job as a value; time is what the rules say."""

    def __init__(self, deadline: timedelta | None) -> None:
        self._now = NOON
        self._job = a_job_of(PLAN, deadline_at=None if deadline is None else NOON + deadline)
        self._facts: list[Fact] = [JobStateChanged(None, JobState.PENDING)]

    def job(self) -> Job:
        return self._job

    def facts(self) -> list[Fact]:
        return list(self._facts)

    def publish(self, step: Step, generation: int) -> None:
        self._settle(attempts.publish(step, generation, self._now))

    def acquire(self, lease: LeaseRequest) -> bool:
        try:
            granted = attempts.grant(
                self._step(lease), lease, "worker", POLICY.lease_ttl, self._now
            )
        except StaleLease:
            return False
        self._settle(granted)
        return True

    def beat(self, lease: LeaseRequest, report: Progress) -> bool:
        try:
            step = attempts.beat(self._step(lease), lease, report, POLICY, self._now)
        except StaleLease:
            return False
        self._settle(step)
        self._apply(note(self._job, {step.step_id: step}))
        return True

    def complete(self, lease: LeaseRequest) -> None:
        try:
            ended = attempts.complete(self._step(lease), lease, None, self._now)
        except StaleLease:
            return
        added: tuple[Step, ...] = ()
        if ended.kind == EXTRACT and ended.state is StepState.COMPLETED:
            planned = expand(self._job, ended, extraction_by(lease), StepTimeouts())
            added = new_steps(planned, self._job.job_id, self._now, uuid4)
        self._apply(settle(self._job, {ended.step_id: ended}, self._now, added=added))

    def fail(self, lease: LeaseRequest, failure: Failure, jitter: float) -> None:
        try:
            ended = attempts.fail(self._step(lease), lease, failure, POLICY, jitter, self._now)
        except StaleLease:
            return
        self._settle(ended)

    def cancel(self) -> bool:
        if self._job.state in {JobState.CANCELLING, JobState.CANCELLED}:
            return True
        if self._job.state in FINAL_JOB_STATES:
            return False
        stopped: Mapping[UUID, Step] = {
            step.step_id: attempts.cancel(step, POLICY, self._now)
            for step in self._job.steps
            if step.state not in FINAL_STEP_STATES
        }
        self._apply(settle(self._job, stopped, self._now, cancel_requested_at=self._now))
        return True

    def let_time_pass(self, time: timedelta, *, spare_leases: bool) -> None:
        self._now += time
        change, _ = sweep(self._job, POLICY, self._now, lambda: 0.9, spare_leases=spare_leases)
        self._apply(change)

    def _step(self, lease: LeaseRequest) -> Step:
        return next(step for step in self._job.steps if step.step_id == lease.step_id)

    def _settle(self, step: Step) -> None:
        if step not in self._job.steps:
            self._apply(settle(self._job, {step.step_id: step}, self._now))

    def _apply(self, change: Change) -> None:
        assert change.before == self._job
        self._facts += change.facts
        self._job = change.after


class DeliveryInMemory(Delivery):
    def open_world(self, deadline: timedelta | None) -> World:
        return MemoryWorld(deadline)


DeliveryInMemory.TestCase.settings = settings(
    max_examples=100, stateful_step_count=40, deadline=None
)
test_promises_hold_whatever_happens_in_whatever_order = DeliveryInMemory.TestCase
