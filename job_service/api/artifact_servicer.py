"""ArtifactService for clients: streams in and out with bounded memory.

At most one block of 1 MiB is held for each transfer. File and database work
runs in threads of its own, so that slow disks do not hold up other calls.
"""

# The stubs' context type exists for type checkers only.
from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from uuid import UUID

from typing_extensions import override

from babelmill.jobs.v1 import artifact_service_pb2, artifact_service_pb2_grpc
from job_service.api import checks
from job_service.api.auth import current_caller
from job_service.api.job_answers import artifact
from job_service.api.page_tokens import seal, unseal
from job_service.api.threads import BoundedThreads
from job_service.api.validation import Violations, field
from job_service.application.uploads import UploadRequest, Uploads
from job_service.domain.content import check_filename
from job_service.domain.errors import InvalidRequest, Violation
from job_service.domain.job import ArtifactState, Digest

_BLOCK_BYTES = 1024 * 1024
_DEFAULT_PAGE, _MOST_ON_A_PAGE = 50, 500
# A connection that breaks ends the stream of requests as if the client had
# finished it; the news that it broke comes right behind.
_BREAK_NEWS_SECONDS = 0.05


class ArtifactServicer(artifact_service_pb2_grpc.ArtifactServiceServicer):
    """Serves clients' uploads and downloads."""

    def __init__(self, *, uploads: Uploads, threads: BoundedThreads) -> None:
        self._uploads = uploads
        self._threads = threads

    @override
    async def UploadArtifact(
        self,
        request_iterator: AsyncIterator[artifact_service_pb2.UploadArtifactRequest],
        context: artifact_service_pb2_grpc._ServicerContext,
    ) -> artifact_service_pb2.UploadArtifactResponse:
        """Receive an artifact."""
        broken = asyncio.Event()
        context.add_done_callback(
            lambda _: broken.set()  # type: ignore[arg-type]  # the stubs want a client's callback
        )
        tenant_id = current_caller().principal.tenant_id
        request = _header(await anext(request_iterator, None))
        opened = await self._threads.run(self._uploads.begin, tenant_id, request)
        if opened.state is ArtifactState.READY:
            return artifact_service_pb2.UploadArtifactResponse(artifact=artifact(opened))
        await self._receive(tenant_id, opened.artifact_id, request.offset, request_iterator)
        if request.digest is None:
            # With a digest the use case sees by itself that something is missing.
            await _hear_of_a_break(broken)
        finished = await self._threads.run(self._uploads.finish, tenant_id, opened.artifact_id)
        return artifact_service_pb2.UploadArtifactResponse(artifact=artifact(finished))

    async def _receive(
        self,
        tenant_id: UUID,
        artifact_id: UUID,
        offset: int,
        requests: AsyncIterator[artifact_service_pb2.UploadArtifactRequest],
    ) -> None:
        block = bytearray()
        async for request in requests:
            data = _chunk(request, offset + len(block))
            block += data
            if len(block) >= _BLOCK_BYTES:
                offset = await self._append(tenant_id, artifact_id, offset, block)
                block.clear()
        if block:
            await self._append(tenant_id, artifact_id, offset, block)

    async def _append(
        self, tenant_id: UUID, artifact_id: UUID, offset: int, block: bytearray
    ) -> int:
        grown = await self._threads.run(
            self._uploads.append, tenant_id, artifact_id, offset, bytes(block)
        )
        return grown.received_bytes

    @override
    async def GetArtifact(
        self,
        request: artifact_service_pb2.GetArtifactRequest,
        context: artifact_service_pb2_grpc._ServicerContext,
    ) -> artifact_service_pb2.GetArtifactResponse:
        """Return what is known of an artifact."""
        artifact_id = _artifact_id(request.artifact_id)
        tenant_id = current_caller().principal.tenant_id
        found = await self._threads.run(self._uploads.get, tenant_id, artifact_id)
        return artifact_service_pb2.GetArtifactResponse(artifact=artifact(found))

    @override
    async def ListArtifacts(
        self,
        request: artifact_service_pb2.ListArtifactsRequest,
        context: artifact_service_pb2_grpc._ServicerContext,
    ) -> artifact_service_pb2.ListArtifactsResponse:
        """Return a page of uploads."""
        with field("page_size"):
            size = checks.count(request.page_size, default=_DEFAULT_PAGE, largest=_MOST_ON_A_PAGE)
        wrong = check_filename(request.filename, "filename") if request.filename else []
        if wrong:
            raise InvalidRequest(*wrong)
        wanted = b"artifacts\0" + request.filename.encode()
        caller = current_caller()
        after = unseal(request.page_token, caller, wanted)
        found, rest = await self._threads.run(
            self._uploads.list, caller.principal.tenant_id, request.filename, size, after
        )
        return artifact_service_pb2.ListArtifactsResponse(
            artifacts=[artifact(each) for each in found],
            next_page_token="" if rest is None else seal(rest, caller, wanted),
        )

    @override
    async def DownloadArtifact(
        self,
        request: artifact_service_pb2.DownloadArtifactRequest,
        context: artifact_service_pb2_grpc._ServicerContext,
    ) -> AsyncIterator[artifact_service_pb2.DownloadArtifactResponse]:
        """Stream an artifact's bytes, its description first."""
        artifact_id = _artifact_id(request.artifact_id)
        with field("offset"):
            offset = checks.not_negative(request.offset)
        tenant_id = current_caller().principal.tenant_id
        found, iterator = await self._threads.run(
            self._uploads.open, tenant_id, artifact_id, offset
        )
        blocks = _Blocks(iterator)
        try:
            yield artifact_service_pb2.DownloadArtifactResponse(artifact=artifact(found))
            while (block := await self._threads.run(blocks.read)) is not None:
                yield artifact_service_pb2.DownloadArtifactResponse(
                    chunk=artifact_service_pb2.Chunk(offset=offset, data=block)
                )
                offset += len(block)
        finally:
            self._threads.start(blocks.close)


