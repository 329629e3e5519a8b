"""Bytes in and out: resumable uploads, and reading artifacts.

How many bytes of an upload have arrived is asked of the store and never
recorded, so the two cannot differ after a crash. An upload is sealed while
its digest is computed; READY is a compare-and-set on that seal.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import sha256
from uuid import UUID, uuid4

from babelmill.kit.artifacts.store import ArtifactStore
from job_service.application.artifact_ports import UploadRow
from job_service.application.job_query import Cursor
from job_service.application.limits import Limits
from job_service.application.ports import UnitOfWorkFactory
from job_service.application.quotas import TenantQuotas
from job_service.application.store_troubles import naming_store_troubles
from job_service.domain.content import (
    check_digest,
    check_filename,
    check_media_type,
    digest_of,
)
from job_service.domain.errors import (
    ArtifactDamaged,
    ArtifactExists,
    ArtifactExpired,
    ArtifactNotFound,
    ArtifactNotReady,
    InvalidRequest,
    OffsetBeyondEnd,
    OffsetMismatch,
    TooLarge,
    Violation,
)
from job_service.domain.ids import uuid7
from job_service.domain.job import Artifact, ArtifactState, Digest

READ_CHUNK_BYTES = 256 * 1024


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
        self._quotas = TenantQuotas(limits.quotas)

    def begin(self, tenant_id: UUID, request: UploadRequest) -> Artifact:
        """Open or resume an upload; a READY artifact means that nothing is to be sent.

        Raises OffsetMismatch (metadata received_bytes), ArtifactExists, TooLarge,
        InvalidRequest, QuotaUsedUp.
        """
        self._check(request)
        with self._units.write() as uow:
            now = uow.now()
            artifact_id = request.artifact_id or uuid7(now)
            new = _new_upload(tenant_id, artifact_id, request, now)
            if uow.artifacts.insert_upload(new):
                size_bytes = request.digest.size_bytes if request.digest else 0
                self._quotas.check_upload(uow, tenant_id, size_bytes, now)
                known = new
            else:
                found = uow.artifacts.find_upload(tenant_id, artifact_id, lock=True)
                if found is None:  # The id belongs to a job's output.
                    raise ArtifactExists(artifact_id=str(artifact_id))
                known = found
                if known.artifact.state is ArtifactState.READY:
                    return _same_content(known.artifact, request)
                if known.declared and request.digest and known.declared != request.digest:
                    raise ArtifactExists(artifact_id=str(artifact_id))
                uow.artifacts.declare(tenant_id, artifact_id, request.digest or known.declared)
        artifact = self._with_received(known.artifact)
        if artifact.received_bytes != request.offset:
            raise OffsetMismatch(received_bytes=str(artifact.received_bytes))
        return artifact

    def append(self, tenant_id: UUID, artifact_id: UUID, offset: int, data: bytes) -> Artifact:
        """Add the chunk that starts at `offset`.

        Raises ArtifactNotFound, OffsetMismatch, ArtifactExists (it is READY or
        being finished), TooLarge, OutOfSpace, InvalidRequest (DIGEST_MISMATCH:
        longer than declared).
        """
        end = offset + len(data)
        if end > self._limits.max_upload_bytes:
            raise TooLarge(limit_bytes=str(self._limits.max_upload_bytes))
        # The row's lock makes writers of one artifact take turns.
        with self._units.write() as uow:
            upload = uow.artifacts.find_upload(tenant_id, artifact_id, lock=True)
            if upload is None:
                raise ArtifactNotFound
            if upload.artifact.state is ArtifactState.READY or upload.seal is not None:
                raise ArtifactExists
            if upload.declared is not None and end > upload.declared.size_bytes:
                self._drop(upload.artifact)
                raise _digest_mismatch()
            with naming_store_troubles():
                received = self._store.append(_key(upload.artifact), offset, data)
        return replace(upload.artifact, received_bytes=received)

    def finish(self, tenant_id: UUID, artifact_id: UUID) -> Artifact:
        """Check the digest and make the artifact READY.

        With a declared digest whose size has not been reached, return it still
        UPLOADING. Raises ArtifactNotFound, InvalidRequest (DIGEST_MISMATCH: the
        bytes are dropped; upload again from 0).
        """
        seal = uuid4()
        with self._units.write() as uow:
            upload = uow.artifacts.find_upload(tenant_id, artifact_id, lock=True)
            if upload is None:
                raise ArtifactNotFound
            if upload.artifact.state is ArtifactState.READY:
                return upload.artifact
            artifact = self._with_received(upload.artifact)
            declared = upload.declared
            if declared is not None and artifact.received_bytes < declared.size_bytes:
                return artifact
            uow.artifacts.seal(tenant_id, artifact_id, seal)
        digest = self._digest(artifact)
        if declared is not None and digest != declared:
            with self._units.write() as uow:
                current = uow.artifacts.find_upload(tenant_id, artifact_id, lock=True)
                if current is not None and current.seal == seal:
                    self._drop(artifact)
                    uow.artifacts.seal(tenant_id, artifact_id, None)
            raise _digest_mismatch()
        with self._units.write() as uow:
            if uow.artifacts.make_ready(tenant_id, artifact_id, seal, digest):
                self._quotas.charge_upload(uow, tenant_id, digest.size_bytes, uow.now())
        return self.get(tenant_id, artifact_id)

    def get(self, tenant_id: UUID, artifact_id: UUID) -> Artifact:
        """Return what is known of it. Raises ArtifactNotFound, ArtifactExpired."""
        with self._units.read() as uow:
            artifact = uow.artifacts.find(tenant_id, [artifact_id]).get(artifact_id)
        if artifact is None:
            raise ArtifactNotFound
        _check_kept(artifact)
        return self._with_received(artifact)

    def list(
        self, tenant_id: UUID, filename: str, page_size: int, after: Cursor | None = None
    ) -> tuple[Sequence[Artifact], Cursor | None]:
        """Return a page of uploads, newest first, and where the next one starts (None: no more).

        An empty filename means any.
        """
        with self._units.read() as uow:
            # One more than asked tells whether there is a next page.
            found = uow.artifacts.list_uploads(tenant_id, filename, page_size + 1, after)
        page = [self._with_received(each) for each in found[:page_size]]
        more = len(found) > page_size
        return page, Cursor(page[-1].created_at, page[-1].artifact_id) if more else None

    def open(
        self, tenant_id: UUID, artifact_id: UUID, offset: int = 0
    ) -> tuple[Artifact, Iterator[bytes]]:
        """Return it and its bytes from `offset` in chunks of up to 256 KiB.

        Raises ArtifactNotFound, ArtifactExpired, ArtifactNotReady, OffsetBeyondEnd; and
        ArtifactDamaged, also while iterating. The digest is checked when all
        is read from 0.
        """
        with self._units.read() as uow:
            artifact = uow.artifacts.find(tenant_id, [artifact_id]).get(artifact_id)
            if artifact is None:
                raise ArtifactNotFound
            _check_kept(artifact)
            if artifact.digest is None:
                raise ArtifactNotReady
            if offset > artifact.digest.size_bytes:
                raise OffsetBeyondEnd(size_bytes=str(artifact.digest.size_bytes))
            inline = None
            if artifact.storage_key is None:
                inline = uow.artifacts.read_inline(tenant_id, artifact_id)
        if artifact.storage_key is None:
            if inline is None or digest_of(inline) != artifact.digest:
                raise ArtifactDamaged
            return artifact, _slices(inline[offset:])
        with naming_store_troubles():
            if self._store.size(artifact.storage_key) != artifact.digest.size_bytes:
                raise ArtifactDamaged
        return artifact, self._stored_chunks(artifact.storage_key, artifact.digest, offset)

    def _stored_chunks(self, key: str, digest: Digest, offset: int) -> Iterator[bytes]:
        seen = sha256()
        with naming_store_troubles(), self._store.open(key, offset) as stream:
            while chunk := stream.read(READ_CHUNK_BYTES):
                seen.update(chunk)
                yield chunk
        if offset == 0 and seen.hexdigest() != digest.sha256:
            raise ArtifactDamaged

    def _check(self, request: UploadRequest) -> None:
        # An upload may go without a name.
        violations = check_filename(request.filename, "header.filename") if request.filename else []
        violations += check_media_type(request.media_type, "header.media_type")
        if request.offset < 0:
            violations.append(Violation("header.offset", "must not be negative"))
        if request.digest is not None:
            violations += check_digest(request.digest, "header.digest")
        if violations:
            raise InvalidRequest(*violations)
        size = request.digest.size_bytes if request.digest else 0
        if size > self._limits.max_upload_bytes:
            raise TooLarge(limit_bytes=str(self._limits.max_upload_bytes))

    def _with_received(self, artifact: Artifact) -> Artifact:
        if artifact.state is ArtifactState.READY:
            return artifact
        with naming_store_troubles():
            return replace(artifact, received_bytes=self._store.size(_key(artifact)) or 0)

    def _digest(self, artifact: Artifact) -> Digest:
        with naming_store_troubles():
            if artifact.received_bytes == 0:
                # Nothing was appended, so there may be no object yet.
                self._store.append(_key(artifact), 0, b"")
            stored = self._store.digest(_key(artifact))
        return Digest(stored.sha256, stored.size_bytes)

    def _drop(self, artifact: Artifact) -> None:
        with naming_store_troubles():
            self._store.delete(_key(artifact))


def _new_upload(
    tenant_id: UUID, artifact_id: UUID, request: UploadRequest, now: datetime
) -> UploadRow:
    return UploadRow(
        artifact=Artifact(
            artifact_id=artifact_id,
            tenant_id=tenant_id,
            state=ArtifactState.UPLOADING,
            filename=request.filename,
            media_type=request.media_type,
            created_at=now,
            storage_key=f"uploads/{tenant_id}/{artifact_id}",
        ),
        declared=request.digest,
    )


def _same_content(artifact: Artifact, request: UploadRequest) -> Artifact:
    """Accept an upload of what is there already. Raises ArtifactExists."""
    if request.digest is None or request.digest != artifact.digest:
        raise ArtifactExists(artifact_id=str(artifact.artifact_id))
    return artifact


def _check_kept(artifact: Artifact) -> None:
    if artifact.expired_at is not None:
        raise ArtifactExpired(artifact_id=str(artifact.artifact_id))


def _key(artifact: Artifact) -> str:
    if artifact.storage_key is None:
        raise ArtifactDamaged
    return artifact.storage_key


def _slices(data: bytes) -> Iterator[bytes]:
    for start in range(0, len(data), READ_CHUNK_BYTES):
        yield data[start : start + READ_CHUNK_BYTES]


def _digest_mismatch() -> InvalidRequest:
    return InvalidRequest(
        Violation("header.digest", "does not match the bytes received", "DIGEST_MISMATCH"),
        reason="DIGEST_MISMATCH",
    )
