"""Accepting jobs: check, plan, store; once it returns, the job is durable."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from job_service.application.limits import Limits
from job_service.application.ports import Signals, UnitOfWorkFactory
from job_service.domain.job import Job, Priority
from job_service.domain.spec import JobSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class NewJob:
    """What a client asks for. An empty `request_id` makes every call a new job."""

    spec: JobSpec
    priority: Priority = Priority.NORMAL
    request_id: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    deadline_at: datetime | None = None
    traceparent: str = ""


@dataclass(frozen=True, slots=True)
class Created:
    """The accepted job; `created` is False when its request_id had made it before."""

    job: Job
    created: bool


class Submission:
    """Creates jobs, idempotently by (tenant, request_id)."""

    def __init__(self, *, units: UnitOfWorkFactory, signals: Signals, limits: Limits) -> None:
        self._units = units
        self._signals = signals
        self._limits = limits

    def create(self, tenant_id: UUID, new: NewJob) -> Created:
        """Accept one job.

        Raises InvalidRequest, ArtifactNotFound, ArtifactNotReady,
        IdempotencyMismatch, TooManyWaitingJobs, StorageUnavailable, OutOfSpace.
        """
        raise NotImplementedError

    def create_batch(self, tenant_id: UUID, new_jobs: Sequence[NewJob]) -> list[Created]:
        """Accept all or none, in one transaction and in the given order.

        Raises as `create`; violations name fields as `requests[3].spec...`.
        """
        raise NotImplementedError
