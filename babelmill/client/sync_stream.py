"""The blocking shell around a stream that resumes by itself.

It opens the call, reads, waits and cancels; what to ask for and what to yield
is the cursor's business. The call is always cancelled explicitly: gRPC does
not promise to do so when a call object is merely dropped.
"""

import threading
import time
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Generic, Protocol, Self, cast

import grpc

from babelmill.client.errors import DeadlineExceeded, error_from_rpc
from babelmill.client.stream_cursor import ItemT, RequestT, ResponseT, StreamCursor

_WATCHDOG_TICK_SECONDS = 1.0
# After the last message the service ends the call; it is not waited for longer.
_LAST_WORD_SECONDS = 2.0


class Cancellable(Protocol):
    """The part of a gRPC call that ends it from this side."""

    def cancel(self) -> object:
        """End the call now."""


class ResumableStream(Generic[RequestT, ResponseT, ItemT]):
    """An iterator over a server stream that survives its calls.

    Use it as a context manager, or call `close()`, which any thread may do.
    Dropping it closes it too.
    """

    def __init__(
        self,
        cursor: StreamCursor[RequestT, ResponseT, ItemT],
        open_call: Callable[[RequestT], Iterator[ResponseT]],
        on_end: Callable[[], float],
        stall_seconds: float,
    ) -> None:
        self._cursor = cursor
        self._open_call = open_call
        self._on_end = on_end
        self._stall_seconds = stall_seconds
        self._call: Iterator[ResponseT] | None = None
        self._closed = threading.Event()
        self._watchdog = _Watchdog()

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> ItemT:
        """Return the next item, resuming as often as it takes.

        Raises BabelmillError when the stream cannot be resumed.
        """
        while not self._closed.is_set():
            if self._cursor.finished:
                self._hear_last_word()
                break
            try:
                item, delay = self._advance()
            except BaseException:
                self.close()
                raise
            if item is not None:
                return item
            if delay:
                self._closed.wait(delay)
        self.close()
        raise StopIteration

    def close(self) -> None:
        """End the watch or transfer: cancels the call, ends a wait. Idempotent."""
        self._closed.set()
        self._watchdog.stop()
        self._drop_call()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def __del__(self) -> None:
        if hasattr(self, "_watchdog"):
            self.close()

    def _advance(self) -> tuple[ItemT | None, float]:
        """Read one message; return an item to yield, or how long to wait."""
        try:
            call = self._call
            if call is None:
                call = self._call = self._open_call(self._cursor.request())
                if self._closed.is_set():  # closed by another thread meanwhile
                    self._drop_call()
                    return None, 0.0
            response = self._watchdog.read(call, self._stall_seconds)
        except StopIteration:
            self._drop_call()
            return None, self._on_end()
        except grpc.RpcError as error:
            self._drop_call()
            if self._closed.is_set():
                return None, 0.0
            if self._watchdog.barked:
                stalled = DeadlineExceeded(f"nothing came for {self._stall_seconds:g} seconds")
                return None, self._cursor.broken(stalled)
            return None, self._cursor.broken(error_from_rpc(error))
        return self._cursor.accept(response), 0.0

    def _hear_last_word(self) -> None:
        """Let the service end the call, so that it and the span end well."""
        try:
            while self._call is not None:
                self._watchdog.read(self._call, _LAST_WORD_SECONDS)
        except (StopIteration, grpc.RpcError):
            return

    def _drop_call(self) -> None:
        call, self._call = self._call, None
        if call is not None:
            cast("Cancellable", call).cancel()


class _Watchdog:
    """Cancels a read that takes too long; it knows the call only during a read.

    A blocking read has no timeout of its own, and a deadline on the whole call
    would also cut healthy streams. A server can be silent while its transport
    still answers pings, so the channel's keepalive is not enough.
    """

    def __init__(self) -> None:
        self.barked = False
        self._reading: tuple[float, Cancellable] | None = None
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None

    def read(self, call: Iterator[ResponseT], within_seconds: float) -> ResponseT:
        """Return the call's next message; cancel the call if it takes longer."""
        if self._thread is None:
            self._thread = threading.Thread(
                target=self._run, name="babelmill-stream-watchdog", daemon=True
            )
            self._thread.start()
        self.barked = False
        self._reading = (time.monotonic() + within_seconds, cast("Cancellable", call))
        try:
            return next(call)
        finally:
            self._reading = None

    def stop(self) -> None:
        """End the thread. Idempotent."""
        self._stopped.set()

    def _run(self) -> None:
        while not self._stopped.wait(_WATCHDOG_TICK_SECONDS):
            reading = self._reading
            if reading is not None and time.monotonic() > reading[0]:
                self.barked = True
                reading[1].cancel()
