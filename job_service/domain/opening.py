"""A job's first moment: from a plan to the job with its steps and targets."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from job_service.domain.events import JobStateChanged
from job_service.domain.job import Job, JobState, Priority, Step, StepState, Target
from job_service.domain.planned import Plan, PlannedStep
from job_service.domain.progress import job_progress
from job_service.domain.spec import JobSpec

FIRST_FACT = JobStateChanged(previous=None, state=JobState.PENDING)
"""Every job's event 1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What a client has given, besides the spec."""

    priority: Priority
    labels: Mapping[str, str]
    request_id: str
    deadline_at: datetime | None
    traceparent: str
    parent_job_id: UUID | None = None


def new_steps(
    planned: Iterable[PlannedStep], job_id: UUID, now: datetime, new_id: Callable[[], UUID]
) -> tuple[Step, ...]:
    """Make the steps as they are stored first."""
    return tuple(
        Step(
            step_id=new_id(),
            job_id=job_id,
            name=step.name,
            kind=step.kind,
            target_key=step.target_key,
            state=_first_state(step),
            settings=step.settings,
            timeout=step.timeout,
            depends_on=step.depends_on,
            awaits=step.awaits,
            weight=step.weight,
            progress=step.progress,
            error=step.failure,
            created_at=now,
            finished_at=now if step.failure else None,
        )
        for step in planned
    )


def _first_state(step: PlannedStep) -> StepState:
    if step.failure is not None:
        return StepState.FAILED
    return StepState.BLOCKED if step.depends_on or step.awaits else StepState.PENDING


def open_job(
    *,
    job_id: UUID,
    tenant_id: UUID,
    spec: JobSpec,
    planned: Plan,
    request: Request,
    now: datetime,
    new_id: Callable[[], UUID],
) -> Job:
    """Make the job as it is stored first: PENDING, with event 1."""
    steps = new_steps(planned.steps, job_id, now, new_id)
    return Job(
        job_id=job_id,
        tenant_id=tenant_id,
        spec=spec,
        state=JobState.PENDING,
        priority=request.priority,
        created_at=now,
        traceparent=request.traceparent,
        sequence=1,
        labels=dict(request.labels),
        request_id=request.request_id,
        parent_job_id=request.parent_job_id,
        progress=job_progress(steps, None, state=JobState.PENDING, started_at=None, now=now),
        targets=tuple(Target(key) for key in planned.target_keys),
        steps=steps,
        deadline_at=request.deadline_at,
    )
