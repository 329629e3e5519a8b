"""Points a DASH manifest at the indexes of its files, as its on-demand profile wants it.

ffmpeg's muxer writes each file's index (`sidx`) before the media, and a manifest
that lists ranges of bytes as if all segments were equally long. Players that read
the index instead know every segment's own time, and more players do. Pure but for
reading the heads of files.

ISO/IEC 14496-12 section 8.16.3 (the index), ISO/IEC 23009-1 sections 5.3.9.2 and 8.3.
"""

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO
from xml.etree import ElementTree  # our own files are read, written by our own ffmpeg a moment ago

MPD = "{urn:mpeg:dash:schema:mpd:2011}"
_NAMESPACES = {
    "": "urn:mpeg:dash:schema:mpd:2011",
    "xsi": "http://www.w3.org/2001/XMLSchema-instance",
    "xlink": "http://www.w3.org/1999/xlink",
}
for _prefix, _name in _NAMESPACES.items():
    ElementTree.register_namespace(_prefix, _name)
_ON_DEMAND = "urn:mpeg:dash:profile:isoff-on-demand:2011"
_BOX = struct.Struct(">I4s")
# Version and flags, then what the index is of and how long a second is.
_INDEX_HEAD = struct.Struct(">BxxxII")
_REFERENCE = struct.Struct(">III")
_IS_INDEX = 0x8000_0000
# Of an index, which has twelve bytes for each segment. Headers are a few hundred.
_LONGEST_BOX_BYTES = 16 * 1024 * 1024


class NoIndex(ValueError):
    """A file has no index of its segments, or one that cannot be followed."""


@dataclass(frozen=True, slots=True)
class ByteRange:
    """A range of a file's bytes; `end` is not among them."""

    start: int
    end: int

    def __str__(self) -> str:
        return f"{self.start}-{self.end - 1}"


@dataclass(frozen=True, slots=True)
class FileIndex:
    """Where a file's head, index and segments lie."""

    head: ByteRange
    index: ByteRange
    segments: tuple[ByteRange, ...]


def read_index(path: Path) -> FileIndex:
    """Find a file's first index. Raises NoIndex, OSError."""
    with path.open("rb") as file:
        position = 0
        while True:
            kind, size, content = _read_box(file, position)
            if kind == b"sidx":
                index = ByteRange(position, position + size)
                return FileIndex(ByteRange(0, position), index, _segments(content, index.end))
            if kind not in {b"ftyp", b"moov", b"styp", b"free"}:
                raise NoIndex(path.name)
            position += size


def with_indexes(manifest: str, indexes: Mapping[str, FileIndex]) -> str:
    """Return the manifest with an index in place of each list. Raises NoIndex, ParseError."""
    root = ElementTree.fromstring(manifest)  # noqa: S314 - see the import
    root.set("profiles", _ON_DEMAND)
    for adaptation in root.iter(f"{MPD}AdaptationSet"):
        # All heights begin their segments with the same key picture.
        adaptation.set("subsegmentAlignment", "true")
        adaptation.set("subsegmentStartsWithSAP", "1")
    for representation in root.iter(f"{MPD}Representation"):
        listed = representation.find(f"{MPD}SegmentList")
        index = indexes.get(representation.findtext(f"{MPD}BaseURL") or "")
        if listed is None or index is None:
            raise NoIndex
        base = ElementTree.Element(f"{MPD}SegmentBase", indexRange=str(index.index))
        base.tail = listed.tail
        ElementTree.SubElement(base, f"{MPD}Initialization", range=str(index.head))
        representation[list(representation).index(listed)] = base
    return ElementTree.tostring(root, encoding="unicode", xml_declaration=True)


def _read_box(file: BinaryIO, position: int) -> tuple[bytes, int, bytes]:
    """Return a box's kind and size, and what an index holds. Raises NoIndex."""
    file.seek(position)
    try:
        size, kind = _BOX.unpack(file.read(_BOX.size))
    except struct.error:
        raise NoIndex from None
    # Sizes of 64 bits have a 1 here, and no box before the media has one.
    if not _BOX.size < size <= _LONGEST_BOX_BYTES:
        raise NoIndex
    return kind, size, file.read(size - _BOX.size) if kind == b"sidx" else b""


def _segments(content: bytes, after_index: int) -> tuple[ByteRange, ...]:
    try:
        version, _, _ = _INDEX_HEAD.unpack_from(content)
        times = struct.Struct(">QQ" if version else ">II")
        _, first_offset = times.unpack_from(content, _INDEX_HEAD.size)
        (count,) = struct.unpack_from(">xxH", content, _INDEX_HEAD.size + times.size)
        references = content[_INDEX_HEAD.size + times.size + 4 :]
        found = [
            _REFERENCE.unpack_from(references, number * _REFERENCE.size) for number in range(count)
        ]
    except struct.error:
        raise NoIndex from None
    segments = []
    position = after_index + first_offset
    for size, _, _ in found:
        if size & _IS_INDEX:
            raise NoIndex
        segments.append(ByteRange(position, position + size))
        position += size
    return tuple(segments)
