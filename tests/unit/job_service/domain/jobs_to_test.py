"""Readable jobs and steps for the domain's tests."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

from job_service.domain.attempts import DeliveryPolicy
from job_service.domain.job import Failure, Job, Priority, Progress, Step
from job_service.domain.lease import LeaseRequest
from job_service.domain.opening import Request, open_job
from job_service.domain.plan import Plan, PlannedStep, Source, plan
from job_service.domain.spec import TranslateText

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
POLICY = DeliveryPolicy(
    lease_ttl=timedelta(seconds=30),
    cancel_grace=timedelta(seconds=15),
    cancel_limit=timedelta(seconds=120),
    timeout_grace=timedelta(seconds=60),
)
FLAKY = Failure("ENGINE_FAILED", "The engine failed.", retryable=True)
HOPELESS = Failure("NOT_UTF8", "The text is not UTF-8.")


def a_planned_step(
    name: str, target_key: str = "", *depends_on: str, awaits: tuple[str, ...] = ()
) -> PlannedStep:
    return PlannedStep(
        name=name,
        kind="work",
        settings={},
        timeout=timedelta(minutes=5),
        progress=Progress("CHARACTERS", 0, 10),
        target_key=target_key,
        depends_on=depends_on,
        awaits=awaits,
    )


def a_job(*languages: str, deadline_at: datetime | None = None) -> Job:
    spec = TranslateText("en", languages or ("pt",), text="0123456789")
    return a_job_of(plan(spec, Source(uuid4(), 10, 10)), deadline_at=deadline_at)


def a_job_of(
    planned: Plan,
    *,
    tenant_id: UUID | None = None,
    deadline_at: datetime | None = None,
    now: datetime = NOON,
) -> Job:
    return open_job(
        job_id=uuid4(),
        tenant_id=tenant_id or uuid4(),
        spec=TranslateText("en", ("pt",), text="0123456789"),
        planned=planned,
        request=Request(
            priority=Priority.NORMAL,
            labels={},
            request_id="",
            deadline_at=deadline_at,
            traceparent="",
        ),
        now=now,
        new_id=uuid4,
    )


def a_lease(step: Step, lease_id: UUID | None = None) -> LeaseRequest:
    return LeaseRequest(step.step_id, step.generation, lease_id or uuid4())


def with_step(job: Job, index: int, **changes: object) -> Job:
    steps = list(job.steps)
    steps[index] = replace(steps[index], **changes)  # type: ignore[arg-type] # the caller's fields
    return replace(job, steps=tuple(steps))
