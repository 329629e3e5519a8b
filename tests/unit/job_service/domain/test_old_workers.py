"""A worker of an older version meets a kind of step that it does not know."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

from job_service.domain import attempts
from job_service.domain.attempts import DeliveryPolicy
from job_service.domain.job import Failure, Step, StepState
from job_service.domain.lease import LeaseRequest

_NOW = datetime(2026, 1, 1, tzinfo=UTC)
_TTL = timedelta(seconds=30)
_POLICY = DeliveryPolicy(
    lease_ttl=_TTL,
    cancel_grace=timedelta(seconds=10),
    cancel_limit=timedelta(seconds=15),
    timeout_grace=timedelta(seconds=60),
)
_UNKNOWN = Failure("UNSUPPORTED_STEP", "The worker does not know this.", retryable=True)


def test_step_stays_within_its_budget_when_old_workers_pass_it_on() -> None:
    step = Step(
        step_id=uuid4(),
        job_id=uuid4(),
        name="extract",
        kind="extract",
        target_key="",
        state=StepState.QUEUED,
        settings={},
        timeout=timedelta(minutes=10),
    )
    for attempt in range(1, 21):
        lease = LeaseRequest(step.step_id, step.generation, uuid4())
        leased = attempts.grant(step, lease, "old", _TTL, _NOW)
        failed = attempts.fail(leased, lease, _UNKNOWN, _POLICY, 0.999, _NOW)
        assert (failed.state, failed.application_failures) == (StepState.RETRY_WAIT, 0)
        assert failed.not_before is not None
        assert failed.not_before <= _NOW + timedelta(seconds=30)
        assert failed.attempt == attempt
        step = attempts.retry_due(failed)
