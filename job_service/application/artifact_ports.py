"""What the use cases need of artifacts: uploads, outputs, and parts on the way."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from job_service.application.job_query import Cursor
from job_service.domain.job import Artifact, Digest


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadRow:
    """An upload as the database knows it; the bytes received are the store's to tell."""

    artifact: Artifact
    declared: Digest | None = None
    seal: UUID | None = None


class ArtifactRows(Protocol):
    """What is known of artifacts. What came inside a spec cannot be found here by clients."""

    def insert_outputs(self, outputs: Sequence[Artifact], *, are_parts: bool = False) -> None:
        """Store a step's outputs; parts are for later steps and make no target."""

    def parts(self, step_ids: Collection[UUID]) -> Mapping[UUID, Sequence[Artifact]]:
        """Return the parts of each step in their order, with inline bytes."""

    def glossary_of(self, job_id: UUID) -> tuple[bytes, int] | None:
        """Return a job's terms as JSON, and how many of them came within its spec."""

    def find(self, tenant_id: UUID, artifact_ids: Collection[UUID]) -> Mapping[UUID, Artifact]:
        """Return uploads and outputs, without inline bytes."""

    def hold(self, tenant_id: UUID, artifact_ids: Collection[UUID]) -> Mapping[UUID, Artifact]:
        """Return as `find`, and keep them from being removed until this transaction ends."""

    def inputs(self, wanted: Collection[tuple[UUID, UUID]]) -> Mapping[UUID, Artifact]:
        """Return artifacts of any kind by (tenant, artifact), with inline bytes."""

    def inline_sizes(self, wanted: Collection[tuple[UUID, UUID]]) -> Mapping[UUID, int]:
        """Return how many bytes lie in the database, by (tenant, artifact)."""

    def read_inline(self, tenant_id: UUID, artifact_id: UUID) -> bytes | None:
        """Return the bytes of an artifact that lies in the database."""

    def list_uploads(
        self, tenant_id: UUID, filename: str, limit: int, after: Cursor | None
    ) -> Sequence[Artifact]:
        """Return uploads whose bytes are kept, newest first; an empty filename means any."""

    def insert_upload(self, upload: UploadRow) -> bool:
        """Store a new upload; False if the id is taken."""

    def find_upload(
        self, tenant_id: UUID, artifact_id: UUID, *, lock: bool = False
    ) -> UploadRow | None:
        """Return an upload; with `lock`, hold every other writer of it off."""

    def delete_upload(self, tenant_id: UUID, artifact_id: UUID) -> None:
        """Remove an upload's row; it must be locked."""

    def declare(self, tenant_id: UUID, artifact_id: UUID, declared: Digest | None) -> None:
        """Set the digest that the content must have, and break a seal."""

    def seal(self, tenant_id: UUID, artifact_id: UUID, seal: UUID | None) -> None:
        """Let nobody append any more (None: let them again)."""

    def make_ready(self, tenant_id: UUID, artifact_id: UUID, seal: UUID, digest: Digest) -> bool:
        """Make it READY if it still bears this seal; tell whether it did."""
