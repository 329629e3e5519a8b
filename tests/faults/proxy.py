"""A TCP proxy between any two processes: slow, silent, half-open, or cut in mid-message.

It runs in a thread of its own. Every change acts on the connections that are
open and on those to come, until `heal`.
"""

import asyncio
import contextlib
import threading
from collections.abc import Coroutine
from enum import Enum
from typing import Any, TypeVar

T = TypeVar("T")
_CHUNK = 16 * 1024


class Direction(Enum):
    """Seen from the side that connects."""

    TO_SERVER = "to server"
    TO_CLIENT = "to client"


class TcpProxy:
    """Listens on a port, of the loopback if not told otherwise, and passes to `target_port`."""

    def __init__(self, target_port: int, host: str = "127.0.0.1") -> None:
        self.target_port = target_port
        self.host = host
        self.port = 0
        self._latency_seconds = 0.0
        self._silent: set[Direction] = set()
        self._stranded: set[asyncio.StreamWriter] = set()
        self._left: dict[Direction, int] = {}
        self._refusing = False
        self._writers: set[asyncio.StreamWriter] = set()
        self._loop = asyncio.new_event_loop()
        self._woken = asyncio.Event()
        self._thread = threading.Thread(target=self._loop.run_forever, name="proxy", daemon=True)
        self._thread.start()
        self._server = self._run(asyncio.start_server(self._accept, host, 0))
        self.port = self._server.sockets[0].getsockname()[1]

    @property
    def address(self) -> str:
        return f"{self.host}:{self.port}"

    def slow(self, latency_seconds: float) -> None:
        """Hold every piece back for so long, each way."""
        self._latency_seconds = latency_seconds

    def blackhole(self, *directions: Direction) -> None:
        """Pass nothing on, and close nothing: the peers must notice by themselves.

        Without a direction it is both; one alone makes a connection half-open.
        What arrives is not even read, so that the sender's buffers fill up.
        """
        self._silent = set(directions or Direction)

    def strand(self) -> None:
        """Pass nothing more on the connections that are open now; new ones are welcome.

        So it is when the other machine has gone without a word, and another took its place.
        """

        async def strand() -> None:
            self._stranded = set(self._writers)

        self._run(strand())

    def cut_after(self, byte_count: int, direction: Direction = Direction.TO_SERVER) -> None:
        """Break the connection once so many more bytes went through."""
        self._left = {direction: byte_count}

    def refuse(self) -> None:
        """Break all connections and accept no other."""
        self._refusing = True
        self.cut()

    def cut(self) -> None:
        """Break all connections that are open; new ones are welcome."""

        async def abort() -> None:
            for writer in list(self._writers):
                writer.transport.abort()

        self._run(abort())

    def heal(self) -> None:
        """Be a plain wire again."""
        self._latency_seconds = 0.0
        self._silent = set()
        self._stranded = set()
        self._left = {}
        self._refusing = False
        self._loop.call_soon_threadsafe(self._woken.set)

    def close(self) -> None:
        """End the thread and all connections."""
        self.cut()

        async def close() -> None:
            self._server.close()

        self._run(close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    # Any: what asyncio says of a coroutine's other two types.
    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(10)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._refusing:
            writer.transport.abort()
            return
        try:
            up_reader, up_writer = await asyncio.open_connection("127.0.0.1", self.target_port)
        except OSError:
            writer.transport.abort()
            return
        self._writers |= {writer, up_writer}
        try:
            await asyncio.gather(
                self._pass(reader, up_writer, Direction.TO_SERVER),
                self._pass(up_reader, writer, Direction.TO_CLIENT),
            )
        finally:
            self._writers -= {writer, up_writer}
            self._stranded -= {writer, up_writer}
            for each in (writer, up_writer):
                each.transport.abort()

    def _is_silent(self, writer: asyncio.StreamWriter, way: Direction) -> bool:
        return way in self._silent or writer in self._stranded

    async def _pass(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, way: Direction
    ) -> None:
        with contextlib.suppress(OSError):
            while True:
                while self._is_silent(writer, way):
                    self._woken.clear()
                    await self._woken.wait()
                data = await reader.read(_CHUNK)
                if not data:
                    break
                if self._latency_seconds:
                    await asyncio.sleep(self._latency_seconds)
                while self._is_silent(writer, way):
                    self._woken.clear()
                    await self._woken.wait()
                if way in self._left:
                    data = data[: self._left[way]]
                    self._left[way] -= len(data)
                writer.write(data)
                await writer.drain()
                if self._left.get(way) == 0:
                    del self._left[way]
                    for each in list(self._writers):
                        each.transport.abort()
                    return
            # A half-closed connection stays open the other way.
            writer.write_eof()
