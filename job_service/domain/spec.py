"""What a client can ask for: one frozen class for each kind of job."""

from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True, slots=True)
class TranslateText:
    """Plain text into other languages; exactly one of text and artifact_id is set."""

    source_language: str
    target_languages: tuple[str, ...]
    text: str | None = None
    artifact_id: UUID | None = None
    engine: str = ""

    kind = "translate_text"


@dataclass(frozen=True, slots=True)
class Transcode:
    """A media file into the form that a preset names."""

    artifact_id: UUID
    preset: str

    kind = "transcode"


JobSpec = TranslateText | Transcode


def input_artifact_ids(spec: JobSpec) -> tuple[UUID, ...]:
    """Name the artifacts that must be READY before the job can be accepted."""
    return () if spec.artifact_id is None else (spec.artifact_id,)