class _Blocks:
    """An open artifact, read and closed in whichever thread comes by."""

    def __init__(self, iterator: Iterator[bytes]) -> None:
        self._iterator = iterator
        # A cancelled call closes while its last read may still be running.
        self._lock = threading.Lock()

    def read(self) -> bytes | None:
        """Return the next block; None at the end."""
        with self._lock:
            return next(self._iterator, None)

    def close(self) -> None:
        """Let go of the file."""
        close = getattr(self._iterator, "close", None)
        if close is not None:
            with self._lock:
                close()


async def _hear_of_a_break(broken: asyncio.Event) -> None:
    """Wait for the news that the stream ended because its connection broke.

    The call is cancelled then, and nothing after this runs.
    """
    try:
        async with asyncio.timeout(_BREAK_NEWS_SECONDS):
            await broken.wait()
    except TimeoutError:
        return
    raise asyncio.CancelledError


def _header(first: artifact_service_pb2.UploadArtifactRequest | None) -> UploadRequest:
    if first is None or first.WhichOneof("part") != "header":
        raise InvalidRequest(Violation("header", "The first message must be the header."))
    header = first.header
    violations = Violations()
    digest: Digest | None = None
    if header.HasField("digest"):
        digest = Digest(
            sha256=violations.check(
                "header.digest.sha256", lambda: checks.sha256(header.digest.sha256), ""
            ),
            size_bytes=violations.check(
                "header.digest.size_bytes", lambda: checks.not_negative(header.digest.size_bytes), 0
            ),
        )
    request = UploadRequest(
        filename=violations.check("header.filename", lambda: checks.filename(header.filename), ""),
        media_type=violations.check(
            "header.media_type", lambda: checks.media_type(header.media_type), ""
        ),
        artifact_id=violations.check(
            "header.artifact_id",
            lambda: checks.uuid_of(header.artifact_id) if header.artifact_id else None,
            None,
        ),
        digest=digest,
        offset=violations.check("header.offset", lambda: checks.not_negative(header.offset), 0),
    )
    violations.raise_if_any()
    return request


def _chunk(request: artifact_service_pb2.UploadArtifactRequest, expected_offset: int) -> bytes:
    if request.WhichOneof("part") != "chunk":
        raise InvalidRequest(Violation("chunk", "Every message after the first must be a chunk."))
    if len(request.chunk.data) > checks.MAX_CHUNK_BYTES:
        raise InvalidRequest(
            Violation("chunk.data", f"It has more than {checks.MAX_CHUNK_BYTES} bytes.", "TOO_LONG")
        )
    if request.chunk.offset != expected_offset:
        raise InvalidRequest(
            Violation("chunk.offset", f"The next chunk starts at {expected_offset}.")
        )
    return request.chunk.data


def _artifact_id(text: str) -> UUID:
    with field("artifact_id"):
        return checks.uuid_of(text)
