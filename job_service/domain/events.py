"""Facts that a job emits; each gets the job's next sequence when it is stored."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from job_service.domain.job import Failure, JobState, StepState, TargetState


@dataclass(frozen=True, slots=True)
class JobStateChanged:
    """The job changed its state; `previous` is None in its first event."""

    previous: JobState | None
    state: JobState
    error: Failure | None = None


@dataclass(frozen=True, slots=True)
class StepStateChanged:
    """A step changed its state."""

    step_id: UUID
    name: str
    previous: StepState
    state: StepState
    attempt: int
    error: Failure | None = None


@dataclass(frozen=True, slots=True)
class TargetFinished:
    """A target can be read, or never will be."""

    key: str
    state: TargetState
    error: Failure | None = None


Fact = JobStateChanged | StepStateChanged | TargetFinished


@dataclass(frozen=True, slots=True)
class JobEvent:
    """A fact at its place in the job's history."""

    job_id: UUID
    sequence: int
    occurred_at: datetime
    fact: Fact
