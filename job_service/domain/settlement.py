"""What follows for the job when its steps have changed: states, facts, figures.

Every change of a job goes through `settle`, so the job's state, its targets,
its progress and its events cannot come apart.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeVar
from uuid import UUID

from job_service.domain import attempts
from job_service.domain.events import Fact, JobStateChanged, StepStateChanged, TargetFinished
from job_service.domain.job import (
    FINAL_JOB_STATES,
    FINAL_STEP_STATES,
    Failure,
    Job,
    JobState,
    Step,
    StepState,
    Target,
    TargetState,
    Usage,
)
from job_service.domain.needless import end_needless
from job_service.domain.progress import job_progress
from job_service.domain.state_machine import (
    derive_job_state,
    derive_target_state,
    steps_of_target,
)

_Number = TypeVar("_Number", int, float)

_STATES_WITHOUT_ERROR = frozenset({JobState.COMPLETED, JobState.CANCELLED})
_STEP_STATES_WITH_ERROR = frozenset(
    {StepState.RETRY_WAIT, StepState.FAILED, StepState.DEAD_LETTERED, StepState.EXPIRED}
)


@dataclass(frozen=True, slots=True)
class Change:
    """A job before and after, and the facts in the order of their sequence."""

    before: Job
    after: Job
    facts: tuple[Fact, ...] = ()

    @property
    def ends_job(self) -> bool:
        """Tell whether the job has become final."""
        return self.after.state in FINAL_JOB_STATES and self.before.state not in FINAL_JOB_STATES

    @property
    def has_new_pending(self) -> bool:
        """Tell whether there is something new for the relay."""
        before = {step.step_id: step.state for step in self.before.steps}
        return any(
            step.state is StepState.PENDING and before.get(step.step_id) is not StepState.PENDING
            for step in self.after.steps
        )

    @property
    def changed_steps(self) -> tuple[Step, ...]:
        """Return the steps that were there and differ now."""
        before = {step.step_id: step for step in self.before.steps}
        return tuple(step for step in self.after.steps if before.get(step.step_id, step) != step)

    @property
    def added_steps(self) -> tuple[Step, ...]:
        """Return the steps that were not there: they come after all others."""
        return self.after.steps[len(self.before.steps) :]


def settle(
    job: Job,
    changed: Mapping[UUID, Step],
    now: datetime,
    *,
    cancel_requested_at: datetime | None = None,
    added: Iterable[Step] = (),
) -> Change:
    """Put changed and added steps into their job and derive all that follows.

    Nothing follows for a job that has ended: its steps cannot change either.
    """
    if job.state in FINAL_JOB_STATES:
        return Change(job, job)
    kept = tuple(changed.get(step.step_id, step) for step in job.steps)
    steps = end_needless(_resolve_dependencies((*kept, *added), now), now)
    targets = tuple(_settle_target(target, steps) for target in job.targets)
    cancelled_at = job.cancel_requested_at or cancel_requested_at
    state = derive_job_state(
        steps, [target.state for target in targets], cancel_requested=cancelled_at is not None
    )
    started_at = job.started_at or _earliest(step.started_at for step in steps)
    after = replace(
        job,
        steps=steps,
        targets=targets,
        state=state,
        cancel_requested_at=cancelled_at,
        attempts=sum(step.attempt for step in steps),
        queued_at=job.queued_at or _earliest(step.queued_at for step in steps),
        started_at=started_at,
        progress=job_progress(steps, job.progress, state=state, started_at=started_at, now=now),
    )
    if state in FINAL_JOB_STATES:
        after = replace(
            after,
            finished_at=job.finished_at or now,
            error=_job_error(state, steps, targets),
            usage=total_usage(step.usage for step in steps),
        )
    facts = tuple(_facts(job, after))
    return Change(job, replace(after, sequence=job.sequence + len(facts)), facts)


def note(job: Job, changed: Mapping[UUID, Step]) -> Change:
    """Put steps back that have changed in ways from which nothing follows."""
    steps = tuple(changed.get(step.step_id, step) for step in job.steps)
    return Change(job, replace(job, steps=steps))


def total_usage(usages: Iterable[Usage | None]) -> Usage | None:
    """Add seconds and bytes, take the largest peaks; what nobody measured stays None."""
    measured = [usage for usage in usages if usage is not None]
    if not measured:
        return None
    return Usage(
        peak_cpu_percent=_largest(usage.peak_cpu_percent for usage in measured),
        peak_rss_bytes=_largest(usage.peak_rss_bytes for usage in measured),
        cpu_seconds=_total(usage.cpu_seconds for usage in measured),
        processing_seconds=_total(usage.processing_seconds for usage in measured),
        input_bytes=_total(usage.input_bytes for usage in measured),
        output_bytes=_total(usage.output_bytes for usage in measured),
        engine_characters=_total(usage.engine_characters for usage in measured),
        engine_tokens=_total(usage.engine_tokens for usage in measured),
    )


def _resolve_dependencies(steps: tuple[Step, ...], now: datetime) -> tuple[Step, ...]:
    """Unblock what has become ready and end what never can, until nothing moves."""
    by_name = {step.name: step for step in steps}
    moved = any(step.state is StepState.BLOCKED for step in steps)
    while moved:
        moved = False
        for name, step in by_name.items():
            if step.state is not StepState.BLOCKED:
                continue
            needs = [by_name[need] for need in step.depends_on]
            awaited = [by_name[each] for each in step.awaits]
            broken = _broken(needs, awaited)
            if broken is not None:
                by_name[name] = attempts.abandon(step, broken, now)
            elif _has_ended(awaited) and all(n.state is StepState.COMPLETED for n in needs):
                by_name[name] = attempts.unblock(step)
            else:
                continue
            moved = True
    return tuple(by_name[step.name] for step in steps)


def _broken(needs: Sequence[Step], awaited: Sequence[Step]) -> Step | None:
    """Name a step because of which another can never run."""
    for need in needs:
        if need.state in FINAL_STEP_STATES and need.state is not StepState.COMPLETED:
            return need
    if awaited and _has_ended(awaited):
        completed = any(each.state is StepState.COMPLETED for each in awaited)
        return None if completed else awaited[0]
    return None


def _has_ended(steps: Sequence[Step]) -> bool:
    return all(step.state in FINAL_STEP_STATES for step in steps)


def _settle_target(target: Target, steps: tuple[Step, ...]) -> Target:
    if target.state is not TargetState.ACTIVE:
        return target
    makers = steps_of_target(target.key, steps)
    state = derive_target_state(makers)
    error = _first_error(makers) if state is TargetState.FAILED else None
    return replace(target, state=state, error=error)


def _facts(before: Job, after: Job) -> Iterable[Fact]:
    """Tell of steps, then targets, then the job: a final job state comes last."""
    states = {step.step_id: step.state for step in before.steps}
    for step in after.steps:
        # A step that was added has, as far as anybody knows, waited for others.
        old = states.get(step.step_id, StepState.BLOCKED)
        if old is not step.state:
            error = step.error if _tells_error(old, step.state) else None
            yield StepStateChanged(step.step_id, step.name, old, step.state, step.attempt, error)
    for old_target, new_target in zip(before.targets, after.targets, strict=True):
        if old_target.state is not new_target.state:
            yield TargetFinished(new_target.key, new_target.state, new_target.error)
    if before.state is not after.state:
        error = after.error
        if after.state is JobState.RETRY_WAIT:
            error = _first_error(s for s in after.steps if s.state is StepState.RETRY_WAIT)
        yield JobStateChanged(before.state, after.state, error)


def _tells_error(old: StepState, new: StepState) -> bool:
    requeued = old is StepState.IN_PROGRESS and new is StepState.PENDING
    return requeued or new in _STEP_STATES_WITH_ERROR


def _job_error(
    state: JobState, steps: tuple[Step, ...], targets: tuple[Target, ...]
) -> Failure | None:
    """Return the error of the first target to fail."""
    if state in _STATES_WITHOUT_ERROR:
        return None
    failed = [
        step
        for target in targets
        if target.state is TargetState.FAILED
        for step in steps_of_target(target.key, steps)
    ]
    return _first_error(failed)


def _first_error(steps: Iterable[Step]) -> Failure | None:
    """Return the error that came first; one that only follows from another comes last."""
    failed = [step for step in steps if step.error and step.state is not StepState.COMPLETED]
    if not failed:
        return None
    first = min(
        failed,
        key=lambda step: (
            step.error is not None and step.error.reason == attempts.DEPENDENCY_FAILED,
            step.finished_at.timestamp() if step.finished_at else float("inf"),
        ),
    )
    return first.error


def _earliest(times: Iterable[datetime | None]) -> datetime | None:
    return min((time for time in times if time is not None), default=None)


def _largest(values: Iterable[_Number | None]) -> _Number | None:
    return max((value for value in values if value is not None), default=None)


def _total(values: Iterable[_Number | None]) -> _Number | None:
    known = [value for value in values if value is not None]
    return sum(known[1:], start=known[0]) if known else None
