"""A machine that does to a job whatever can happen, in any order, and checks the promises.

The rules and invariants are here; where the job lives is a `World`'s affair:
in memory, by the domain alone, or in PostgreSQL, by the use cases.
"""

from abc import abstractmethod
from dataclasses import replace
from datetime import timedelta
from typing import Protocol
from uuid import UUID, uuid4

from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from job_service.domain import attempts
from job_service.domain.events import Fact, JobStateChanged, StepStateChanged, TargetFinished
from job_service.domain.expansion import Chunk, Extraction
from job_service.domain.job import (
    FINAL_JOB_STATES,
    FINAL_STEP_STATES,
    Failure,
    Job,
    JobState,
    Progress,
    Step,
    StepState,
    TargetState,
)
from job_service.domain.lease import LeaseRequest
from job_service.domain.plan import Plan
from job_service.domain.plan_documents import EXTRACT
from job_service.domain.state_machine import GRANTABLE_STATES, LEASED_STATES
from tests.unit.job_service.domain.jobs_to_test import FLAKY, HOPELESS, POLICY, a_planned_step

FAILURES = (
    FLAKY,
    HOPELESS,
    Failure("WORKER_SHUTDOWN", "bye", retryable=True),
    Failure("WORKER_CRASHED", "killed", retryable=True),
    Failure("CANCELLED", "stopped"),
)
PLAN = Plan(
    (
        replace(
            a_planned_step(EXTRACT),
            kind=EXTRACT,
            settings={"source": str(UUID(int=1)), "max_chunks": 5},
            weight=0.0,
        ),
        a_planned_step("translate[es]", "es"),
        a_planned_step("translate[fr]", "fr"),
        a_planned_step("mux", "video", awaits=("translate[es]", "translate[fr]")),
    ),
    ("pt", "es", "fr", "video"),
)
_LEASES_BEFORE_CANCEL = 3
DEADLINE = timedelta(minutes=30)
_index = st.integers(0, 5)
# Of the messages some are old ones, that come for the second time.
_lag = st.sampled_from((0, 0, 0, 1))
_lease_age = st.integers(0, 3)


def extraction_by(lease: LeaseRequest) -> Extraction:
    """What an extract step finds under a lease: enough for two more steps."""
    return Extraction(
        format="txt",
        source_language="en",
        language_confidence=1.0,
        chunks=(Chunk(f"{lease.lease_id}.bin", 10, 1),),
    )


class World(Protocol):
    """Where one job lives. What cannot happen is refused, and changes nothing."""

    def job(self) -> Job: ...

    def facts(self) -> list[Fact]: ...

    def publish(self, step: Step, generation: int) -> None: ...

    def acquire(self, lease: LeaseRequest) -> bool: ...

    def beat(self, lease: LeaseRequest, report: Progress) -> bool: ...

    def complete(self, lease: LeaseRequest) -> None: ...

    def fail(self, lease: LeaseRequest, failure: Failure, jitter: float) -> None: ...

    def cancel(self) -> bool: ...

    def let_time_pass(self, time: timedelta, *, spare_leases: bool) -> None: ...


def _has_leases(machine: "Delivery") -> bool:
    """Keep rules that need a lease for when there is one."""
    return bool(machine.leases)


def _is_worth_a_cancel(machine: "Delivery") -> bool:
    """Keep the cancel, which ends the play, for when there is something to stop."""
    running = any(step.state in LEASED_STATES for step in machine.job.steps)
    return running or len(machine.leases) >= _LEASES_BEFORE_CANCEL


