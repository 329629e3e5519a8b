"""What the use cases need from the outside.

`storage` implements the rows; `main` wires. Locks are taken on jobs only, in
the order of their ids, so two transactions never wait for each other.
"""

from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID

from job_service.application.account_ports import AccountRows, AuditRows, DirectoryRows
from job_service.application.artifact_ports import ArtifactRows
from job_service.application.job_query import Cursor, JobQuery
from job_service.application.reuse_ports import ReuseRows
from job_service.application.translation_ports import GlossaryRows, MemoryRows, SecretRows
from job_service.application.upkeep_ports import DeadLetterRows, QueueFigures, RetentionRows
from job_service.application.usage_ports import UsageRows
from job_service.application.webhook_ports import DeliveryLog, DeliveryRows, WebhookRows
from job_service.domain.catalog import WorkerAnnouncement
from job_service.domain.events import JobEvent
from job_service.domain.job import (
    Artifact,
    Job,
    JobState,
    Priority,
    Progress,
)
from job_service.domain.lease import LeaseRequest, LeaseResult
from job_service.domain.settlement import Change


class Signals(Protocol):
    """Hints that go out after a commit. Losing one costs time, never truth.

    Methods are called from database threads and must not block or raise.
    """

    def job_changed(self, job_id: UUID) -> None:
        """Wake the watchers of a job: it has new events or progress."""

    def steps_pending(self) -> None:
        """Wake the relay: there are steps to publish."""

    def cancel_requested(self, job_id: UUID) -> None:
        """Let the workers that run the job ask at once whether to go on."""


class NullSignals:
    """Tells nobody; pollers find the change by themselves."""

    def job_changed(self, job_id: UUID) -> None:
        """Do nothing."""

    def steps_pending(self) -> None:
        """Do nothing."""

    def cancel_requested(self, job_id: UUID) -> None:
        """Do nothing."""


@dataclass(frozen=True, slots=True)
class LockedJobs:
    """Jobs that this transaction alone may change, and a time taken after locking."""

    jobs: Mapping[UUID, Job]
    now: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class JobToInsert:
    """A new job as it is stored.

    `source_artifact` holds the spec's inline input, `glossary_artifact` all of
    the job's terms, and `sealed_secret` its chat model's key, encrypted.
    `work_hash` names what is asked for, where results may serve another job.
    """

    job: Job
    request_hash: bytes
    source_artifact: Artifact | None = None
    glossary_artifact: Artifact | None = None
    sealed_secret: bytes | None = None
    work_hash: bytes | None = None


@dataclass(frozen=True, slots=True)
class DueStep:
    """A step to publish."""

    step_id: UUID
    generation: int
    kind: str
    priority: Priority
    traceparent: str
    job_id: UUID
    name: str


class JobRows(Protocol):
    """Jobs with their steps, targets and events."""

    def insert(self, new_jobs: Sequence[JobToInsert]) -> frozenset[UUID]:
        """Store new jobs whole; return the ids stored.

        One whose (tenant, request_id) is taken is left out. Waits for a
        concurrent transaction that is about to take it.
        """

    def find_requests(
        self, tenant_id: UUID, request_ids: Collection[str]
    ) -> Mapping[str, tuple[UUID, bytes]]:
        """Return the job and the request hash of each request_id that is taken."""

    def admission(self, tenant_id: UUID, up_to: int) -> tuple[datetime, int]:
        """Return the time, and how many of the tenant's jobs nothing has started on.

        Counts no further than `up_to`.
        """

    def lock(self, job_ids: Collection[UUID], *, skip_locked: bool = False) -> LockedJobs:
        """Lock jobs; those that are not there, or held by another if skipping, are left out."""

    def lock_of_steps(self, step_ids: Collection[UUID]) -> LockedJobs:
        """Lock the jobs that the steps belong to."""

    def save(self, changes: Sequence[Change], now: datetime) -> None:
        """Write what differs, and the events; the jobs must be locked."""

    def load(self, tenant_id: UUID, job_ids: Sequence[UUID]) -> Mapping[UUID, Job]:
        """Return whole jobs: inline text, steps, targets with outputs (short texts inline)."""

    def list(
        self, tenant_id: UUID, query: JobQuery, limit: int, after: Cursor | None
    ) -> Sequence[Job]:
        """Return jobs, newest first, without steps, outputs and inline text."""

    def exists(self, tenant_id: UUID, job_id: UUID) -> bool:
        """Tell whether the tenant has this job."""

    def progress_of(self, job_id: UUID) -> tuple[JobState, int, Progress | None] | None:
        """Return state, sequence and progress."""

    def events_after(self, job_id: UUID, after_sequence: int, limit: int) -> Sequence[JobEvent]:
        """Return events in order."""


