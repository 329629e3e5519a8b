"""What time alone does to a job: the reaper's decisions, as a pure function."""

from collections import Counter
from collections.abc import Callable
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from job_service.domain import attempts
from job_service.domain.attempts import DeliveryPolicy
from job_service.domain.job import (
    FINAL_JOB_STATES,
    FINAL_STEP_STATES,
    Failure,
    Job,
    Step,
    StepState,
)
from job_service.domain.settlement import Change, settle


class Sweep(StrEnum):
    """Why the reaper has moved a step."""

    LEASE_EXPIRED = "LEASE_EXPIRED"
    TIMED_OUT = "TIMED_OUT"
    RETRY_DUE = "RETRY_DUE"
    CANCEL_FORCED = "CANCEL_FORCED"
    DEADLINE_PASSED = "DEADLINE_PASSED"


_CRASHED = Failure(
    attempts.WORKER_CRASHED, "The worker stopped reporting; its lease ended.", retryable=True
)


def sweep(
    job: Job,
    policy: DeliveryPolicy,
    now: datetime,
    jitter: Callable[[], float],
    *,
    spare_leases: bool = False,
) -> tuple[Change, Counter[Sweep]]:
    """Move every step that is overdue.

    With `spare_leases` no lease is ended: heartbeats could not arrive lately,
    for example because the service or its database was away.
    """
    counts: Counter[Sweep] = Counter()
    changed: dict[UUID, Step] = {}
    if job.state in FINAL_JOB_STATES:
        return Change(job, job), counts
    expired = job.deadline_at is not None and job.deadline_at <= now
    for step in job.steps:
        if step.state in FINAL_STEP_STATES:
            continue
        if expired:
            changed[step.step_id] = attempts.expire(step, now)
            counts[Sweep.DEADLINE_PASSED] += 1
            continue
        reason = _overdue(step, policy, now, spare_leases=spare_leases)
        if reason is not None:
            changed[step.step_id] = _move(step, reason, policy, now, jitter)
            counts[reason] += 1
    return (settle(job, changed, now) if changed else Change(job, job)), counts


def _overdue(
    step: Step, policy: DeliveryPolicy, now: datetime, *, spare_leases: bool
) -> Sweep | None:
    ended = step.lease_expires_at is not None and step.lease_expires_at <= now
    silent = ended and not spare_leases
    match step.state:
        case StepState.RETRY_WAIT:
            return Sweep.RETRY_DUE if step.not_before is None or step.not_before <= now else None
        case StepState.CANCELLING:
            asked = step.cancel_requested_at
            forced = asked is not None and asked + policy.cancel_limit <= now
            return Sweep.CANCEL_FORCED if silent or forced else None
        case StepState.IN_PROGRESS:
            if silent:
                return Sweep.LEASE_EXPIRED
            started = step.attempt_started_at
            late = started is not None and started + step.timeout + policy.timeout_grace <= now
            # A spared lease that has ended tells that the clock may have leapt.
            return Sweep.TIMED_OUT if late and not ended else None
        case _:
            return None


def _move(
    step: Step, reason: Sweep, policy: DeliveryPolicy, now: datetime, jitter: Callable[[], float]
) -> Step:
    match reason:
        case Sweep.RETRY_DUE:
            return attempts.retry_due(step)
        case Sweep.CANCEL_FORCED:
            return attempts.force_stop(step, now)
        case Sweep.TIMED_OUT:
            return attempts.time_out(step, policy, jitter(), now)
        case _:
            return attempts.crash(step, _CRASHED, policy, now)
