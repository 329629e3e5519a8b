"""What bringing back, counting and removing need from the database.

Part of the unit of work, beside the rows in `ports`.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID

from job_service.application.job_query import Cursor
from job_service.domain.job import Failure, Priority
from job_service.domain.redrive import Redone


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetter:
    """A job out of its retry budget, and the jobs that were made from it, oldest first."""

    job_id: UUID
    kind: str
    error: Failure | None
    attempts: int
    finished_at: datetime
    replay_job_ids: tuple[UUID, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How many steps of one kind and priority wait, run, and ended lately."""

    kind: str
    priority: Priority
    waiting: int = 0
    leased: int = 0
    ended: int = 0
    oldest_age: timedelta | None = None


@dataclass(frozen=True, slots=True)
class OldUpload:
    """An upload that was begun long ago."""

    tenant_id: UUID
    artifact_id: UUID
    storage_key: str


class DeadLetterRows(Protocol):
    """Jobs out of their retry budget, and what was made of them."""

    def page(self, tenant_id: UUID, limit: int, after: Cursor | None) -> Sequence[DeadLetter]:
        """Return dead letters, the newest first; a cursor's time is that of the end."""

    def redone(self, tenant_id: UUID, job_ids: Collection[UUID]) -> Mapping[UUID, Sequence[Redone]]:
        """Return the jobs made from each of these, oldest first."""


class QueueFigures(Protocol):
    """How much waits, runs and ends, over all tenants unless one is named."""

    def standings(self, window: timedelta, tenant_id: UUID | None = None) -> Sequence[Standing]:
        """Count steps by kind and priority; `ended` are those of the last `window`."""

    def jobs_ended(self, tenant_id: UUID, window: timedelta) -> int:
        """Count a tenant's jobs that ended within the last `window`."""


class RetentionRows(Protocol):
    """What has been kept for its time.

    The keys that are returned name files that the removed rows referred to:
    they may go once this transaction has committed. What others are changing
    just now is skipped.
    """

    def lock_ended(self, age: timedelta, limit: int) -> Sequence[UUID]:
        """Lock jobs that ended longer than `age` ago."""

    def delete_jobs(self, job_ids: Collection[UUID]) -> None:
        """Remove locked jobs with all that is theirs.

        An output that another job still needs stays, as an artifact of the
        client's.
        """

    def expire_results(self, age: timedelta, limit: int) -> tuple[int, Sequence[str]]:
        """Expire outputs of jobs that ended longer than `age` ago; tell how many.

        What a job that has not ended needs is left for later.
        """

    def delete_uploads(self, age: timedelta, limit: int) -> tuple[int, Sequence[str]]:
        """Remove finished uploads older than `age` that no job names; tell how many."""

    def unfinished_uploads(self, age: timedelta, limit: int) -> Sequence[OldUpload]:
        """Name uploads that were begun longer than `age` ago."""

    def has_tenant(self, tenant_id: UUID) -> bool:
        """Tell whether there is this tenant, and keep it until this transaction ends."""

    def referred(self, keys: Collection[str]) -> frozenset[str]:
        """Tell which of the store's keys artifacts refer to."""

    def live_leases(self, step_ids: Collection[UUID]) -> frozenset[UUID]:
        """Tell which leases are held on these steps."""

    def live_jobs(self, job_ids: Collection[UUID]) -> frozenset[UUID]:
        """Tell which jobs have not ended."""
