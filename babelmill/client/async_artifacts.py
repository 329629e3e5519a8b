"""The ArtifactService through asyncio: transfers that resume by themselves.

Files are read, hashed and written in threads, so that the loop stays free.
"""

import asyncio
import uuid
from collections.abc import AsyncIterable, AsyncIterator
from pathlib import Path
from typing import TypeAlias

import grpc

from babelmill.client.async_calls import AsyncCalls
from babelmill.client.async_stream import AsyncResumableStream
from babelmill.client.download_cursor import DownloadCursor
from babelmill.client.errors import BabelmillError, DigestMismatch, OutOfRange, error_from_rpc
from babelmill.client.partial_file import PartialFile
from babelmill.client.requests import artifact_id_of
from babelmill.client.upload_cursor import UploadCursor, chunks_of, header
from babelmill.client.upload_source import OnBytes, Uploadable, UploadSource
from babelmill.jobs.v1 import artifact_pb2, artifact_service_pb2

AsyncDownload: TypeAlias = AsyncResumableStream[
    artifact_service_pb2.DownloadArtifactRequest,
    artifact_service_pb2.DownloadArtifactResponse,
    bytes,
]
"""An iterator over the bytes of an artifact, in pieces; close it to leave it early."""


class AsyncArtifacts(AsyncCalls):
    """Moves bytes in and out."""

    async def upload(
        self,
        content: Uploadable,
        filename: str | None = None,
        media_type: str | None = None,
        *,
        artifact_id: str | None = None,
        on_bytes: OnBytes | None = None,
    ) -> artifact_pb2.Artifact:
        """Upload a path, bytes or a binary file object, and return the READY artifact.

        Breaks are resumed where they happened. A `str` is a path. Raises
        OSError when the content cannot be read.
        """
        source = await asyncio.to_thread(UploadSource, content, filename, media_type)
        with source:
            return await self._upload(source, artifact_id or str(uuid.uuid4()), on_bytes)

    async def upload_stream(
        self,
        pieces: AsyncIterable[bytes],
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
        return await self._send(_stream_messages(first, pieces, offset))

    async def get_artifact(self, artifact_id: str) -> artifact_pb2.Artifact:
        """Return what is known of an artifact."""
        request = artifact_service_pb2.GetArtifactRequest(artifact_id=artifact_id)
        return (await self._call(self._artifacts.GetArtifact, request)).artifact

    async def list_artifacts(
        self, filename: str = "", *, page_size: int = 0, page_token: str = ""
    ) -> artifact_service_pb2.ListArtifactsResponse:
        """Return a page of uploads, newest first; with a filename only those of that name."""
        request = artifact_service_pb2.ListArtifactsRequest(
            filename=filename, page_size=page_size, page_token=page_token
        )
        return await self._call(self._artifacts.ListArtifacts, request)

    async def download(
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
        partial = await asyncio.to_thread(PartialFile, Path(to), artifact_id)
        try:
            try:
                await self._fill(partial, artifact_id, on_bytes)
            except (OutOfRange, DigestMismatch):
                # What was kept may be damaged: once more, from the start.
                partial.restart()
                await self._fill(partial, artifact_id, on_bytes)
            return await asyncio.to_thread(partial.finish)
        except DigestMismatch:
            partial.discard()
            raise
        finally:
            partial.close()

    def read(self, artifact: str | artifact_pb2.Artifact, offset: int = 0) -> AsyncDownload:
        """Iterate over an artifact's bytes from an offset, in pieces; call without await.

        Read from 0, the digest is checked at the end: DigestMismatch then
        means that what was read is not right.
        """
        return self._open(DownloadCursor(artifact_id_of(artifact), offset, self._policy.stream))

    async def _upload(
        self, source: UploadSource, artifact_id: str, on_bytes: OnBytes | None
    ) -> artifact_pb2.Artifact:
        cursor = UploadCursor(source, artifact_id, self._policy.stream)
        while cursor.artifact is None:
            try:
                if cursor.must_ask:
                    found = await self.get_artifact(artifact_id)
                else:
                    found = await self._send(_source_messages(cursor, source, on_bytes))
                delay = cursor.located(found)
            except BabelmillError as error:
                delay = cursor.broken(error)
            await asyncio.sleep(delay)
        return cursor.artifact

    async def _send(
        self, messages: AsyncIterator[artifact_service_pb2.UploadArtifactRequest]
    ) -> artifact_pb2.Artifact:
        guarded = _Guarded(messages)
        call = self._artifacts.UploadArtifact(guarded, metadata=self._metadata)
        try:
            return (await call).artifact
        except grpc.RpcError as error:
            if guarded.error is not None:
                raise guarded.error from error
            raise error_from_rpc(error) from error
        except asyncio.CancelledError:
            # grpc.aio answers so when its request iterator raises.
            if guarded.error is not None:
                raise guarded.error from None
            raise
        finally:
            call.cancel()

    async def _fill(self, partial: PartialFile, artifact_id: str, on_bytes: OnBytes | None) -> None:
        cursor = DownloadCursor(artifact_id, policy=self._policy.stream)
        await asyncio.to_thread(_recall, cursor, partial)
        async with self._open(cursor) as download:
            async for data in download:
                await asyncio.to_thread(partial.write, data)
                if on_bytes is not None:
                    on_bytes(cursor.position, cursor.size_bytes)

    def _open(self, cursor: DownloadCursor) -> AsyncDownload:
        async def on_end() -> float:
            return cursor.ended()

        return AsyncResumableStream(
            cursor,
            lambda request: self._artifacts.DownloadArtifact(request, metadata=self._metadata),
            on_end,
            self._policy.download_stall_seconds,
        )


def _recall(cursor: DownloadCursor, partial: PartialFile) -> None:
    for data in partial.kept():
        cursor.recall(data)


async def _source_messages(
    cursor: UploadCursor, source: UploadSource, on_bytes: OnBytes | None
) -> AsyncIterator[artifact_service_pb2.UploadArtifactRequest]:
    offset = cursor.offset
    yield cursor.header()
    while data := await asyncio.to_thread(source.next_piece, offset):
        for message in chunks_of(offset, data):
            yield message
        offset += len(data)
        if on_bytes is not None:
            on_bytes(offset, source.size_bytes)


async def _stream_messages(
    first: artifact_service_pb2.UploadArtifactRequest, pieces: AsyncIterable[bytes], offset: int
) -> AsyncIterator[artifact_service_pb2.UploadArtifactRequest]:
    yield first
    async for data in pieces:
        for message in chunks_of(offset, data):
            yield message
        offset += len(data)


class _Guarded(AsyncIterator[artifact_service_pb2.UploadArtifactRequest]):
    """Keeps what an iterator raises, which grpc.aio does not pass on."""

    def __init__(self, messages: AsyncIterator[artifact_service_pb2.UploadArtifactRequest]) -> None:
        self.error: Exception | None = None
        self._messages = messages

    async def __anext__(self) -> artifact_service_pb2.UploadArtifactRequest:
        try:
            return await anext(self._messages)
        except StopAsyncIteration:
            raise
        except Exception as error:
            self.error = error
            raise
