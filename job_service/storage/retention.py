"""What has been kept for its time, and what the store's files are wanted for.

Everything is locked before it is removed, and what others hold is skipped.
Whoever is about to name an artifact in a job holds its row (`FOR KEY SHARE`,
see `SqlArtifactRows.hold`); so once it is locked here, every job that names
it can be seen.
"""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Connection,
    Exists,
    Text,
    case,
    cast,
    delete,
    exists,
    func,
    literal,
    null,
    select,
    tuple_,
    update,
)

from job_service.application.upkeep_ports import OldUpload
from job_service.domain.job import FINAL_JOB_STATES, ArtifactState, JobState
from job_service.storage.artifacts import OUTPUT, PART, UPLOAD
from job_service.storage.tables import ARTIFACTS, JOBS, STEPS, TENANTS

_LIVE_JOB_STATES = tuple(state for state in JobState if state not in FINAL_JOB_STATES)
_KEY = tuple_(ARTIFACTS.c.tenant_id, ARTIFACTS.c.artifact_id)
_NAMING = JOBS.alias("naming")
# What jobs have made: their outputs, and the parts on the way there.
_RESULTS = (OUTPUT, PART)


class SqlRetentionRows:
    """What may go, as one transaction sees it."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def lock_ended(self, age: timedelta, limit: int) -> Sequence[UUID]:
        """Lock jobs that ended longer than `age` ago, the oldest first."""
        return (
            self._connection.execute(
                select(JOBS.c.job_id)
                .where(JOBS.c.finished_at < _ago(age))
                .order_by(JOBS.c.finished_at)
                .limit(limit)
                .with_for_update(skip_locked=True)
            )
            .scalars()
            .all()
        )

    def delete_jobs(self, job_ids: Collection[UUID]) -> None:
        """Remove locked jobs; what is theirs goes with them, but for results still needed."""
        outputs = (ARTIFACTS.c.job_id.in_(job_ids), ARTIFACTS.c.role.in_(_RESULTS))
        self._connection.execute(select(ARTIFACTS.c.artifact_id).where(*outputs).with_for_update())
        self._connection.execute(
            update(ARTIFACTS)
            .where(*outputs, ARTIFACTS.c.expired_at.is_(None), _named_by_live_job())
            .values(role=UPLOAD, job_id=None, step_id=None, target_key="", position=0)
        )
        self._connection.execute(delete(JOBS).where(JOBS.c.job_id.in_(job_ids)))

    def expire_results(self, age: timedelta, limit: int) -> tuple[int, Sequence[str]]:
        """Expire outputs of jobs that ended longer than `age` ago."""
        old = (
            select(ARTIFACTS.c.tenant_id, ARTIFACTS.c.artifact_id)
            .join(JOBS, JOBS.c.job_id == ARTIFACTS.c.job_id)
            .where(
                ARTIFACTS.c.role.in_(_RESULTS),
                ARTIFACTS.c.expired_at.is_(None),
                ARTIFACTS.c.created_at < _ago(age),
                JOBS.c.finished_at < _ago(age),
                ~_named_by_live_job(),
            )
            .order_by(ARTIFACTS.c.created_at)
            .limit(limit)
            .with_for_update(of=ARTIFACTS, skip_locked=True)
        )
        locked = [(row.tenant_id, row.artifact_id) for row in self._connection.execute(old)]
        if not locked:
            return 0, ()
        gone = self._connection.execute(
            update(ARTIFACTS)
            .where(_KEY.in_(locked), ~_named_by_live_job())
            .values(
                expired_at=func.clock_timestamp(),
                inline=case((ARTIFACTS.c.inline.is_not(None), b""), else_=null()),
            )
            .returning(ARTIFACTS.c.storage_key)
        ).scalars()
        return _counted(gone.all())

    def delete_uploads(self, age: timedelta, limit: int) -> tuple[int, Sequence[str]]:
        """Remove finished uploads older than `age` that no job names."""
        old = (
            select(ARTIFACTS.c.tenant_id, ARTIFACTS.c.artifact_id)
            .where(
                ARTIFACTS.c.role == UPLOAD,
                ARTIFACTS.c.state == ArtifactState.READY,
                ARTIFACTS.c.created_at < _ago(age),
                ~_named_by_a_job(),
            )
            .order_by(ARTIFACTS.c.created_at)
            .limit(limit)
            .with_for_update(skip_locked=True)
        )
        locked = [(row.tenant_id, row.artifact_id) for row in self._connection.execute(old)]
        if not locked:
            return 0, ()
        gone = self._connection.execute(
            delete(ARTIFACTS)
            .where(_KEY.in_(locked), ~_named_by_a_job())
            .returning(ARTIFACTS.c.storage_key)
        ).scalars()
        return _counted(gone.all())

    def unfinished_uploads(self, age: timedelta, limit: int) -> Sequence[OldUpload]:
        """Name uploads that were begun longer than `age` ago, the oldest first."""
        found = self._connection.execute(
            select(ARTIFACTS.c.tenant_id, ARTIFACTS.c.artifact_id, ARTIFACTS.c.storage_key)
            .where(
                ARTIFACTS.c.role == UPLOAD,
                ARTIFACTS.c.state == ArtifactState.UPLOADING,
                ARTIFACTS.c.storage_key.is_not(None),
                ARTIFACTS.c.created_at < _ago(age),
            )
            .order_by(ARTIFACTS.c.created_at)
            .limit(limit)
        )
        return [OldUpload(row.tenant_id, row.artifact_id, row.storage_key) for row in found]

    def has_tenant(self, tenant_id: UUID) -> bool:
        """Tell whether there is this tenant, and keep it until this transaction ends."""
        wanted = select(TENANTS.c.tenant_id).where(TENANTS.c.tenant_id == tenant_id)
        held = wanted.with_for_update(read=True, key_share=True)
        return self._connection.execute(held).first() is not None

    def referred(self, keys: Collection[str]) -> frozenset[str]:
        """Tell which of the store's keys artifacts refer to that have not expired."""
        return frozenset(
            self._connection.execute(
                select(ARTIFACTS.c.storage_key).where(
                    ARTIFACTS.c.storage_key.in_(keys), ARTIFACTS.c.expired_at.is_(None)
                )
            ).scalars()
        )

    def live_leases(self, step_ids: Collection[UUID]) -> frozenset[UUID]:
        """Tell which leases are held on these steps."""
        return frozenset(
            self._connection.execute(
                select(STEPS.c.lease_id).where(
                    STEPS.c.step_id.in_(step_ids), STEPS.c.lease_id.is_not(None)
                )
            ).scalars()
        )

    def live_jobs(self, job_ids: Collection[UUID]) -> frozenset[UUID]:
        """Tell which jobs have not ended."""
        return frozenset(
            self._connection.execute(
                select(JOBS.c.job_id).where(
                    JOBS.c.job_id.in_(job_ids), JOBS.c.state.in_(_LIVE_JOB_STATES)
                )
            ).scalars()
        )


def _ago(age: timedelta) -> ColumnElement[datetime]:
    # The transaction's time, which an index can be searched for.
    return func.now() - literal(age)


def _named_by_a_job() -> Exists:
    return exists().where(
        _NAMING.c.tenant_id == ARTIFACTS.c.tenant_id,
        _NAMING.c.spec["artifact_id"].astext == cast(ARTIFACTS.c.artifact_id, Text),
    )


def _named_by_live_job() -> Exists:
    return _named_by_a_job().where(_NAMING.c.state.in_(_LIVE_JOB_STATES))


def _counted(keys: Sequence[str | None]) -> tuple[int, Sequence[str]]:
    return len(keys), [key for key in keys if key is not None]
