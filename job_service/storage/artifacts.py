"""What is known of artifacts, and the small ones' bytes."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from uuid import UUID

from sqlalchemy import Connection, Select, delete, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.sql import ColumnElement

from job_service.application.artifact_ports import UploadRow
from job_service.application.job_query import Cursor
from job_service.domain.job import Artifact, ArtifactState, Digest
from job_service.storage import rows
from job_service.storage.tables import ARTIFACTS, STEPS

UPLOAD, OUTPUT, PART, TEXT, GLOSSARY = "upload", "output", "part", "text", "glossary"
_DESCRIPTION = [column for column in ARTIFACTS.c if column is not ARTIFACTS.c.inline]


class SqlArtifactRows:
    """Artifacts as one transaction sees them."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def insert_outputs(self, outputs: Sequence[Artifact], *, are_parts: bool = False) -> None:
        """Store a step's outputs."""
        role = PART if are_parts else OUTPUT
        if outputs:
            self._connection.execute(
                insert(ARTIFACTS),
                [
                    {**rows.artifact_values(made, role), "position": position}
                    for position, made in enumerate(outputs)
                ],
            )

    def parts(self, step_ids: Collection[UUID]) -> Mapping[UUID, Sequence[Artifact]]:
        """Return what each step has put out, in its order, with inline bytes."""
        found = self._connection.execute(
            select(ARTIFACTS)
            # The job is what the index knows.
            .where(
                ARTIFACTS.c.job_id.in_(
                    select(STEPS.c.job_id).where(STEPS.c.step_id.in_(step_ids)).distinct()
                ),
                ARTIFACTS.c.step_id.in_(step_ids),
                ARTIFACTS.c.role.in_((PART, OUTPUT)),
            )
            .order_by(ARTIFACTS.c.step_id, ARTIFACTS.c.position)
        ).mappings()
        parts: defaultdict[UUID, list[Artifact]] = defaultdict(list)
        for row in found:
            parts[row["step_id"]].append(rows.read_artifact(row))
        return parts

    def glossary_of(self, job_id: UUID) -> tuple[bytes, int] | None:
        """Return a job's terms as JSON, and how many of them came within its spec."""
        row = self._connection.execute(
            select(ARTIFACTS.c.inline, ARTIFACTS.c.position).where(
                ARTIFACTS.c.job_id == job_id, ARTIFACTS.c.role == GLOSSARY
            )
        ).first()
        return None if row is None else (bytes(row.inline), row.position)

    def find(self, tenant_id: UUID, artifact_ids: Collection[UUID]) -> Mapping[UUID, Artifact]:
        """Return uploads and outputs, without inline bytes."""
        found = self._connection.execute(_of_client(tenant_id, artifact_ids)).mappings()
        return {row["artifact_id"]: rows.read_artifact(row) for row in found}

    def hold(self, tenant_id: UUID, artifact_ids: Collection[UUID]) -> Mapping[UUID, Artifact]:
        """Return as `find`, and keep them from being removed until this transaction ends."""
        wanted = _of_client(tenant_id, artifact_ids).order_by(ARTIFACTS.c.artifact_id)
        found = self._connection.execute(
            wanted.with_for_update(read=True, key_share=True)
        ).mappings()
        return {row["artifact_id"]: rows.read_artifact(row) for row in found}

    def inputs(self, wanted: Collection[tuple[UUID, UUID]]) -> Mapping[UUID, Artifact]:
        """Return artifacts of any kind by (tenant, artifact), with inline bytes."""
        found = self._connection.execute(
            select(ARTIFACTS).where(
                tuple_(ARTIFACTS.c.tenant_id, ARTIFACTS.c.artifact_id).in_(wanted)
            )
        ).mappings()
        return {row["artifact_id"]: rows.read_artifact(row) for row in found}

    def inline_sizes(self, wanted: Collection[tuple[UUID, UUID]]) -> Mapping[UUID, int]:
        """Return how many bytes lie in the database, by (tenant, artifact)."""
        found = self._connection.execute(
            select(ARTIFACTS.c.artifact_id, ARTIFACTS.c.size_bytes).where(
                tuple_(ARTIFACTS.c.tenant_id, ARTIFACTS.c.artifact_id).in_(wanted),
                ARTIFACTS.c.inline.is_not(None),
            )
        )
        return {row.artifact_id: row.size_bytes for row in found}

    def read_inline(self, tenant_id: UUID, artifact_id: UUID) -> bytes | None:
        """Return the bytes of an artifact that lies in the database."""
        return self._connection.execute(
            select(ARTIFACTS.c.inline).where(_is(tenant_id, artifact_id))
        ).scalar_one_or_none()

    def list_uploads(
        self, tenant_id: UUID, filename: str, limit: int, after: Cursor | None
    ) -> Sequence[Artifact]:
        """Return uploads whose bytes are kept, newest first; an empty filename means any."""
        wanted = select(*_DESCRIPTION).where(
            ARTIFACTS.c.tenant_id == tenant_id,
            ARTIFACTS.c.role == UPLOAD,
            ARTIFACTS.c.expired_at.is_(None),
        )
        if filename:
            wanted = wanted.where(ARTIFACTS.c.filename == filename)
        if after is not None:
            position = tuple_(ARTIFACTS.c.created_at, ARTIFACTS.c.artifact_id)
            wanted = wanted.where(position < (after.created_at, after.job_id))
        found = self._connection.execute(
            wanted.order_by(ARTIFACTS.c.created_at.desc(), ARTIFACTS.c.artifact_id.desc()).limit(
                limit
            )
        ).mappings()
        return [rows.read_artifact(row) for row in found]

    def insert_upload(self, upload: UploadRow) -> bool:
        """Store a new upload; False if the id is taken."""
        declared = upload.declared
        return (
            self._connection.execute(
                insert(ARTIFACTS)
                .values(
                    **rows.artifact_values(upload.artifact, UPLOAD),
                    declared_sha256=declared.sha256 if declared else None,
                    declared_size_bytes=declared.size_bytes if declared else None,
                )
                .on_conflict_do_nothing()
                .returning(ARTIFACTS.c.artifact_id)
            ).first()
            is not None
        )

    def find_upload(
        self, tenant_id: UUID, artifact_id: UUID, *, lock: bool = False
    ) -> UploadRow | None:
        """Return an upload; with `lock`, hold every other writer of it off."""
        wanted = select(*_DESCRIPTION).where(
            _is(tenant_id, artifact_id), ARTIFACTS.c.role == UPLOAD
        )
        row = (
            self._connection.execute(wanted.with_for_update() if lock else wanted)
            .mappings()
            .first()
        )
        if row is None:
            return None
        sha256 = row["declared_sha256"]
        return UploadRow(
            artifact=rows.read_artifact(row),
            declared=None if sha256 is None else Digest(sha256, row["declared_size_bytes"]),
            seal=row["seal"],
        )

    def delete_upload(self, tenant_id: UUID, artifact_id: UUID) -> None:
        """Remove an upload's row; it must be locked."""
        self._connection.execute(
            delete(ARTIFACTS).where(_is(tenant_id, artifact_id), ARTIFACTS.c.role == UPLOAD)
        )

    def declare(self, tenant_id: UUID, artifact_id: UUID, declared: Digest | None) -> None:
        """Set the digest that the content must have, and break a seal."""
        self._connection.execute(
            update(ARTIFACTS)
            .where(_is(tenant_id, artifact_id))
            .values(
                declared_sha256=declared.sha256 if declared else None,
                declared_size_bytes=declared.size_bytes if declared else None,
                seal=None,
            )
        )

    def seal(self, tenant_id: UUID, artifact_id: UUID, seal: UUID | None) -> None:
        """Let nobody append any more (None: let them again)."""
        self._connection.execute(
            update(ARTIFACTS).where(_is(tenant_id, artifact_id)).values(seal=seal)
        )

    def make_ready(self, tenant_id: UUID, artifact_id: UUID, seal: UUID, digest: Digest) -> bool:
        """Make it READY if it still bears this seal; tell whether it did."""
        return (
            self._connection.execute(
                update(ARTIFACTS)
                .where(
                    _is(tenant_id, artifact_id),
                    ARTIFACTS.c.seal == seal,
                    ARTIFACTS.c.state == ArtifactState.UPLOADING,
                )
                .values(
                    state=ArtifactState.READY,
                    sha256=digest.sha256,
                    size_bytes=digest.size_bytes,
                    seal=None,
                )
                .returning(ARTIFACTS.c.artifact_id)
            ).first()
            is not None
        )


def _is(tenant_id: UUID, artifact_id: UUID) -> ColumnElement[bool]:
    return (ARTIFACTS.c.tenant_id == tenant_id) & (ARTIFACTS.c.artifact_id == artifact_id)


def _of_client(tenant_id: UUID, artifact_ids: Collection[UUID]) -> Select[*tuple[object, ...]]:
    return select(*_DESCRIPTION).where(
        ARTIFACTS.c.tenant_id == tenant_id,
        ARTIFACTS.c.artifact_id.in_(artifact_ids),
        ARTIFACTS.c.role.not_in((TEXT, GLOSSARY)),
    )
