"""The logic of a download: where it stands, and whether the bytes are right.

A state machine without I/O. It hands bytes on as they come, so a consumer of
chunks learns only at the end, by DigestMismatch, that they were wrong; a file
is not put in place before that.
"""

import hashlib
import random
import time
from collections.abc import Callable

from babelmill.client.errors import BabelmillError, DigestMismatch, InvalidArgument, Unavailable
from babelmill.client.resumption import ResumePolicy, Resumption
from babelmill.jobs.v1 import artifact_pb2, artifact_service_pb2


class DownloadCursor:
    """The position of one download.

    The digest is checked when the content is read from its first byte, the
    size always. `finished` is true once all has come and was right.
    """

    def __init__(
        self,
        artifact_id: str,
        offset: int = 0,
        policy: ResumePolicy | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
        draw: Callable[[], float] = random.random,
    ) -> None:
        if offset < 0:
            raise InvalidArgument("offset must not be negative")
        self.artifact_id = artifact_id
        self.artifact: artifact_pb2.Artifact | None = None
        self.finished = False
        self.position = offset
        self._hash = hashlib.sha256() if offset == 0 else None
        self._resumption = Resumption(policy or ResumePolicy(), clock, draw)

    @property
    def size_bytes(self) -> int:
        """The size of the whole content; 0 before the service has told it."""
        return self.artifact.digest.size_bytes if self.artifact is not None else 0

    def recall(self, data: bytes) -> None:
        """Count bytes that an earlier download has kept; only before the first request."""
        if self._hash is not None:
            self._hash.update(data)
        self.position += len(data)

    def request(self) -> artifact_service_pb2.DownloadArtifactRequest:
        """Build the request that goes on at the position."""
        return artifact_service_pb2.DownloadArtifactRequest(
            artifact_id=self.artifact_id, offset=self.position
        )

    def accept(self, response: artifact_service_pb2.DownloadArtifactResponse) -> bytes | None:
        """Take one message; return its bytes, None for the description.

        Raises DigestMismatch when the bytes cannot be those of the artifact.
        """
        part = response.WhichOneof("part")
        if part == "artifact":
            self._describe(response.artifact)
            return None
        if part != "chunk" or not response.chunk.data:
            return None
        if self.artifact is None or response.chunk.offset != self.position:
            raise DigestMismatch("the service sent a chunk out of place")
        self._resumption.progressed()
        data = response.chunk.data
        self.position += len(data)
        if self.position > self.artifact.digest.size_bytes:
            raise DigestMismatch("the service sent more bytes than the artifact has")
        if self._hash is not None:
            self._hash.update(data)
        return data

    def broken(self, error: BabelmillError) -> float:
        """Return the seconds to wait before resuming; raise `error` if that is no use."""
        return self._resumption.delay_after(error)

    def ended(self) -> float:
        """Take the end of the stream: all is there, or return the seconds to wait.

        Raises DigestMismatch, or Unavailable when it ended early too often.
        """
        if self.artifact is None or self.position < self.artifact.digest.size_bytes:
            return self.broken(Unavailable("the service ended the download too early"))
        if self._hash is not None and self._hash.hexdigest() != self.artifact.digest.sha256:
            raise DigestMismatch
        self.finished = True
        return 0.0

    def _describe(self, artifact: artifact_pb2.Artifact) -> None:
        if self.artifact is not None and self.artifact.digest != artifact.digest:
            raise DigestMismatch("the artifact changed while it was downloaded")
        self.artifact = artifact
        if self.position > artifact.digest.size_bytes:
            raise DigestMismatch("more bytes were kept than the artifact has")
