"""Pieces of HTTP: ranges, headers of downloads, event streams, forms."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.http.content_headers import content_disposition, etag_matches, safe_media_type
from gateway.http.multipart import FileFormReader
from gateway.http.ranges import ByteRange, parse_range
from gateway.http.sse import GOING_AWAY, KEEP_ALIVE, ServerEvent, parse_last_event_id, pump
from gateway.problem_details import ProblemError


@given(first=st.integers(0, 100), last=st.integers(0, 200), size=st.integers(1, 100))
def test_range_lies_within_content_when_it_is_served(first: int, last: int, size: int) -> None:
    header = f"bytes={first}-{last}"
    if first > last or first >= size:
        with pytest.raises(ProblemError, check=lambda refused: refused.status_code == 416):
            parse_range(header, size)
        return
    found = parse_range(header, size)
    assert found == ByteRange(first, min(last, size - 1))
    assert 0 < found.length <= size


@pytest.mark.matrix(32)
@given(header=st.text(max_size=40), size=st.integers(0, 100))
def test_range_is_refused_or_within_when_header_is_anything(header: str, size: int) -> None:
    try:
        found = parse_range(header, size)
    except ProblemError:
        return
    assert 0 <= found.first <= found.last < size


def test_suffix_is_all_when_longer_than_content() -> None:
    assert parse_range("bytes=-500", 10) == ByteRange(0, 9)


@pytest.mark.matrix(30)
@given(st.text(max_size=300))
def test_disposition_is_one_ascii_header_when_name_is_anything(filename: str) -> None:
    header = content_disposition(filename)
    assert header.isascii()
    assert header.isprintable()
    assert header.startswith('attachment; filename="')
    assert header.split(";")[1].count('"') == 2
    assert "/" not in header
    assert "\\" not in header


@pytest.mark.parametrize(
    ("filename", "header"),
    [
        ("a b.srt", 'attachment; filename="a b.srt"'),
        ("../x", 'attachment; filename="x"'),
        ("C:\\dir\\x.txt", 'attachment; filename="x.txt"'),
        ("..", 'attachment; filename="artifact"'),
        ("é.txt", "attachment; filename=\"_.txt\"; filename*=UTF-8''%C3%A9.txt"),
    ],
)
def test_disposition_names_file_when_name_is_known(filename: str, header: str) -> None:
    assert content_disposition(filename) == header


@pytest.mark.parametrize("media_type", ["video/mp4", "text/plain; charset=utf-8"])
def test_media_type_is_kept_when_well_formed(media_type: str) -> None:
    assert safe_media_type(media_type) == media_type


@pytest.mark.parametrize("media_type", ["", "a", "a/b\r\nX: y", "é/x", "a/b; c=d\n"])
def test_media_type_is_replaced_when_malformed(media_type: str) -> None:
    assert safe_media_type(media_type) == "application/octet-stream"


def test_etag_matches_when_among_several() -> None:
    assert etag_matches('"x", W/"abc"', "abc")
    assert etag_matches("*", "abc")
    assert not etag_matches('"abcd"', "abc")


@pytest.mark.parametrize("text", ["", "-1", "1.0", "x", "٣", "9" * 20, " 1"])
def test_event_id_is_refused_when_not_sent_by_us(text: str) -> None:
    with pytest.raises(ValueError, match="not an id"):
        parse_last_event_id(text)


async def test_pump_sends_comments_when_events_rest() -> None:
    more = asyncio.Event()

    async def events() -> AsyncIterator[ServerEvent]:
        yield ServerEvent("a", "{}", 1)
        await more.wait()
        yield ServerEvent("b", "{}")

    written = []
    async for data in pump(events(), stopping=asyncio.Event(), keep_alive_seconds=0.01):
        written.append(data)
        if data == KEEP_ALIVE:
            more.set()
    assert written[0] == b"id: 1\nevent: a\ndata: {}\n\n"
    assert written[1] == KEEP_ALIVE
    assert written[-1] == b"event: b\ndata: {}\n\n"


async def test_pump_ends_when_server_stops() -> None:
    closed = asyncio.Event()

    async def events() -> AsyncIterator[ServerEvent]:
        try:
            await asyncio.Event().wait()
            yield ServerEvent("never", "{}")
        finally:
            closed.set()

    stopping = asyncio.Event()
    stopping.set()
    written = [data async for data in pump(events(), stopping=stopping, keep_alive_seconds=60)]
    assert written == [GOING_AWAY]
    assert closed.is_set()


async def pieces(body: bytes, size: int) -> AsyncIterator[bytes]:
    for start in range(0, len(body), size):
        yield body[start : start + size]


@pytest.mark.parametrize("size", [1, 7, 64, 100_000])
async def test_form_is_read_alike_when_split_anywhere(size: int) -> None:
    content = bytes(range(256)) * 20 + b"\r\n--b-not the boundary\r\n--"
    body = (
        b'--b\r\nContent-Disposition: form-data; name="sha256"\r\n\r\nabc\r\n'
        b'--b\r\nContent-Disposition: form-data; name="file"; filename="x.bin"\r\n'
        b"Content-Type: video/mp4\r\n\r\n" + content + b"\r\n--b--\r\nepilogue"
    )
    reader = FileFormReader(b"b", pieces(body, size), ("sha256",))
    form = await reader.head()
    assert (form.fields, form.filename, form.media_type) == (
        {"sha256": "abc"},
        "x.bin",
        "video/mp4",
    )
    assert b"".join([data async for data in reader.content()]) == content


@pytest.mark.matrix(31)
async def test_form_is_refused_when_a_field_is_long() -> None:
    body = (
        b'--b\r\nContent-Disposition: form-data; name="sha256"\r\n\r\n' + b"a" * 5000 + b"\r\n--b--"
    )
    with pytest.raises(ProblemError) as refused:
        await FileFormReader(b"b", pieces(body, 64), ("sha256",)).head()
    assert refused.value.status_code == 400
