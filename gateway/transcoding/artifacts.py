"""Artifacts in JSON."""

from datetime import datetime

from pydantic import BaseModel, Field

from babelmill.jobs.v1 import artifact_pb2, artifact_service_pb2
from gateway.transcoding.words import ArtifactStateWord, time_of, word


class Artifact(BaseModel):
    """Immutable bytes: an input that was uploaded, or an output of a job."""

    artifact_id: str
    state: ArtifactStateWord
    filename: str = Field(description="A label; it never becomes a path.")
    media_type: str
    sha256: str | None = Field(description="64 lower-case hexadecimal digits, once it is ready.")
    size_bytes: int | None = Field(description="Of the whole content, once it is ready.")
    received_bytes: int = Field(description="While uploading: the offset at which to go on.")
    job_id: str | None = Field(description="The job that made it; null for uploads.")
    create_time: datetime | None
    content_url: str | None = Field(description="Where to download it, once it is ready.")


class ArtifactPage(BaseModel):
    """A page of uploads, newest first."""

    artifacts: list[Artifact]
    next_page_token: str | None = Field(description="Null on the last page.")


def artifact_page_from_proto(message: artifact_service_pb2.ListArtifactsResponse) -> ArtifactPage:
    """Write a page of uploads."""
    return ArtifactPage(
        artifacts=[artifact_from_proto(each) for each in message.artifacts],
        next_page_token=message.next_page_token or None,
    )


def artifact_from_proto(message: artifact_pb2.Artifact) -> Artifact:
    """Write an artifact."""
    ready = message.state == artifact_pb2.ARTIFACT_STATE_READY
    return Artifact(
        artifact_id=message.artifact_id,
        state=word(
            ArtifactStateWord, artifact_pb2.ArtifactState.Name, "ARTIFACT_STATE_", message.state
        ),
        filename=message.filename,
        media_type=message.media_type,
        sha256=message.digest.sha256 if message.HasField("digest") else None,
        size_bytes=message.digest.size_bytes if message.HasField("digest") else None,
        received_bytes=message.received_bytes,
        job_id=message.job_id or None,
        create_time=time_of(message, "create_time"),
        content_url=f"/v1/artifacts/{message.artifact_id}/content" if ready else None,
    )
