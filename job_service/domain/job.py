"""The nouns: job, step, target, lease, artifact, and what is told of them.

All are frozen; a change makes a new value. Times are UTC-aware and come from
the database's clock.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from job_service.domain.spec import JobSpec


class JobState(StrEnum):
    """Where a job stands; derived from its steps."""

    PENDING = "PENDING"
    QUEUED = "QUEUED"
    IN_PROGRESS = "IN_PROGRESS"
    RETRY_WAIT = "RETRY_WAIT"
    CANCELLING = "CANCELLING"
    COMPLETED = "COMPLETED"
    PARTIALLY_COMPLETED = "PARTIALLY_COMPLETED"
    FAILED = "FAILED"
    DEAD_LETTERED = "DEAD_LETTERED"
    CANCELLED = "CANCELLED"
    EXPIRED = "EXPIRED"


class StepState(StrEnum):
    """Where one step stands."""

    BLOCKED = "BLOCKED"
    PENDING = "PENDING"
    QUEUED = "QUEUED"
    IN_PROGRESS = "IN_PROGRESS"
    RETRY_WAIT = "RETRY_WAIT"
    CANCELLING = "CANCELLING"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    DEAD_LETTERED = "DEAD_LETTERED"
    CANCELLED = "CANCELLED"
    EXPIRED = "EXPIRED"


class TargetState(StrEnum):
    """Where one target stands."""

    ACTIVE = "ACTIVE"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"


class Priority(StrEnum):
    """Which queue a job's steps wait in."""

    URGENT = "URGENT"
    NORMAL = "NORMAL"
    LOW = "LOW"


class ArtifactState(StrEnum):
    """Whether an artifact's bytes are all there."""

    UPLOADING = "UPLOADING"
    READY = "READY"


FINAL_JOB_STATES = frozenset(
    {
        JobState.COMPLETED,
        JobState.PARTIALLY_COMPLETED,
        JobState.FAILED,
        JobState.DEAD_LETTERED,
        JobState.CANCELLED,
        JobState.EXPIRED,
    }
)
FINAL_STEP_STATES = frozenset(
    {
        StepState.COMPLETED,
        StepState.FAILED,
        StepState.DEAD_LETTERED,
        StepState.CANCELLED,
        StepState.EXPIRED,
    }
)


@dataclass(frozen=True, slots=True)
class Failure:
    """Why something did not succeed; `reason` is a word of the catalogue."""

    reason: str
    message: str
    retryable: bool = False
    retry_after: timedelta | None = None
    metadata: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Progress:
    """How much is done. `unit` is a ProgressUnit name without its prefix."""

    unit: str
    done: float
    total: float
    percent: float = 0.0
    stage: str = ""
    eta: datetime | None = None
    updated_at: datetime | None = None
    frames_per_second: float | None = None
    speed: float | None = None
    """Seconds of media done in one second."""


@dataclass(frozen=True, slots=True)
class Usage:
    """What an attempt, or all successful attempts of a job, really cost."""

    peak_cpu_percent: float | None = None
    peak_rss_bytes: int | None = None
    cpu_seconds: float | None = None
    processing_seconds: float | None = None
    input_bytes: int | None = None
    output_bytes: int | None = None
    engine_characters: int | None = None
    engine_tokens: int | None = None


@dataclass(frozen=True, slots=True)
class Digest:
    """Names content: lower-case hexadecimal sha256, and size."""

    sha256: str
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Artifact:
    """Immutable bytes. They lie inline in the database or under `storage_key`.

    Since `expired_at`, if it is set, they are gone, and only this is left.
    """

    artifact_id: UUID
    tenant_id: UUID
    state: ArtifactState
    filename: str
    media_type: str
    created_at: datetime
    digest: Digest | None = None
    received_bytes: int = 0
    job_id: UUID | None = None
    step_id: UUID | None = None
    target_key: str = ""
    storage_key: str | None = None
    inline: bytes | None = None
    expired_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Target:
    """One thing that a job makes: a language or a rendition."""

    key: str
    state: TargetState = TargetState.ACTIVE
    error: Failure | None = None
    outputs: tuple[Artifact, ...] = ()


@dataclass(frozen=True, slots=True)
class Step:
    """The unit that is dispatched.

    `generation` grows with every new attempt and together with `lease_id`
    fences stale workers out. `settings` is what the planner leaves for the
    worker, JSON-ready; `step_inputs` says how inputs are named in it. `parts`
    are what it has made for later steps, where a whole job is read. What a
    step depends on must complete; of what it awaits all must end, and one
    complete.
    """

    step_id: UUID
    job_id: UUID
    name: str
    kind: str
    target_key: str
    state: StepState
    settings: dict[str, object]
    timeout: timedelta
    depends_on: tuple[str, ...] = ()
    awaits: tuple[str, ...] = ()
    weight: float = 1.0
    generation: int = 1
    attempt: int = 0
    application_failures: int = 0
    crashes: int = 0
    lease_id: UUID | None = None
    lease_expires_at: datetime | None = None
    worker_id: str = ""
    not_before: datetime | None = None
    cancel_requested_at: datetime | None = None
    progress: Progress | None = None
    error: Failure | None = None
    usage: Usage | None = None
    created_at: datetime | None = None
    queued_at: datetime | None = None
    started_at: datetime | None = None
    attempt_started_at: datetime | None = None
    finished_at: datetime | None = None
    parts: tuple[Artifact, ...] = ()


@dataclass(frozen=True, slots=True)
class Job:
    """A client's request and all that is known of it."""

    job_id: UUID
    tenant_id: UUID
    spec: JobSpec
    state: JobState
    priority: Priority
    created_at: datetime
    traceparent: str
    sequence: int = 0
    attempts: int = 0
    labels: dict[str, str] = field(default_factory=dict)
    request_id: str = ""
    parent_job_id: UUID | None = None
    reused_job_id: UUID | None = None
    progress: Progress | None = None
    targets: tuple[Target, ...] = ()
    steps: tuple[Step, ...] = ()
    error: Failure | None = None
    usage: Usage | None = None
    queued_at: datetime | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None
    deadline_at: datetime | None = None
    cancel_requested_at: datetime | None = None

    @property
    def trace_id(self) -> str:
        """The 32 hexadecimal digits of the W3C traceparent."""
        return self.traceparent.split("-")[1] if self.traceparent else ""
