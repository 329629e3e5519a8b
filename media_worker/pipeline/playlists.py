"""Reads the playlists of a finished package: do they name what is there, all of it, and no more.

Pure. Both readers return, for each file of media, the ranges of bytes that
are named; each raises BadPlaylist for what no player could follow.
"""

import re
from collections.abc import Mapping
from xml.etree import ElementTree  # our own files are read, written by our own ffmpeg a moment ago

from media_worker.pipeline.dash_index import MPD, ByteRange, FileIndex

# A header and a segment.
_FEWEST_RANGES = 2
_ATTRIBUTE = re.compile(r'([A-Z-]+)=(?:"([^"]*)"|([^",]*))')


class BadPlaylist(ValueError):
    """A playlist does not describe its package; the message names what is wrong."""


Ranges = dict[str, list[ByteRange]]


def read_hls(texts: Mapping[str, str], master: str) -> Ranges:
    """Read a master playlist and all that it names."""
    lines = _lines(texts, master)
    named = [line for line in lines if not line.startswith("#")]
    for line in lines:
        if line.startswith("#EXT-X-MEDIA:"):
            named.append(_attributes(line).get("URI", ""))
        if line.startswith("#EXT-X-STREAM-INF:") and "RESOLUTION" not in _attributes(line):
            raise BadPlaylist("resolution")
    if sorted(named) != sorted(set(texts) - {master}):
        raise BadPlaylist("names")
    ranges: Ranges = {}
    for name in named:
        _read_media_playlist(_lines(texts, name), ranges)
    return ranges


def read_dash(text: str, indexes: Mapping[str, FileIndex]) -> Ranges:
    """Read a manifest and the indexes that it points to."""
    try:
        root = ElementTree.fromstring(text)  # noqa: S314  # see the import
    except ElementTree.ParseError as error:
        raise BadPlaylist("xml") from error
    if root.get("type") != "static":
        raise BadPlaylist("type")
    ranges: Ranges = {}
    for representation in root.iter(f"{MPD}Representation"):
        name = representation.findtext(f"{MPD}BaseURL") or ""
        base = representation.find(f"{MPD}SegmentBase")
        head = None if base is None else base.find(f"{MPD}Initialization")
        if base is None or head is None or name not in indexes:
            raise BadPlaylist("index")
        found = indexes[name]
        if (base.get("indexRange"), head.get("range")) != (str(found.index), str(found.head)):
            raise BadPlaylist("range")
        # What a player fetches before the first segment is one range here, as it is in HLS.
        ranges[name] = [ByteRange(found.head.start, found.index.end), *found.segments]
    return ranges


def check_ranges(ranges: Ranges, sizes: Mapping[str, int]) -> None:
    """Make sure that the ranges of each file lie end to end and cover it. Raises BadPlaylist."""
    if set(ranges) != set(sizes):
        raise BadPlaylist("files")
    for name, found in ranges.items():
        position = 0
        for each in found:
            if each.start != position or each.end <= each.start:
                raise BadPlaylist("ranges")
            position = each.end
        if position != sizes[name] or len(found) < _FEWEST_RANGES:
            raise BadPlaylist("coverage")


def _read_media_playlist(lines: list[str], ranges: Ranges) -> None:
    if lines[-1] != "#EXT-X-ENDLIST":
        raise BadPlaylist("end")
    pending: ByteRange | None = None
    for line in lines:
        if line.startswith("#EXT-X-MAP:"):
            found = _attributes(line)
            ranges[found.get("URI", "")] = [_hls_range(found.get("BYTERANGE", ""))]
        elif line.startswith("#EXT-X-BYTERANGE:"):
            pending = _hls_range(line.partition(":")[2])
        elif not line.startswith("#"):
            if pending is None or line not in ranges:
                raise BadPlaylist("segment")
            ranges[line].append(pending)
            pending = None


def _lines(texts: Mapping[str, str], name: str) -> list[str]:
    lines = [line for line in texts.get(name, "").splitlines() if line]
    if not lines or lines[0] != "#EXTM3U":
        raise BadPlaylist("header")
    return lines


def _attributes(line: str) -> dict[str, str]:
    return {name: quoted or plain for name, quoted, plain in _ATTRIBUTE.findall(line)}


def _hls_range(text: str) -> ByteRange:
    length, _, start = text.partition("@")
    if not (length.isdecimal() and start.isdecimal()):
        raise BadPlaylist("range")
    return ByteRange(int(start), int(start) + int(length))