class StepQueue(Protocol):
    """Which steps the relay and the reaper must see to."""

    def claim_due(self, limit: int, claim: timedelta) -> Sequence[DueStep]:
        """Claim steps that are due for publishing, skipping what others claim just now."""

    def mark_published(self, step_ids: Collection[UUID], waits: Sequence[timedelta]) -> None:
        """Set when they are due again if nobody takes them, by how often they were sent."""

    def make_due(self, step_ids: Collection[UUID]) -> None:
        """Make steps due now."""

    def make_all_queued_due(self) -> int:
        """Make every QUEUED step due now; return how many."""

    def bring_near(self, longest_wait: timedelta, lease_ttl: timedelta) -> int:
        """Make due and shorten what a clock that was set back has left far ahead."""

    def count_queued_due(self) -> int:
        """Count QUEUED steps that nobody has taken in time."""

    def overdue_jobs(
        self,
        limit: int,
        timeout_grace: timedelta,
        cancel_limit: timedelta,
        *,
        spare_leases: bool = False,
    ) -> Sequence[UUID]:
        """Name jobs that time has something to do to; a superset is fine.

        With `spare_leases`, expired leases alone are no reason.
        """


class LeaseRows(Protocol):
    """How leases have ended."""

    def find(self, lease: LeaseRequest) -> LeaseResult | None:
        """Return the recorded result."""

    def tenant_of(self, lease: LeaseRequest) -> UUID | None:
        """Return whose job a live lease is on."""

    def record(self, lease: LeaseRequest, result: LeaseResult, now: datetime) -> None:
        """Record it, once."""


class WorkerRows(Protocol):
    """Announcements of workers."""

    def announce(self, announcement: WorkerAnnouncement, ttl: timedelta) -> None:
        """Store an announcement, instead of the worker's last one."""

    def live(self) -> Sequence[WorkerAnnouncement]:
        """Return what has not expired, newest first."""


class UnitOfWork(Protocol):
    """One transaction."""

    @property
    def jobs(self) -> JobRows:
        """Jobs with their steps, targets and events."""

    @property
    def queue(self) -> StepQueue:
        """Which steps the relay and the reaper must see to."""

    @property
    def leases(self) -> LeaseRows:
        """How leases have ended."""

    @property
    def artifacts(self) -> ArtifactRows:
        """What is known of artifacts."""

    @property
    def workers(self) -> WorkerRows:
        """Announcements of workers."""

    @property
    def accounts(self) -> AccountRows:
        """Whose a token is."""

    @property
    def directory(self) -> DirectoryRows:
        """Tenants, users and tokens as operators see them."""

    @property
    def audit(self) -> AuditRows:
        """The audit log."""

    @property
    def dead_letters(self) -> DeadLetterRows:
        """Jobs out of their retry budget, and what was made of them."""

    @property
    def figures(self) -> QueueFigures:
        """How much waits, runs and ends."""

    @property
    def reuse(self) -> ReuseRows:
        """Results of ended jobs that can serve new ones."""

    @property
    def retention(self) -> RetentionRows:
        """What has been kept for its time."""

    @property
    def glossaries(self) -> GlossaryRows:
        """Tenants' glossaries."""

    @property
    def secrets(self) -> SecretRows:
        """Jobs' secrets."""

    @property
    def usage(self) -> UsageRows:
        """What tenants have used of their quotas."""

    @property
    def webhooks(self) -> WebhookRows:
        """Tenants' webhooks."""

    @property
    def deliveries(self) -> DeliveryRows:
        """Events on their way to webhooks."""

    @property
    def delivery_log(self) -> DeliveryLog:
        """What became of deliveries."""

    @property
    def memory(self) -> MemoryRows:
        """Remembered segments."""

    def now(self) -> datetime:
        """Read the database's clock; the only clock that counts."""


class UnitOfWorkFactory(Protocol):
    """Opens transactions.

    Entering, leaving, and every call in between raise StorageUnavailable or
    OutOfSpace when the database cannot serve.
    """

    def write(self) -> AbstractContextManager[UnitOfWork]:
        """Open a transaction that commits on a clean exit and rolls back on an exception."""

    def read(self) -> AbstractContextManager[UnitOfWork]:
        """Open a read-only snapshot: all that is read in it is of one moment."""
