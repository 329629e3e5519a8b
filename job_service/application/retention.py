"""Ending what has been kept for its time: jobs, results, uploads, remembered segments.

Rows first, files after: what a crash leaves between the two is an orphan, and
a later sweep drops it.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from babelmill.kit.artifacts.store import ArtifactStore
from job_service.application.limits import Limits
from job_service.application.orphans import Orphans
from job_service.application.ports import UnitOfWorkFactory
from job_service.application.store_troubles import naming_store_troubles
from job_service.application.upkeep_ports import OldUpload
from job_service.domain.job import ArtifactState

JOBS_PER_TRANSACTION = 50
ARTIFACTS_PER_TRANSACTION = 200
UPLOADS_PER_RUN = 200
SEGMENTS_PER_TRANSACTION = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class RetentionReport:
    """What one run has removed; `more` says that there is more to do at once."""

    jobs_deleted: int = 0
    results_expired: int = 0
    uploads_deleted: int = 0
    files_dropped: int = 0
    segments_forgotten: int = 0
    more: bool = False


class Retention:
    """Safe to run anywhere, any number of times at once: what one holds another skips."""

    def __init__(
        self,
        *,
        units: UnitOfWorkFactory,
        store: ArtifactStore,
        orphans: Orphans,
        limits: Limits,
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        self._units = units
        self._store = store
        self._orphans = orphans
        self._limits = limits
        self._wall_clock = wall_clock

    def run_once(self) -> RetentionReport:
        """Remove one small batch of each kind. Raises StorageUnavailable."""
        results, result_files = self._expire_results()
        jobs, job_files = self._delete_jobs()
        uploads, upload_files = self._delete_uploads()
        unfinished = self._delete_unfinished()
        segments = self._forget_segments()
        return RetentionReport(
            jobs_deleted=jobs,
            results_expired=results,
            uploads_deleted=uploads + unfinished,
            files_dropped=result_files + job_files + upload_files,
            segments_forgotten=segments,
            more=(
                jobs == JOBS_PER_TRANSACTION
                or ARTIFACTS_PER_TRANSACTION in (results, uploads)
                or unfinished == UPLOADS_PER_RUN
                or segments >= SEGMENTS_PER_TRANSACTION
            ),
        )

    def _expire_results(self) -> tuple[int, int]:
        with self._units.write() as uow:
            count, keys = uow.retention.expire_results(
                self._limits.result_ttl, ARTIFACTS_PER_TRANSACTION
            )
        return count, self._orphans.drop_quietly(keys)

    def _delete_jobs(self) -> tuple[int, int]:
        with self._units.write() as uow:
            job_ids = uow.retention.lock_ended(self._limits.retention, JOBS_PER_TRANSACTION)
            if job_ids:
                uow.retention.delete_jobs(job_ids)
        return len(job_ids), self._orphans.drop_files_of(job_ids)

    def _delete_uploads(self) -> tuple[int, int]:
        with self._units.write() as uow:
            count, keys = uow.retention.delete_uploads(
                self._limits.retention, ARTIFACTS_PER_TRANSACTION
            )
        return count, self._orphans.drop_quietly(keys)

    def _forget_segments(self) -> int:
        with self._units.write() as uow:
            return uow.memory.forget(self._limits.max_memory_entries, SEGMENTS_PER_TRANSACTION)

    def _delete_unfinished(self) -> int:
        with self._units.read() as uow:
            begun = uow.retention.unfinished_uploads(self._limits.orphan_grace, UPLOADS_PER_RUN)
        return sum(self._delete_abandoned(upload) for upload in begun)

    def _delete_abandoned(self, upload: OldUpload) -> bool:
        """Remove an upload on which nothing has arrived for long.

        The file goes first here, under the lock that every writer of it needs:
        should the commit fail, the upload starts again at 0, as its row says.
        """
        with self._units.write() as uow:
            found = uow.artifacts.find_upload(upload.tenant_id, upload.artifact_id, lock=True)
            if found is None or found.artifact.state is not ArtifactState.UPLOADING:
                return False
            with naming_store_troubles():
                if self._changed_lately(upload.storage_key):
                    return False
                self._store.delete(upload.storage_key)
            uow.artifacts.delete_upload(upload.tenant_id, upload.artifact_id)
        return True

    def _changed_lately(self, key: str) -> bool:
        oldest = self._wall_clock() - self._limits.orphan_grace.total_seconds()
        return any(changed_at > oldest for _, changed_at in self._store.keys(key))


def interval_of(limits: Limits, longest: timedelta) -> timedelta:
    """Choose how often to look: twenty times within the shortest time, at most each `longest`."""
    shortest = min(limits.retention, limits.result_ttl, limits.orphan_grace)
    return min(shortest / 20, longest)
