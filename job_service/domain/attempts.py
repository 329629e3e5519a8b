"""What happens to one step: each function makes the step anew.

They check the fence where a worker speaks, keep the budgets, and move the
state by the table in `state_machine`. What follows for the job is worked out
by `settlement`.
"""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from job_service.domain import progress
from job_service.domain.errors import StaleLease
from job_service.domain.job import Failure, Progress, Step, StepState, Usage
from job_service.domain.lease import LeaseRequest
from job_service.domain.retry_policy import RetryPolicy
from job_service.domain.state_machine import (
    GRANTABLE_STATES,
    LEASED_STATES,
    StepTrigger,
    next_state,
)

CANCELLED = "CANCELLED"
WORKER_SHUTDOWN = "WORKER_SHUTDOWN"
WORKER_CRASHED = "WORKER_CRASHED"
UNSUPPORTED_STEP = "UNSUPPORTED_STEP"
STEP_TIMEOUT = "STEP_TIMEOUT"
DEADLINE_EXCEEDED = "DEADLINE_EXCEEDED"
DEPENDENCY_FAILED = "DEPENDENCY_FAILED"
SECRET_UNREADABLE = "SECRET_UNREADABLE"  # noqa: S105 - the word of a failure

# A worker of a newer version may come any moment.
_LONGEST_WAIT_FOR_ANOTHER_WORKER = timedelta(seconds=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryPolicy:
    """The times and budgets of delivery; `application.limits` says what they mean."""

    lease_ttl: timedelta
    cancel_grace: timedelta
    cancel_limit: timedelta
    timeout_grace: timedelta
    retry: RetryPolicy = field(default_factory=RetryPolicy)


def holds(step: Step, lease: LeaseRequest) -> bool:
    """Tell whether the lease is the step's live one."""
    return (
        step.state in LEASED_STATES
        and step.generation == lease.generation
        and step.lease_id == lease.lease_id
    )


def publish(step: Step, generation: int, now: datetime) -> Step:
    """Record that the broker has the message of this generation.

    A worker may have been faster, or the step may have been cancelled: then
    there is nothing to record.
    """
    if step.generation != generation or step.state is not StepState.PENDING:
        return step
    return replace(step, state=next_state(step.state, StepTrigger.PUBLISH), queued_at=now)


def grant(step: Step, lease: LeaseRequest, worker_id: str, ttl: timedelta, now: datetime) -> Step:
    """Lease the step. Asking again with the same lease changes nothing.

    Raises StaleLease if the message is stale, or the step taken or finished.
    """
    if holds(step, lease):
        return step
    if step.generation != lease.generation or step.state not in GRANTABLE_STATES:
        raise StaleLease
    return replace(
        step,
        state=next_state(step.state, StepTrigger.GRANT),
        attempt=step.attempt + 1,
        lease_id=lease.lease_id,
        lease_expires_at=now + ttl,
        worker_id=worker_id,
        queued_at=step.queued_at or now,
        started_at=step.started_at or now,
        attempt_started_at=now,
        not_before=None,
    )


def beat(
    step: Step,
    lease: LeaseRequest,
    report: Progress | None,
    policy: DeliveryPolicy,
    now: datetime,
) -> Step:
    """Extend the lease, and note progress. Raises StaleLease."""
    if not holds(step, lease):
        raise StaleLease
    if step.state is StepState.CANCELLING:
        return replace(step, lease_expires_at=now + policy.cancel_grace)
    return replace(
        step,
        lease_expires_at=now + policy.lease_ttl,
        attempt_started_at=_without_leap(step, policy.lease_ttl, now),
        progress=step.progress if report is None else progress.advance(step.progress, report, now),
    )


def complete(step: Step, lease: LeaseRequest, usage: Usage | None, now: datetime) -> Step:
    """End the step well, or CANCELLED if a cancel came first. Raises StaleLease."""
    if not holds(step, lease):
        raise StaleLease
    ended = _end(step, StepTrigger.COMPLETE, now)
    if ended.state is not StepState.COMPLETED:
        return ended
    return replace(ended, usage=usage, error=None, progress=progress.complete(step.progress, now))


def fail(
    step: Step,
    lease: LeaseRequest,
    failure: Failure,
    policy: DeliveryPolicy,
    jitter: float,
    now: datetime,
) -> Step:
    """End the attempt by what its worker says of it. Raises StaleLease.

    A worker that leaves on purpose costs no budget, nor does one of an older
    version that does not know the kind of step. CANCELLED where nobody
    has asked for it is taken as an interruption that costs one failure, so
    that a confused worker cannot spin for ever.
    """
    if not holds(step, lease):
        raise StaleLease
    if step.state is StepState.CANCELLING:
        return _end(step, StepTrigger.STOPPED, now)
    if failure.reason == WORKER_SHUTDOWN:
        return _requeue(replace(step, error=failure))
    if failure.reason == WORKER_CRASHED:
        return crash(step, failure, policy, now)
    failed = replace(step, error=failure)
    if failure.reason == UNSUPPORTED_STEP and failure.retryable:
        wait = policy.retry.delay(step.attempt, jitter, failure.retry_after)
        return _wait(failed, now + min(wait, _LONGEST_WAIT_FOR_ANOTHER_WORKER))
    if not failure.retryable and failure.reason != CANCELLED:
        return _end(failed, StepTrigger.REJECT, now)
    return _retry(failed, failure, policy, jitter, now)


def crash(step: Step, failure: Failure, policy: DeliveryPolicy, now: datetime) -> Step:
    """End an attempt whose worker has gone silent or died."""
    if step.state is StepState.CANCELLING:
        return _end(step, StepTrigger.STOPPED, now)
    crashed = replace(step, crashes=step.crashes + 1, error=failure)
    if policy.retry.exhausted(crashed.application_failures, crashed.crashes):
        return _end(crashed, StepTrigger.EXHAUST, now)
    return _requeue(crashed)


def time_out(step: Step, policy: DeliveryPolicy, jitter: float, now: datetime) -> Step:
    """End an attempt that runs past its timeout although its worker is alive."""
    failure = Failure(
        STEP_TIMEOUT, "The attempt did not end within its time limit.", retryable=True
    )
    return _retry(replace(step, error=failure), failure, policy, jitter, now)


def retry_due(step: Step) -> Step:
    """Start the next generation: the wait is over."""
    return replace(
        step,
        state=next_state(step.state, StepTrigger.RETRY_DUE),
        generation=step.generation + 1,
        not_before=None,
    )


def cancel(step: Step, policy: DeliveryPolicy, now: datetime) -> Step:
    """Stop a step: at once if it does not run, else by asking its worker.

    The lease is shortened, so that a worker that has died is not waited for
    longer than the grace.
    """
    state = next_state(step.state, StepTrigger.CANCEL)
    if state is StepState.CANCELLED:
        return replace(_end(step, StepTrigger.CANCEL, now), cancel_requested_at=now)
    if step.state is StepState.CANCELLING or step.lease_expires_at is None:
        return step
    return replace(
        step,
        state=state,
        cancel_requested_at=now,
        lease_expires_at=min(step.lease_expires_at, now + policy.cancel_grace),
    )


def force_stop(step: Step, now: datetime) -> Step:
    """End a step whose worker does not confirm the cancel."""
    return _end(step, StepTrigger.STOPPED, now)


def expire(step: Step, now: datetime) -> Step:
    """End a step that the job's deadline has overtaken."""
    failure = Failure(DEADLINE_EXCEEDED, "The job's deadline passed before the step was done.")
    return replace(_end(step, StepTrigger.EXPIRE, now), error=failure)


def unblock(step: Step) -> Step:
    """Make a step ready: all that it waits for is there."""
    return replace(step, state=next_state(step.state, StepTrigger.UNBLOCK))


def abandon(step: Step, cause: Step, now: datetime) -> Step:
    """End a step that can never run, because of the step that it depends on."""
    failure = Failure(
        DEPENDENCY_FAILED,
        "A step that this one depends on did not complete.",
        metadata={"step": cause.name, "cause": cause.error.reason if cause.error else ""},
    )
    return replace(_end(step, StepTrigger.ABANDON, now), error=failure)


def give_up(step: Step, dependent: Step, now: datetime) -> Step:
    """End a step that has not begun, because what it was to be used for will never run."""
    failure = Failure(
        DEPENDENCY_FAILED,
        "Another step did not complete, so nothing needs this one any more.",
        metadata={
            "step": dependent.name,
            "cause": dependent.error.reason if dependent.error else "",
        },
    )
    return replace(_end(step, StepTrigger.ABANDON, now), error=failure)


def _retry(
    step: Step, failure: Failure, policy: DeliveryPolicy, jitter: float, now: datetime
) -> Step:
    failures = step.application_failures + 1
    failed = replace(step, application_failures=failures)
    if policy.retry.exhausted(failures, step.crashes):
        return _end(failed, StepTrigger.EXHAUST, now)
    return _wait(failed, now + policy.retry.delay(failures, jitter, failure.retry_after))


def _wait(step: Step, not_before: datetime) -> Step:
    return replace(
        _without_lease(step),
        state=next_state(step.state, StepTrigger.RETRY),
        not_before=not_before,
    )


def _without_leap(step: Step, ttl: timedelta, now: datetime) -> datetime | None:
    """Move an attempt's start along with a clock that has leapt, so that it gets its time.

    A live lease ends within its time to live from now. One that ended earlier
    and was never taken away, or that would end later, shows that the clock has
    leapt since the last heartbeat.
    """
    if step.attempt_started_at is None or step.lease_expires_at is None:
        return step.attempt_started_at
    ahead = now - step.lease_expires_at
    back = step.lease_expires_at - (now + ttl)
    if ahead > timedelta():
        return step.attempt_started_at + ahead
    if back > timedelta():
        return step.attempt_started_at - back
    return step.attempt_started_at


def _requeue(step: Step) -> Step:
    return replace(
        _without_lease(step),
        state=next_state(step.state, StepTrigger.REQUEUE),
        generation=step.generation + 1,
    )


def _end(step: Step, trigger: StepTrigger, now: datetime) -> Step:
    return replace(
        _without_lease(step),
        state=next_state(step.state, trigger),
        finished_at=now,
        not_before=None,
    )


def _without_lease(step: Step) -> Step:
    return replace(step, lease_id=None, lease_expires_at=None, worker_id="")
