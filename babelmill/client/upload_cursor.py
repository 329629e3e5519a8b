"""The logic of an upload: where it stands, and what to do after a break.

A state machine without I/O; the clients send what it says.
"""

import random
import time
from collections.abc import Callable, Iterator
from typing import Protocol

from babelmill.client.errors import BabelmillError, FailedPrecondition, NotFound, Unavailable
from babelmill.client.resumption import ResumePolicy, Resumption
from babelmill.jobs.v1 import artifact_pb2, artifact_service_pb2

CHUNK_BYTES = 512 * 1024


class Content(Protocol):
    """What the cursor must know of the content."""

    filename: str
    media_type: str
    sha256: str
    size_bytes: int


class UploadCursor:
    """The position of one upload. `artifact` is set once all has arrived."""

    def __init__(
        self,
        content: Content,
        artifact_id: str,
        policy: ResumePolicy | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
        draw: Callable[[], float] = random.random,
    ) -> None:
        self.artifact_id = artifact_id
        self.artifact: artifact_pb2.Artifact | None = None
        # After a break only the service knows how much has arrived.
        self.must_ask = False
        self.offset = 0
        self._content = content
        self._resumption = Resumption(policy or ResumePolicy(), clock, draw)

    def header(self) -> artifact_service_pb2.UploadArtifactRequest:
        """Build the message that opens the upload at its position."""
        return header(
            artifact_id=self.artifact_id,
            filename=self._content.filename,
            media_type=self._content.media_type,
            digest=artifact_pb2.Digest(
                sha256=self._content.sha256, size_bytes=self._content.size_bytes
            ),
            offset=self.offset,
        )

    def located(self, artifact: artifact_pb2.Artifact) -> float:
        """Take the artifact as the service has it; return the seconds to wait.

        Raises Unavailable when it stays incomplete without growing.
        """
        if artifact.state == artifact_pb2.ARTIFACT_STATE_READY:
            # The header's digest holds for it too: other content is refused.
            self.artifact = artifact
            return 0.0
        was_asked, self.must_ask = self.must_ask, False
        if artifact.received_bytes > self.offset:
            self._resumption.progressed()
        self.offset = min(artifact.received_bytes, self._content.size_bytes)
        if was_asked:
            return 0.0
        return self._resumption.delay_after(
            Unavailable("the service ended the upload before all had arrived")
        )

    def broken(self, error: BabelmillError) -> float:
        """Return the seconds to wait before going on; raise `error` if that is no use."""
        if isinstance(error, NotFound) and self.must_ask:
            self.must_ask, self.offset = False, 0  # nothing had arrived
            return 0.0
        if isinstance(error, FailedPrecondition) and error.reason == "OFFSET_MISMATCH":
            self.must_ask = True
            return self._resumption.delay_after(Unavailable(error.message))
        delay = self._resumption.delay_after(error)
        self.must_ask = True
        return delay


def header(
    *,
    artifact_id: str,
    filename: str,
    media_type: str,
    digest: artifact_pb2.Digest | None,
    offset: int,
) -> artifact_service_pb2.UploadArtifactRequest:
    """Build the message that opens an upload."""
    return artifact_service_pb2.UploadArtifactRequest(
        header=artifact_service_pb2.UploadHeader(
            artifact_id=artifact_id,
            filename=filename,
            media_type=media_type,
            digest=digest,
            offset=offset,
        )
    )


def chunks_of(offset: int, data: bytes) -> Iterator[artifact_service_pb2.UploadArtifactRequest]:
    """Build the messages that carry bytes, each of a size that the service takes."""
    for start in range(0, len(data), CHUNK_BYTES):
        yield artifact_service_pb2.UploadArtifactRequest(
            chunk=artifact_service_pb2.Chunk(
                offset=offset + start, data=data[start : start + CHUNK_BYTES]
            )
        )
