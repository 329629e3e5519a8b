"""The ArtifactService through blocking calls: transfers that resume by themselves."""

import threading
import time
import uuid
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TypeAlias

import grpc

from babelmill.client.download_cursor import DownloadCursor
from babelmill.client.errors import BabelmillError, DigestMismatch, OutOfRange, error_from_rpc
from babelmill.client.partial_file import PartialFile
from babelmill.client.requests import artifact_id_of
from babelmill.client.sync_calls import SyncCalls
from babelmill.client.sync_stream import ResumableStream
from babelmill.client.upload_cursor import UploadCursor, chunks_of, header
from babelmill.client.upload_source import OnBytes, Uploadable, UploadSource
from babelmill.jobs.v1 import artifact_pb2, artifact_service_pb2

Download: TypeAlias = ResumableStream[
    artifact_service_pb2.DownloadArtifactRequest,
    artifact_service_pb2.DownloadArtifactResponse,
    bytes,
]
"""An iterator over the bytes of an artifact, in pieces; close it to leave it early."""


class SyncArtifacts(SyncCalls):
    """Moves bytes in and out."""

    def upload(
        self,
        content: Uploadable,
        filename: str | None = None,
        media_type: str | None = None,
        *,
        artifact_id: str | None = None,
        on_bytes: OnBytes | None = None,
    ) -> artifact_pb2.Artifact:
        """Upload a path, bytes or a binary file object, and return the READY artifact.

        Breaks are resumed where they happened. A `str` is a path. `on_bytes`
        is called in another thread. Raises OSError when the content cannot be
        read.
        """
        with UploadSource(content, filename, media_type) as source:
            return self._upload(source, artifact_id or str(uuid.uuid4()), on_bytes)

    def upload_stream(
        self,
        pieces: Iterable[bytes],
        filename: str,
        media_type: str = "",
        *,
        artifact_id: str = "",
        digest: artifact_pb2.Digest | None = None,
        offset: int = 0,
    ) -> artifact_pb2.Artifact:
        """Upload bytes that exist only once, in one call that is not resumed.

        After a break `get_artifact` tells where to go on, if the artifact_id
        was chosen here. What `pieces` raises is raised.
        """
        first = header(
            artifact_id=artifact_id,
            filename=filename,
            media_type=media_type,
            digest=digest,
            offset=offset,
        )
        return self._send(_stream_messages(first, pieces, offset))

    def get_artifact(self, artifact_id: str) -> artifact_pb2.Artifact:
        """Return what is known of an artifact."""
        request = artifact_service_pb2.GetArtifactRequest(artifact_id=artifact_id)
        return self._call(self._artifacts.GetArtifact, request).artifact

    def list_artifacts(
        self, filename: str = "", *, page_size: int = 0, page_token: str = ""
    ) -> artifact_service_pb2.ListArtifactsResponse:
        """Return a page of uploads, newest first; with a filename only those of that name."""
        request = artifact_service_pb2.ListArtifactsRequest(
            filename=filename, page_size=page_size, page_token=page_token
        )
        return self._call(self._artifacts.ListArtifacts, request)

    def download(
        self,
        artifact: str | artifact_pb2.Artifact,
        to: str | Path,
        *,
        on_bytes: OnBytes | None = None,
    ) -> Path:
        """Download an artifact, given as itself or its id, to a file and return its path.

        The file appears only when it is whole and its digest is right; what
        was broken off is resumed by the next call. Raises DigestMismatch, and
        OSError when the file cannot be written.
        """
        artifact_id = artifact_id_of(artifact)
        partial = PartialFile(Path(to), artifact_id)
        try:
            try:
                self._fill(partial, artifact_id, on_bytes)
            except (OutOfRange, DigestMismatch):
                # What was kept may be damaged: once more, from the start.
                partial.restart()
                self._fill(partial, artifact_id, on_bytes)
            return partial.finish()
        except DigestMismatch:
            partial.discard()
            raise
        finally:
            partial.close()

    def read(self, artifact: str | artifact_pb2.Artifact, offset: int = 0) -> Download:
        """Iterate over an artifact's bytes from an offset, in pieces.

        Read from 0, the digest is checked at the end: DigestMismatch then
        means that what was read is not right.
        """
        return self._open(DownloadCursor(artifact_id_of(artifact), offset, self._policy.stream))

    def _upload(
        self, source: UploadSource, artifact_id: str, on_bytes: OnBytes | None
    ) -> artifact_pb2.Artifact:
        cursor = UploadCursor(source, artifact_id, self._policy.stream)
        while cursor.artifact is None:
            try:
                if cursor.must_ask:
                    found = self.get_artifact(artifact_id)
                else:
                    found = self._send(_source_messages(cursor, source, on_bytes))
                delay = cursor.located(found)
            except BabelmillError as error:
                delay = cursor.broken(error)
            time.sleep(delay)
        return cursor.artifact

    def _send(
        self, messages: Iterator[artifact_service_pb2.UploadArtifactRequest]
    ) -> artifact_pb2.Artifact:
        guarded = _Guarded(messages)
        call = self._artifacts.UploadArtifact.future(guarded, metadata=self._metadata)
        try:
            return call.result().artifact
        except grpc.RpcError as error:
            # gRPC hides what its request iterator raised behind its own error.
            if guarded.error is not None:
                raise guarded.error from error
            raise error_from_rpc(error) from error
        finally:
            guarded.stopped.set()
            call.cancel()

    def _fill(self, partial: PartialFile, artifact_id: str, on_bytes: OnBytes | None) -> None:
        cursor = DownloadCursor(artifact_id, policy=self._policy.stream)
        for data in partial.kept():
            cursor.recall(data)
        with self._open(cursor) as download:
            for data in download:
                partial.write(data)
                if on_bytes is not None:
                    on_bytes(cursor.position, cursor.size_bytes)

    def _open(self, cursor: DownloadCursor) -> Download:
        return ResumableStream(
            cursor,
            lambda request: self._artifacts.DownloadArtifact(request, metadata=self._metadata),
            cursor.ended,
            self._policy.download_stall_seconds,
        )


def _source_messages(
    cursor: UploadCursor, source: UploadSource, on_bytes: OnBytes | None
) -> Iterator[artifact_service_pb2.UploadArtifactRequest]:
    offset = cursor.offset
    yield cursor.header()
    while data := source.next_piece(offset):
        yield from chunks_of(offset, data)
        offset += len(data)
        if on_bytes is not None:
            on_bytes(offset, source.size_bytes)


def _stream_messages(
    first: artifact_service_pb2.UploadArtifactRequest, pieces: Iterable[bytes], offset: int
) -> Iterator[artifact_service_pb2.UploadArtifactRequest]:
    yield first
    for data in pieces:
        yield from chunks_of(offset, data)
        offset += len(data)


class _Guarded(Iterator[artifact_service_pb2.UploadArtifactRequest]):
    """Keeps what an iterator raises in gRPC's thread, and ends it with its call."""

    def __init__(self, messages: Iterator[artifact_service_pb2.UploadArtifactRequest]) -> None:
        self.error: Exception | None = None
        self.stopped = threading.Event()
        self._messages = messages

    def __next__(self) -> artifact_service_pb2.UploadArtifactRequest:
        if self.stopped.is_set():
            raise StopIteration
        try:
            return next(self._messages)
        except StopIteration:
            raise
        except Exception as error:
            self.error = error
            raise
