"""Playlists: what names all that is there passes, and nothing else does."""

import struct
from pathlib import Path

import pytest

from media_worker.pipeline.dash_index import (
    ByteRange,
    FileIndex,
    NoIndex,
    read_index,
    with_indexes,
)
from media_worker.pipeline.playlists import BadPlaylist, check_ranges, read_dash, read_hls

MASTER = """#EXTM3U
#EXT-X-VERSION:7
#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="group_sound",NAME="audio_1",DEFAULT=YES,URI="sound.m3u8"
#EXT-X-STREAM-INF:BANDWIDTH=436120,RESOLUTION=320x240,CODECS="avc1,mp4a",AUDIO="group_sound"
240p.m3u8
"""


def media(name: str) -> str:
    return f"""#EXTM3U
#EXT-X-MAP:URI="{name}",BYTERANGE="800@0"
#EXTINF:2.000000,
#EXT-X-BYTERANGE:1000@800
{name}
#EXTINF:1.000000,
#EXT-X-BYTERANGE:200@1800
{name}
#EXT-X-ENDLIST
"""


TEXTS = {
    "master.m3u8": MASTER,
    "240p.m3u8": media("240p.mp4"),
    "sound.m3u8": media("sound.mp4"),
}
SIZES = {"240p.mp4": 2000, "sound.mp4": 2000}

# As ffmpeg writes it.
LISTED = """<?xml version="1.0"?>
<MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static"
profiles="urn:mpeg:dash:profile:isoff-live:2011"><Period><AdaptationSet>
<Representation id="0"><BaseURL>stream-0.mp4</BaseURL><SegmentList duration="2000000">
<Initialization range="0-855"/><SegmentURL mediaRange="856-1999"/>
</SegmentList></Representation></AdaptationSet></Period></MPD>"""
INDEXES = {
    "stream-0.mp4": FileIndex(
        ByteRange(0, 800), ByteRange(800, 856), (ByteRange(856, 1900), ByteRange(1900, 2000))
    )
}
MANIFEST = with_indexes(LISTED, INDEXES)


def box(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I4s", 8 + len(content), kind) + content


def index_box(*sizes: int, version: int = 0) -> bytes:
    times = struct.pack(">QQ" if version else ">II", 0, 0)
    references = b"".join(struct.pack(">III", size, 2000, 0x9000_0000) for size in sizes)
    head = struct.pack(">B3xII", version, 1, 1000) + times + struct.pack(">HH", 0, len(sizes))
    return box(b"sidx", head + references)


@pytest.mark.parametrize("version", [0, 1])
def test_index_is_read_when_it_lies_before_the_media(version: int, tmp_path: Path) -> None:
    head = box(b"ftyp", b"isom") + box(b"moov", bytes(300))
    index = index_box(700, 50, version=version)
    path = tmp_path / "stream-0.mp4"
    path.write_bytes(head + index + bytes(750))
    start, end = len(head), len(head + index)
    assert read_index(path) == FileIndex(
        ByteRange(0, start),
        ByteRange(start, end),
        (ByteRange(end, end + 700), ByteRange(end + 700, end + 750)),
    )


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\0\0\0\1sidx",
        box(b"ftyp", b"isom") + box(b"mdat", bytes(9)),
        box(b"ftyp", b"isom") + index_box(0x8000_0010),
        box(b"ftyp", b"isom") + index_box(700, 50)[:-6],
        struct.pack(">I4s", 0, b"ftyp"),
    ],
)
def test_there_is_no_index_when_the_file_is_no_such_file(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "stream-0.mp4"
    path.write_bytes(content)
    with pytest.raises(NoIndex):
        read_index(path)


def test_manifest_points_at_the_indexes_of_its_files() -> None:
    assert 'indexRange="800-855"' in MANIFEST
    assert '<Initialization range="0-799"' in MANIFEST
    assert "urn:mpeg:dash:profile:isoff-on-demand:2011" in MANIFEST
    assert '<AdaptationSet subsegmentAlignment="true" subsegmentStartsWithSAP="1">' in MANIFEST
    assert "SegmentList" not in MANIFEST
    with pytest.raises(NoIndex):
        with_indexes(LISTED, {})


def test_hls_passes_when_it_names_every_byte() -> None:
    check_ranges(read_hls(TEXTS, "master.m3u8"), SIZES)


def test_dash_passes_when_it_names_every_byte() -> None:
    check_ranges(read_dash(MANIFEST, INDEXES), {"stream-0.mp4": 2000})


@pytest.mark.parametrize(
    ("name", "old", "new", "wrong"),
    [
        ("master.m3u8", "240p.m3u8", "480p.m3u8", "names"),
        ("master.m3u8", ",RESOLUTION=320x240", "", "resolution"),
        ("240p.m3u8", "#EXT-X-ENDLIST", "", "end"),
        ("240p.m3u8", "#EXTM3U", "", "header"),
        ("240p.m3u8", "200@1800", "200", "range"),
        ("240p.m3u8", "200@1800", "200@1900", "ranges"),
        ("240p.m3u8", "200@1800", "199@1800", "coverage"),
        ("240p.m3u8", "#EXT-X-BYTERANGE:200@1800\n", "", "segment"),
        ("sound.m3u8", "sound.mp4", "240p.mp4", "files"),
    ],
)
def test_hls_is_refused_when_a_player_could_not_follow(
    name: str, old: str, new: str, wrong: str
) -> None:
    texts = {**TEXTS, name: TEXTS[name].replace(old, new)}
    with pytest.raises(BadPlaylist, match=f"^{wrong}$"):
        check_ranges(read_hls(texts, "master.m3u8"), SIZES)


@pytest.mark.parametrize(
    ("old", "new", "wrong"),
    [
        ('type="static"', 'type="dynamic"', "type"),
        ("</MPD>", "", "xml"),
        ('range="0-799"', 'range=""', "range"),
        ("800-855", "800-854", "range"),
        ("SegmentBase", "SegmentList", "index"),
        ("stream-0.mp4", "stream-1.mp4", "index"),
    ],
)
def test_dash_is_refused_when_a_player_could_not_follow(old: str, new: str, wrong: str) -> None:
    with pytest.raises(BadPlaylist, match=f"^{wrong}$"):
        check_ranges(read_dash(MANIFEST.replace(old, new), INDEXES), {"stream-0.mp4": 2000})


@pytest.mark.parametrize(
    "index",
    [
        pytest.param(
            FileIndex(ByteRange(0, 800), ByteRange(800, 856), ()), id="no segment in the index"
        ),
        pytest.param(
            FileIndex(ByteRange(0, 800), ByteRange(800, 856), (ByteRange(856, 1900),)),
            id="a segment that the index does not know",
        ),
    ],
)
def test_dash_is_refused_when_an_index_lacks_segments(index: FileIndex) -> None:
    size = index.segments[-1].end + 100 if index.segments else index.index.end
    with pytest.raises(BadPlaylist, match=r"^coverage$"):
        check_ranges(read_dash(MANIFEST, {"stream-0.mp4": index}), {"stream-0.mp4": size})


@pytest.mark.parametrize(
    ("sizes", "wrong"),
    [
        ({"stream-0.mp4": 2001}, "coverage"),
        ({"stream-0.mp4": 2000, "stream-1.mp4": 2000}, "files"),
    ],
)
def test_dash_is_refused_when_its_indexes_do_not_cover_its_files(
    sizes: dict[str, int], wrong: str
) -> None:
    with pytest.raises(BadPlaylist, match=f"^{wrong}$"):
        check_ranges(read_dash(MANIFEST, INDEXES), sizes)
