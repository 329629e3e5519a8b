"""A heartbeat after a leap of the clock: the attempt keeps the time that it has."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from job_service.domain import attempts
from job_service.domain.attempts import DeliveryPolicy
from job_service.domain.job import Step, StepState
from job_service.domain.lease import LeaseRequest

_NOW = datetime(2026, 1, 1, tzinfo=UTC)
_TTL = timedelta(seconds=30)
_POLICY = DeliveryPolicy(
    lease_ttl=_TTL,
    cancel_grace=timedelta(seconds=10),
    cancel_limit=timedelta(seconds=15),
    timeout_grace=timedelta(seconds=60),
)
_LEASE = LeaseRequest(uuid4(), 1, uuid4())


def _running() -> Step:
    queued = Step(
        step_id=_LEASE.step_id,
        job_id=uuid4(),
        name="translate[pt]",
        kind="translate_text",
        target_key="pt",
        state=StepState.QUEUED,
        settings={},
        timeout=timedelta(minutes=15),
    )
    return attempts.grant(queued, _LEASE, "worker", _TTL, _NOW)


def _age_seconds(step: Step, now: datetime) -> float:
    assert step.attempt_started_at is not None
    return (now - step.attempt_started_at).total_seconds()


@pytest.mark.parametrize("leap_hours", [1, -1])
def test_attempt_does_not_age_when_the_clock_leaps(leap_hours: int) -> None:
    first = _NOW + timedelta(seconds=10)
    step = attempts.beat(_running(), _LEASE, None, _POLICY, first)
    leapt = first + timedelta(hours=leap_hours, seconds=1)
    beaten = attempts.beat(step, _LEASE, None, _POLICY, leapt)
    # What a lease's time hides, no heartbeat can tell.
    assert abs(_age_seconds(beaten, leapt) - 11) <= _TTL.total_seconds()
    assert beaten.lease_expires_at == leapt + _TTL


@pytest.mark.parametrize("late_seconds", [0, 1, 29])
def test_attempt_ages_by_what_has_passed_when_heartbeats_come_in_time(late_seconds: int) -> None:
    then = _NOW + timedelta(seconds=late_seconds)
    beaten = attempts.beat(_running(), _LEASE, None, _POLICY, then)
    assert _age_seconds(beaten, then) == late_seconds
