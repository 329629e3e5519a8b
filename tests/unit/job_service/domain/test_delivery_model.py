"""A machine that does to a job whatever can happen, in any order, and checks the promises."""

from datetime import timedelta
from uuid import UUID, uuid4

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from job_service.domain import attempts
from job_service.domain.errors import StaleLease
from job_service.domain.events import Fact, JobStateChanged, StepStateChanged, TargetFinished
from job_service.domain.job import (
    FINAL_JOB_STATES,
    FINAL_STEP_STATES,
    Failure,
    JobState,
    Progress,
    Step,
    StepState,
    TargetState,
)
from job_service.domain.lease import LeaseRequest
from job_service.domain.plan import Plan
from job_service.domain.settlement import Change, note, settle
from job_service.domain.state_machine import LEASED_STATES
from job_service.domain.sweeping import sweep
from tests.unit.job_service.domain.jobs_to_test import (
    FLAKY,
    HOPELESS,
    NOON,
    POLICY,
    a_job_of,
    a_planned_step,
)

FAILURES = (
    FLAKY,
    HOPELESS,
    Failure("WORKER_SHUTDOWN", "bye", retryable=True),
    Failure("WORKER_CRASHED", "killed", retryable=True),
    Failure("CANCELLED", "stopped"),
)
_index = st.integers(0, 3)


