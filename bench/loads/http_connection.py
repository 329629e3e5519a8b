"""A keep-alive HTTP/1.1 connection that costs as little as Python can.

The load generator shares the cores with what it measures, so a full client
would slow down the server it talks to. This one sends bytes that were built
once and reads answers that have a Content-Length or are chunked streams.
"""

import asyncio
from collections.abc import AsyncIterator

MAX_HEADER_BYTES = 64 * 1024


class BadAnswer(Exception):
    """The server's answer is not one that this client understands."""


class HttpConnection:
    """One connection; one request at a time."""

    def __init__(self, host: str, port: int) -> None:
        self._host, self._port = host, port
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None

    async def open(self) -> None:
        """Connect. Raises OSError."""
        self._reader, self._writer = await asyncio.open_connection(
            self._host, self._port, limit=4 * 1024 * 1024
        )

    async def request(self, message: bytes) -> tuple[int, bytes]:
        """Send a whole request; return the status and the body.

        Raises BadAnswer, and what asyncio raises when the connection ends.
        """
        status, headers = await self.begin(message)
        assert self._reader is not None
        length = headers.get(b"content-length")
        if length is None:
            raise BadAnswer("no Content-Length")
        return status, await self._reader.readexactly(int(length))

    async def begin(self, message: bytes) -> tuple[int, dict[bytes, bytes]]:
        """Send a whole request; return the status and the headers, before any body."""
        if self._reader is None or self._writer is None:
            await self.open()
        assert self._reader is not None
        assert self._writer is not None
        self._writer.write(message)
        head = await self._reader.readuntil(b"\r\n\r\n")
        lines = head[:-4].split(b"\r\n")
        words = lines[0].split(b" ", 2)
        if len(words) < 2 or not words[1].isdigit():
            raise BadAnswer("no status line")
        headers = {}
        for line in lines[1:]:
            name, _, value = line.partition(b":")
            headers[name.strip().lower()] = value.strip()
        return int(words[1]), headers

    async def chunks(self) -> AsyncIterator[bytes]:
        """Give the chunks of a body in chunked coding (RFC 9112, section 7.1) to its end."""
        assert self._reader is not None
        while True:
            size = int((await self._reader.readline()).split(b";")[0], 16)
            data = await self._reader.readexactly(size + 2)
            if size == 0:
                return
            yield data[:-2]

    async def close(self) -> None:
        """Close the connection, if it is open."""
        writer, self._reader, self._writer = self._writer, None, None
        if writer is not None:
            writer.close()


def post(path: str, host: str, body: bytes, token: str = "") -> bytes:
    """Build a POST of JSON."""
    lines = [
        f"POST {path} HTTP/1.1",
        f"Host: {host}",
        "Content-Type: application/json",
        "Accept: application/json",
        f"Content-Length: {len(body)}",
    ]
    if token:
        lines.append(f"Authorization: Bearer {token}")
    return "\r\n".join([*lines, "", ""]).encode() + body


def get(path: str, host: str, accept: str = "*/*", token: str = "") -> bytes:
    """Build a GET."""
    lines = [f"GET {path} HTTP/1.1", f"Host: {host}", f"Accept: {accept}"]
    if token:
        lines.append(f"Authorization: Bearer {token}")
    return "\r\n".join([*lines, "", ""]).encode()