class Delivery(RuleBasedStateMachine):
    """One job with two flat steps, one that awaits them, and one whose end adds a chain.

    Workers old and new hold on to their leases.
    """

    @abstractmethod
    def open_world(self, deadline: timedelta | None) -> World:
        """Make the job of PLAN."""

    @initialize(deadline=st.booleans())
    def open(self, deadline: bool) -> None:
        self.world = self.open_world(DEADLINE if deadline else None)
        self.age = timedelta()
        self.job = self.world.job()
        self.facts = self.world.facts()
        self.leases: list[LeaseRequest] = []
        self.executions: dict[UUID, int] = {}
        self.winners: dict[UUID, LeaseRequest] = {}

    @rule(index=_index, lag=_lag)
    def publish(self, index: int, lag: int) -> None:
        step = self._step_at(index)
        self.world.publish(step, step.generation - lag)
        self._look()

    @rule(index=_index, lag=_lag)
    def acquire(self, index: int, lag: int) -> None:
        step = self._step_at(index)
        lease = LeaseRequest(step.step_id, step.generation - lag, uuid4())
        granted = self.world.acquire(lease)
        assert granted == (lag == 0 and step.state in GRANTABLE_STATES)
        if granted:
            self.executions[step.step_id] = self.executions.get(step.step_id, 0) + 1
            self.leases.append(lease)
        self._look(unchanged=not granted)

    @rule(index=_index)
    def work_off(self, index: int) -> None:
        """Everything goes well with a step, from its message to its end."""
        self.acquire(index, 0)
        if self.leases and self.leases[-1].step_id == self._step_at(index).step_id:
            self.complete(0)

    @precondition(_has_leases)
    @rule(age=_lease_age)
    def acquire_again(self, age: int) -> None:
        """The answer was lost: the same lease is asked for."""
        lease, held = self._lease(age)
        assert self.world.acquire(lease) == held
        self._look(unchanged=True)

    @precondition(_has_leases)
    @rule(age=_lease_age, done=st.floats(0, 20))
    def beat(self, age: int, done: float) -> None:
        lease, held = self._lease(age)
        assert self.world.beat(lease, Progress("CHARACTERS", done, 10)) == held
        self._look(unchanged=not held)

    @precondition(_has_leases)
    @rule(age=_lease_age)
    def complete(self, age: int) -> None:
        lease, held = self._lease(age)
        cancelled = self._step(lease).state is StepState.CANCELLING
        self.world.complete(lease)
        self._look(unchanged=not held)
        if held:
            after = StepState.CANCELLED if cancelled else StepState.COMPLETED
            assert self._step(lease).state is after
            if not cancelled:
                self.winners[lease.step_id] = lease

    @precondition(_has_leases)
    @rule(age=_lease_age, failure=st.sampled_from(FAILURES), jitter=st.floats(0, 0.99))
    def fail(self, age: int, failure: Failure, jitter: float) -> None:
        lease, held = self._lease(age)
        self.world.fail(lease, failure, jitter)
        self._look(unchanged=not held)
        assert not attempts.holds(self._step(lease), lease)

    @precondition(_is_worth_a_cancel)
    @rule()
    def cancel(self) -> None:
        accepted = self.world.cancel()
        self._look(unchanged=not accepted)
        assert accepted == (self.job.state in {JobState.CANCELLING, JobState.CANCELLED})

    @precondition(_is_worth_a_cancel)
    @rule(index=_index, answer=st.sampled_from(("complete", "fail", "beat")))
    def cancel_in_its_work(self, index: int, answer: str) -> None:
        """The cancel comes between a worker's start and its next word."""
        self.acquire(index, 0)
        self.cancel()
        if not self.leases:
            return
        match answer:
            case "complete":
                self.complete(0)
            case "fail":
                self.fail(0, FAILURES[-1], 0)
            case _:
                self.beat(0, 1)

    @rule(seconds=st.sampled_from([1, 16, 31, 121, 601]), spare=st.booleans())
    def let_time_pass(self, seconds: int, spare: bool) -> None:
        self.age += timedelta(seconds=seconds)
        self.world.let_time_pass(timedelta(seconds=seconds), spare_leases=spare)
        self._look()
        if self.job.deadline_at is not None and self.age >= DEADLINE:
            assert self.job.state in FINAL_JOB_STATES

    def _lease(self, age: int) -> tuple[LeaseRequest, bool]:
        """Choose a lease, live and new ones first, and tell whether it is live."""
        live = [lease for lease in self.leases if attempts.holds(self._step(lease), lease)]
        ended = [lease for lease in self.leases if lease not in live]
        lease = (ended + live)[-1 - age % len(self.leases)]
        return lease, lease in live

    def _step_at(self, index: int) -> Step:
        return self.job.steps[index % len(self.job.steps)]

    def _step(self, lease: LeaseRequest) -> Step:
        return next(step for step in self.job.steps if step.step_id == lease.step_id)

    def _look(self, *, unchanged: bool = False) -> None:
        """See what the last rule has done, and that it undid nothing."""
        before, after = self.job, self.world.job()
        facts = self.world.facts()
        assert facts[: len(self.facts)] == self.facts
        added = after.steps[len(before.steps) :]
        if added:
            assert [step.name for step in added] == ["translate[pt,1]", "reconstruct[pt]"]
            assert before.steps[0].state is StepState.IN_PROGRESS
            assert after.steps[0].state is StepState.COMPLETED
        kept = after.steps[: len(before.steps)]
        for old, new in zip(before.steps, kept, strict=True):
            assert old.state not in FINAL_STEP_STATES or new.state is old.state
            assert new.generation >= old.generation
        for old_target, new_target in zip(before.targets, after.targets, strict=True):
            assert old_target.state is TargetState.ACTIVE or new_target == old_target
        if unchanged or before.state in FINAL_JOB_STATES:
            assert after == before
            assert facts == self.facts
        assert before.progress is not None
        assert after.progress is not None
        assert after.progress.percent >= before.progress.percent
        assert after.progress.done >= before.progress.done
        self.job, self.facts = after, facts

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
            # One lease for each generation, and a new one only for a reason.
            assert step.attempt <= step.generation

    @invariant()
    def what_is_completed_was_completed_by_one_lease(self) -> None:
        completed = {step.step_id for step in self.job.steps if step.state is StepState.COMPLETED}
        assert completed == set(self.winners)

    @invariant()
    def what_awaits_runs_once_all_have_ended_and_one_well(self) -> None:
        for step in self.job.steps:
            awaited = [other.state for other in self.job.steps if other.name in step.awaits]
            if not awaited or step.state in {StepState.CANCELLED, StepState.EXPIRED}:
                continue
            if not FINAL_STEP_STATES.issuperset(awaited):
                assert step.state is StepState.BLOCKED
            elif StepState.COMPLETED in awaited:
                assert step.state is not StepState.BLOCKED
            else:
                assert step.error is not None
                assert (step.state, step.error.reason) == (StepState.FAILED, "DEPENDENCY_FAILED")

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
