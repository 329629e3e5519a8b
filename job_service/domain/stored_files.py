"""Whose a file in the artifact store is, read from its key.

The layout is the contract between the service, the workers and the collector:

`uploads/<tenant>/<artifact>`                      what a client uploads
`jobs/<job>/<step>/<generation>/<lease>/<name>`    what one attempt makes
`checkpoints/<job>/<anything>`                     what a job's next attempt can go on from

Any other key is somebody else's.
"""

from dataclasses import dataclass
from uuid import UUID

CHECKPOINTS = "checkpoints"

_UPLOAD_PARTS = 3
_STAGED_PARTS = 6
_CHECKPOINT_PARTS = 3


@dataclass(frozen=True, slots=True)
class UploadedFile:
    """The bytes of an upload."""

    tenant_id: UUID
    artifact_id: UUID


@dataclass(frozen=True, slots=True)
class StagedFile:
    """Made by an attempt; an output once the attempt has completed."""

    step_id: UUID
    lease_id: UUID


@dataclass(frozen=True, slots=True)
class CheckpointFile:
    """Of use until its job has ended."""

    job_id: UUID


StoredFile = UploadedFile | StagedFile | CheckpointFile


def read_key(key: str) -> StoredFile | None:
    """Tell whose file a key names; None if it is none of ours."""
    parts = key.split("/")
    try:
        if parts[0] == "uploads" and len(parts) == _UPLOAD_PARTS:
            return UploadedFile(UUID(parts[1]), UUID(parts[2]))
        if parts[0] == "jobs" and len(parts) >= _STAGED_PARTS:
            return StagedFile(UUID(parts[2]), UUID(parts[4]))
        if parts[0] == CHECKPOINTS and len(parts) >= _CHECKPOINT_PARTS:
            return CheckpointFile(UUID(parts[1]))
    except ValueError:
        return None
    return None


def places_of_job(job_id: UUID) -> tuple[str, ...]:
    """Name the prefixes below which a job's files lie."""
    return (f"jobs/{job_id}", f"{CHECKPOINTS}/{job_id}")
