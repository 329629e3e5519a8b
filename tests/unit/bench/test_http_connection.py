"""The load generator's HTTP client, against a server of raw bytes."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from bench.loads.http_connection import BadAnswer, HttpConnection, get, post


@asynccontextmanager
async def answering(*answers: bytes) -> AsyncIterator[tuple[HttpConnection, list[bytes]]]:
    """A server that gives these answers in turn, and keeps the requests' heads."""
    heads: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for answer in answers:
            heads.append(await reader.readuntil(b"\r\n\r\n"))
            writer.write(answer)
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    connection = HttpConnection("127.0.0.1", server.sockets[0].getsockname()[1])
    try:
        yield connection, heads
    finally:
        await connection.close()
        server.close()
        await server.wait_closed()


async def test_connection_is_kept_when_answers_have_a_length() -> None:
    first = b"HTTP/1.1 202 Accepted\r\ncontent-length: 2\r\n\r\n{}"
    second = b"HTTP/1.1 503 Away\r\nContent-Length:0\r\n\r\n"
    async with answering(first, second) as (connection, heads):
        assert await connection.request(get("/a", "host")) == (202, b"{}")
        assert await connection.request(get("/b", "host")) == (503, b"")
    assert [head.split(b" ")[1] for head in heads] == [b"/a", b"/b"]


async def test_chunks_are_told_apart_when_the_body_is_a_stream() -> None:
    stream = (
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\none\r\nA;x=1\r\n0123456789\r\n"
        b"0\r\n\r\n"
    )
    async with answering(stream) as (connection, _):
        status, headers = await connection.begin(get("/", "host"))
        assert (status, headers[b"transfer-encoding"]) == (200, b"chunked")
        assert [chunk async for chunk in connection.chunks()] == [b"one", b"0123456789"]


@pytest.mark.parametrize("answer", [b"nonsense\r\n\r\n", b"HTTP/1.1 200 OK\r\n\r\n"])
async def test_answer_is_refused_when_it_is_no_plain_http(answer: bytes) -> None:
    async with answering(answer) as (connection, _):
        with pytest.raises(BadAnswer):
            await connection.request(get("/", "host"))


def test_post_carries_length_and_token_when_built() -> None:
    head, _, body = post("/v1/jobs", "host:1", b'{"a": 1}', "secret").partition(b"\r\n\r\n")
    assert body == b'{"a": 1}'
    assert b"\r\nContent-Length: 8" in head
    assert b"\r\nAuthorization: Bearer secret" in head
    assert b"Authorization" not in post("/", "host:1", b"")