class Delivery(RuleBasedStateMachine):
    """One job with a chain and two flat steps; workers old and new hold on to their leases."""

    @initialize(deadline=st.booleans())
    def open(self, deadline: bool) -> None:
        planned = Plan(
            (
                a_planned_step("extract"),
                a_planned_step("translate[pt]", "pt", "extract"),
                a_planned_step("translate[es]", "es"),
                a_planned_step("translate[fr]", "fr"),
            ),
            ("pt", "es", "fr"),
        )
        self.job = a_job_of(planned, deadline_at=NOON + timedelta(minutes=30) if deadline else None)
        self.now = NOON
        self.facts: list[Fact] = [JobStateChanged(None, JobState.PENDING)]
        self.leases: list[LeaseRequest] = []
        self.executions: dict[UUID, int] = {}

    def _apply(self, change: Change) -> None:
        before, after = change.before, change.after
        assert before == self.job
        assert after.sequence == before.sequence + len(change.facts)
        for old, new in zip(before.steps, after.steps, strict=True):
            assert old.state not in FINAL_STEP_STATES or new.state is old.state
            assert new.generation >= old.generation
        for old_target, new_target in zip(before.targets, after.targets, strict=True):
            assert old_target.state is TargetState.ACTIVE or new_target == old_target
        if before.state in FINAL_JOB_STATES:
            assert after == before
        assert before.progress is not None
        assert after.progress is not None
        assert after.progress.percent >= before.progress.percent
        assert after.progress.done >= before.progress.done
        self.facts += change.facts
        self.job = after

    def _settle(self, step: Step) -> None:
        self._apply(settle(self.job, {step.step_id: step}, self.now))

    def _step(self, lease: LeaseRequest) -> Step:
        return next(step for step in self.job.steps if step.step_id == lease.step_id)

    @rule(index=_index, lag=st.integers(0, 1))
    def publish(self, index: int, lag: int) -> None:
        step = self.job.steps[index]
        self._settle(attempts.publish(step, step.generation - lag, self.now))

    @rule(index=_index, lag=st.integers(0, 1))
    def acquire(self, index: int, lag: int) -> None:
        step = self.job.steps[index]
        lease = LeaseRequest(step.step_id, step.generation - lag, uuid4())
        try:
            granted = attempts.grant(step, lease, "w", POLICY.lease_ttl, self.now)
        except StaleLease:
            return
        assert lag == 0
        self.executions[step.step_id] = self.executions.get(step.step_id, 0) + 1
        self.leases.append(lease)
        self._settle(granted)

    @rule(pick=st.integers(0, 100), done=st.floats(0, 20))
    def beat(self, pick: int, done: float) -> None:
        if not self.leases:
            return
        lease = self.leases[pick % len(self.leases)]
        report = Progress("CHARACTERS", done, 10)
        try:
            step = attempts.beat(self._step(lease), lease, report, POLICY, self.now)
        except StaleLease:
            return
        self._settle(step)
        self._apply(note(self.job, {step.step_id: step}))

    @rule(pick=st.integers(0, 100))
    def complete(self, pick: int) -> None:
        if not self.leases:
            return
        lease = self.leases[pick % len(self.leases)]
        step = self._step(lease)
        try:
            ended = attempts.complete(step, lease, None, self.now)
        except StaleLease:
            return
        cancelling = step.state is StepState.CANCELLING
        assert ended.state is (StepState.CANCELLED if cancelling else StepState.COMPLETED)
        self._settle(ended)

    @rule(pick=st.integers(0, 100), failure=st.sampled_from(FAILURES), jitter=st.floats(0, 0.99))
    def fail(self, pick: int, failure: Failure, jitter: float) -> None:
        if not self.leases:
            return
        lease = self.leases[pick % len(self.leases)]
        try:
            ended = attempts.fail(self._step(lease), lease, failure, POLICY, jitter, self.now)
        except StaleLease:
            return
        self._settle(ended)

    @rule()
    def cancel(self) -> None:
        if self.job.state in FINAL_JOB_STATES | {JobState.CANCELLING}:
            return
        stopped = {
            step.step_id: attempts.cancel(step, POLICY, self.now)
            for step in self.job.steps
            if step.state not in FINAL_STEP_STATES
        }
        self._apply(settle(self.job, stopped, self.now, cancel_requested_at=self.now))
        assert self.job.state in {JobState.CANCELLING, JobState.CANCELLED}

    @rule(seconds=st.sampled_from([1, 16, 31, 121, 601]), spare=st.booleans())
    def let_time_pass(self, seconds: int, spare: bool) -> None:
        self.now += timedelta(seconds=seconds)
        change, _ = sweep(self.job, POLICY, self.now, lambda: 0.9, spare_leases=spare)
        self._apply(change)

    @invariant()
    def sequence_is_the_number_of_facts(self) -> None:
        assert self.job.sequence == len(self.facts)

    @invariant()
    def facts_are_a_chain_with_one_end(self) -> None:
        states = [fact for fact in self.facts if isinstance(fact, JobStateChanged)]
        assert [fact.previous for fact in states[1:]] == [fact.state for fact in states[:-1]]
        assert states[-1].state is self.job.state
        ends = [fact for fact in states if fact.state in FINAL_JOB_STATES]
        assert len(ends) <= 1
        assert not ends or self.facts[-1] == ends[0]
        for step in self.job.steps:
            told = [
                fact
                for fact in self.facts
                if isinstance(fact, StepStateChanged) and fact.step_id == step.step_id
            ]
            assert not told or told[-1].state is step.state
        finished = [fact.key for fact in self.facts if isinstance(fact, TargetFinished)]
        assert len(finished) == len(set(finished))

    @invariant()
    def a_lease_is_live_only_where_work_can_run(self) -> None:
        for step in self.job.steps:
            assert (step.lease_id is not None) == (step.state in LEASED_STATES)
            assert (step.lease_expires_at is not None) == (step.lease_id is not None)
            assert (step.not_before is not None) == (step.state is StepState.RETRY_WAIT)
            live = [lease for lease in self.leases if attempts.holds(step, lease)]
            assert len(live) <= 1

    @invariant()
    def budgets_are_kept(self) -> None:
        for step in self.job.steps:
            exhausted = POLICY.retry.exhausted(step.application_failures, step.crashes)
            assert not exhausted or step.state is StepState.DEAD_LETTERED
            assert step.attempt == self.executions.get(step.step_id, 0)

    @invariant()
    def job_agrees_with_its_parts(self) -> None:
        final = all(step.state in FINAL_STEP_STATES for step in self.job.steps)
        assert (self.job.state in FINAL_JOB_STATES) == final
        assert (self.job.finished_at is not None) == final
        assert self.job.progress is not None
        assert (self.job.progress.percent == 100) == (self.job.state is JobState.COMPLETED)
        if self.job.cancel_requested_at is not None:
            assert self.job.state in {JobState.CANCELLING, JobState.CANCELLED, JobState.EXPIRED}
        if final:
            assert all(target.state is not TargetState.ACTIVE for target in self.job.targets)


Delivery.TestCase.settings = settings(max_examples=50, stateful_step_count=40, deadline=None)
test_promises_hold_whatever_happens_in_whatever_order = Delivery.TestCase
