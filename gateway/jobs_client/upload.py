"""One upload towards the job service: at most one block is held at a time.

An upload that breaks must never look finished: without a digest it is complete
when its stream ends well. So the request stream ends by raising unless all of
the content was handed over, which makes grpc.aio reset the call.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from enum import Enum
from typing import Protocol, TypeVar

import grpc

from babelmill.client.errors import error_from_rpc
from babelmill.jobs.v1 import artifact_pb2, artifact_service_pb2
from gateway.jobs_client.true_status import EndedCall, TrueStatus

BLOCK_BYTES = 256 * 1024  # the contract allows chunks of 1 MiB

T = TypeVar("T")


class _Ending(Enum):
    WELL = "well"
    BROKEN_OFF = "broken off"


class _BrokenOff(Exception):
    """The content did not come to its end."""


_Part = artifact_service_pb2.UploadArtifactRequest
_Response = artifact_service_pb2.UploadArtifactResponse


class UploadCall(Awaitable[_Response], EndedCall, Protocol):
    """The part of a grpc.aio stream-unary call that is used here."""

    def cancel(self) -> bool:
        """End the call now."""


async def upload(
    open_call: Callable[[AsyncIterator[_Part]], UploadCall],
    header: artifact_service_pb2.UploadHeader,
    content: AsyncIterator[bytes],
) -> artifact_pb2.Artifact:
    """Send the content as fast as the job service takes it, and return the artifact.

    Content is read no further when the job service has answered early. Raises
    BabelmillError when it refuses, and what `content` raises; then the call is
    reset and the artifact stays resumable.
    """
    parts: asyncio.Queue[_Part | _Ending] = asyncio.Queue(maxsize=1)
    parts.put_nowait(_Part(header=header))
    call = open_call(_requests(parts))
    true_status = TrueStatus(call)
    answer = asyncio.ensure_future(_answer_of(call))
    try:
        if await _feed(parts, header.offset, _blocks(content), answer):
            await _put(parts, _Ending.WELL, answer)
        return (await answer).artifact
    except grpc.aio.AioRpcError as error:
        raise error_from_rpc(await true_status.instead_of(error)) from error
    finally:
        if not answer.done():
            call.cancel()
            answer.cancel()
            await asyncio.wait({answer})
        elif not answer.cancelled():
            answer.exception()  # seen, also when the content has raised first
        # The call's own reader may still wait for a part: it must not wait forever.
        while not parts.empty():
            parts.get_nowait()
        parts.put_nowait(_Ending.BROKEN_OFF)


async def _answer_of(call: UploadCall) -> _Response:
    return await call


async def _requests(parts: "asyncio.Queue[_Part | _Ending]") -> AsyncGenerator[_Part]:
    while True:
        part = await parts.get()
        if part is _Ending.WELL:
            return
        if isinstance(part, _Ending):
            raise _BrokenOff
        yield part


async def _feed(
    parts: "asyncio.Queue[_Part | _Ending]",
    offset: int,
    blocks: AsyncGenerator[bytes],
    answer: asyncio.Future[_Response],
) -> bool:
    """Hand over all blocks; false when the job service has answered before."""
    try:
        while (block := await _unless_answered(_next(blocks), answer)) is not None:
            if not block:
                return True
            chunk = artifact_service_pb2.Chunk(offset=offset, data=block)
            if not await _put(parts, _Part(chunk=chunk), answer):
                return False
            offset += len(block)
        return False
    finally:
        await blocks.aclose()


async def _put(
    parts: "asyncio.Queue[_Part | _Ending]",
    part: _Part | _Ending,
    answer: asyncio.Future[_Response],
) -> bool:
    async def put() -> bool:
        await parts.put(part)
        return True

    return await _unless_answered(put(), answer) is True


async def _unless_answered(waiting: Awaitable[T], answer: asyncio.Future[_Response]) -> T | None:
    """Wait for the one or the other; None when the answer came first."""
    task = asyncio.ensure_future(waiting)
    try:
        either: set[asyncio.Future[object]] = {task, answer}  # type: ignore[arg-type]  # read only
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
    finally:
        if not task.done():
            task.cancel()
            await asyncio.wait({task})
    return None if task.cancelled() else task.result()


async def _next(blocks: AsyncGenerator[bytes]) -> bytes:
    return await anext(blocks, b"")


async def _blocks(content: AsyncIterator[bytes]) -> AsyncGenerator[bytes]:
    """Regroup into blocks of one size: a message costs more than its copy."""
    buffer = bytearray()
    async for data in content:
        buffer += data
        while len(buffer) >= BLOCK_BYTES:
            yield bytes(buffer[:BLOCK_BYTES])
            del buffer[:BLOCK_BYTES]
    if buffer:
        yield bytes(buffer)
