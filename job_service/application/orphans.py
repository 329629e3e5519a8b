"""Files in the artifact store that nothing refers to, and their removal.

The database says what is wanted. A file is dropped only when one look at it
shows that no artifact refers to the key and that none can come to:

- a staged file becomes an output only while its lease is held, and a lease
  that has ended never comes back;
- a checkpoint is read only while its job runs;
- an upload's key is its artifact's own, so that artifact's row is kept vacant
  while the file goes.

Any other file is left alone.
"""

import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import timedelta
from itertools import chain, islice
from uuid import UUID

from babelmill.kit.artifacts.store import ArtifactStore
from babelmill.kit.process.logs import get_logger
from job_service.application.artifact_ports import UploadRow
from job_service.application.ports import UnitOfWork, UnitOfWorkFactory
from job_service.application.store_troubles import naming_store_troubles
from job_service.domain.errors import OutOfSpace, StorageUnavailable
from job_service.domain.job import Artifact, ArtifactState
from job_service.domain.stored_files import (
    CHECKPOINTS,
    CheckpointFile,
    StagedFile,
    StoredFile,
    UploadedFile,
    places_of_job,
    read_key,
)

_log = get_logger(__name__)

_KEYS_PER_LOOK = 500


class Orphans:
    """Drops files; safe to run anywhere, any number of times at once."""

    def __init__(
        self,
        *,
        units: UnitOfWorkFactory,
        store: ArtifactStore,
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        self._units = units
        self._store = store
        self._wall_clock = wall_clock

    def sweep(self, older_than: timedelta, prefix: str = "") -> Iterator[int]:
        """Go through the store, a look at a time; give how many files each look dropped.

        The age counts from a file's last change, by the store's clock. Nothing
        depends on that clock being right: it only spares files that are likely
        to be wanted. Raises StorageUnavailable.
        """
        with naming_store_troubles():
            old = (
                key
                for key, changed_at in self._store.keys(prefix)
                if self._wall_clock() - changed_at >= older_than.total_seconds()
            )
            while keys := list(islice(old, _KEYS_PER_LOOK)):
                yield self.drop(keys)

    def sweep_all(self, older_than: timedelta) -> Iterator[int]:
        """Go through the whole store, also through what is no object yet, as `sweep`."""
        with naming_store_troubles():
            yield self._store.drop_unfinished(older_than.total_seconds())
        yield from self.sweep(older_than)

    def sweep_checkpoints(self) -> Iterator[int]:
        """Drop the checkpoints of jobs that have ended, as `sweep`."""
        return self.sweep(timedelta(), CHECKPOINTS)

    def drop_files_of(self, job_ids: Iterable[UUID]) -> int:
        """Drop what is left of removed jobs; what cannot be dropped now is left to a sweep."""
        places = [place for job_id in job_ids for place in places_of_job(job_id)]
        return self.drop_quietly(
            key for key, _ in chain.from_iterable(self._store.keys(place) for place in places)
        )

    def drop_quietly(self, keys: Iterable[str]) -> int:
        """Drop files; what cannot be dropped now is left to a sweep."""
        dropped = 0
        try:
            with naming_store_troubles():
                listed = iter(keys)
                while look := list(islice(listed, _KEYS_PER_LOOK)):
                    dropped += self.drop(look)
        except (StorageUnavailable, OutOfSpace) as refusal:
            _log.warning("files_left", cause=refusal.reason)
        return dropped

    def drop(self, keys: Collection[str]) -> int:
        """Drop those of the files that nothing refers to; tell how many.

        Raises StorageUnavailable.
        """
        files = {key: file for key in keys if (file := read_key(key)) is not None}
        with self._units.read() as uow:
            unwanted = _unwanted(uow, files)
        dropped = 0
        with naming_store_troubles():
            for key in unwanted:
                file = files[key]
                if not isinstance(file, UploadedFile):
                    self._store.delete(key)
                    dropped += 1
                elif self._drop_upload(key, file):
                    dropped += 1
        return dropped

    def _drop_upload(self, key: str, file: UploadedFile) -> bool:
        """Drop an upload's bytes while nobody else can begin an upload of that name."""
        with self._units.write() as uow:
            if uow.retention.has_tenant(file.tenant_id):
                if not uow.artifacts.insert_upload(_placeholder(key, file, uow)):
                    return False
                self._store.delete(key)
                uow.artifacts.delete_upload(file.tenant_id, file.artifact_id)
            else:
                self._store.delete(key)
        return True


def _unwanted(uow: UnitOfWork, files: Mapping[str, StoredFile]) -> Sequence[str]:
    """Return the keys whose files nothing refers to, nor can come to."""
    referred = uow.retention.referred(files)
    steps = {file.step_id for file in files.values() if isinstance(file, StagedFile)}
    jobs = {file.job_id for file in files.values() if isinstance(file, CheckpointFile)}
    live: set[UUID] = set()
    live |= uow.retention.live_leases(steps) if steps else frozenset()
    live |= uow.retention.live_jobs(jobs) if jobs else frozenset()
    return [
        key
        for key, file in files.items()
        if key not in referred
        and not (isinstance(file, StagedFile) and file.lease_id in live)
        and not (isinstance(file, CheckpointFile) and file.job_id in live)
    ]


def _placeholder(key: str, file: UploadedFile, uow: UnitOfWork) -> UploadRow:
    return UploadRow(
        artifact=Artifact(
            artifact_id=file.artifact_id,
            tenant_id=file.tenant_id,
            state=ArtifactState.UPLOADING,
            filename="",
            media_type="application/octet-stream",
            created_at=uow.now(),
            storage_key=key,
        )
    )
