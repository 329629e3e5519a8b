"""The asyncio shell around a stream that resumes by itself.

The twin of sync_stream: it opens the call, reads, waits and cancels; what to
ask for and what to yield is the cursor's business. The call is always
cancelled explicitly: grpc.aio leaves calls running that are merely dropped
(grpc/grpc#43462).
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from types import TracebackType
from typing import Generic, Protocol, Self

import grpc

from babelmill.client.errors import DeadlineExceeded, error_from_rpc
from babelmill.client.stream_cursor import ItemT, RequestT, ResponseT, ResponseT_co, StreamCursor

# After the last message the service ends the call; it is not waited for longer.
_LAST_WORD_SECONDS = 2.0


class AsyncCall(Protocol[ResponseT_co]):
    """The part of a grpc.aio call that is used here."""

    def __aiter__(self) -> AsyncIterator[ResponseT_co]:
        """Read the messages."""

    def cancel(self) -> bool:
        """End the call now."""


class AsyncResumableStream(Generic[RequestT, ResponseT, ItemT]):
    """An asynchronous iterator over a server stream that survives its calls.

    Use it with `async with`, or await `aclose()`. Dropping it closes it too.
    A read that is cancelled, as by a timeout, ends only the call behind it:
    reading again resumes and has lost nothing.
    """

    def __init__(
        self,
        cursor: StreamCursor[RequestT, ResponseT, ItemT],
        open_call: Callable[[RequestT], AsyncCall[ResponseT]],
        on_end: Callable[[], Awaitable[float]],
        stall_seconds: float,
    ) -> None:
        self._cursor = cursor
        self._open_call = open_call
        self._on_end = on_end
        self._stall_seconds = stall_seconds
        self._call: AsyncCall[ResponseT] | None = None
        self._messages: AsyncIterator[ResponseT] | None = None
        self._closed = asyncio.Event()
        self._loop = asyncio.get_running_loop()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> ItemT:
        """Return the next item, resuming as often as it takes.

        Raises BabelmillError when the stream cannot be resumed.
        """
        while not self._closed.is_set():
            if self._cursor.finished:
                await self._hear_last_word()
                break
            try:
                item, delay = await self._advance()
                if item is not None:
                    return item
                if delay:
                    await self._pause(delay)
            except asyncio.CancelledError:
                self._drop_call()
                raise
            except BaseException:
                await self.aclose()
                raise
        await self.aclose()
        raise StopAsyncIteration

    async def aclose(self) -> None:
        """End the watch or transfer: cancels the call, ends a wait. Idempotent."""
        self._closed.set()
        self._drop_call()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.aclose()

    def __del__(self) -> None:
        # The collector may run in any thread, or after the loop has closed.
        call = getattr(self, "_call", None)
        if call is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(call.cancel)

    async def _advance(self) -> tuple[ItemT | None, float]:
        """Read one message; return an item to yield, or how long to wait."""
        try:
            response = await self._read(self._stall_seconds)
        except StopAsyncIteration:
            self._drop_call()
            return None, await self._on_end()
        except TimeoutError:
            self._drop_call()
            stalled = DeadlineExceeded(f"nothing came for {self._stall_seconds:g} seconds")
            return None, self._cursor.broken(stalled)
        except grpc.RpcError as error:
            self._drop_call()
            if self._closed.is_set():
                return None, 0.0
            return None, self._cursor.broken(error_from_rpc(error))
        except asyncio.CancelledError:
            # A call that `aclose` has cancelled looks to its reader as if the
            # reader itself were cancelled.
            if self._closed.is_set() and not _is_cancelling():
                return None, 0.0
            raise
        return self._cursor.accept(response), 0.0

    async def _read(self, within_seconds: float) -> ResponseT:
        if self._call is None or self._messages is None:
            self._call = self._open_call(self._cursor.request())
            self._messages = aiter(self._call)
        async with asyncio.timeout(within_seconds):
            return await anext(self._messages)

    async def _hear_last_word(self) -> None:
        """Let the service end the call, so that it and the span end well."""
        try:
            while self._call is not None:
                await self._read(_LAST_WORD_SECONDS)
        except (StopAsyncIteration, TimeoutError, grpc.RpcError):
            return

    async def _pause(self, delay_seconds: float) -> None:
        try:
            async with asyncio.timeout(delay_seconds):
                await self._closed.wait()
        except TimeoutError:
            return

    def _drop_call(self) -> None:
        call, self._call, self._messages = self._call, None, None
        if call is not None:
            call.cancel()


def _is_cancelling() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
