"""Bytes in and out: resumable uploads, and reading artifacts."""

from collections.abc import Iterator
from dataclasses import dataclass
from uuid import UUID

from babelmill.kit.artifacts.store import ArtifactStore
from job_service.application.limits import Limits
from job_service.application.ports import UnitOfWorkFactory
from job_service.domain.job import Artifact, Digest


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadRequest:
    """The header of an upload; without an id the service chooses one."""

    filename: str
    media_type: str
    artifact_id: UUID | None = None
    digest: Digest | None = None
    offset: int = 0


class Uploads:
    """Keeps what is known of artifacts in the database, their bytes in the store."""

    def __init__(self, *, units: UnitOfWorkFactory, store: ArtifactStore, limits: Limits) -> None:
        self._units = units
        self._store = store
        self._limits = limits

    def begin(self, tenant_id: UUID, request: UploadRequest) -> Artifact:
        """Open or resume an upload; a READY artifact means that nothing is to be sent.

        Raises OffsetMismatch (metadata received_bytes), ArtifactExists, TooLarge,
        InvalidRequest.
        """
        raise NotImplementedError

    def append(self, tenant_id: UUID, artifact_id: UUID, offset: int, data: bytes) -> Artifact:
        """Add the chunk that starts at `offset`.

        Raises ArtifactNotFound, OffsetMismatch, ArtifactExists (it is READY),
        TooLarge, OutOfSpace, InvalidRequest (DIGEST_MISMATCH: longer than declared).
        """
        raise NotImplementedError

    def finish(self, tenant_id: UUID, artifact_id: UUID) -> Artifact:
        """Check the digest and make the artifact READY.

        With a declared digest whose size has not been reached, return it still
        UPLOADING. Raises ArtifactNotFound, InvalidRequest (DIGEST_MISMATCH: the
        bytes are dropped; upload again from 0).
        """
        raise NotImplementedError

    def get(self, tenant_id: UUID, artifact_id: UUID) -> Artifact:
        """Return what is known of it. Raises ArtifactNotFound."""
        raise NotImplementedError

    def open(
        self, tenant_id: UUID, artifact_id: UUID, offset: int = 0
    ) -> tuple[Artifact, Iterator[bytes]]:
        """Return it and its bytes from `offset` in chunks of up to 256 KiB.

        Raises ArtifactNotFound, ArtifactNotReady, OffsetBeyondEnd; and
        ArtifactDamaged, also while iterating.
        """
        raise NotImplementedError
