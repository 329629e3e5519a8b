"""The records of a zip file: its directory, read without trusting it.

Works on the file's own records (PKWARE APPNOTE 6.3.10, sections 4.3 and 4.4) because the standard
library's reader builds an object for every entry of the directory, however many there are, before
one can be counted, and cannot copy a member without inflating it.
"""

import re
import stat
import struct
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import BinaryIO

from babelmill.kit.wire.failure_reasons import FailureReason
from translation_worker.formats.codec import DocumentError, DocumentLimits

STORED, DEFLATED = 0, 8
ENCRYPTED_FLAG, DESCRIPTOR_FLAG, UTF8_FLAG = 0x1, 0x8, 0x800
LOCAL_HEADER = struct.Struct("<4s5H3I2H")
LOCAL_SIGNATURE = b"PK\x03\x04"
CENTRAL_HEADER = struct.Struct("<4s6H3I5H2I")
CENTRAL_SIGNATURE = b"PK\x01\x02"
END_RECORD = struct.Struct("<4s4H2IH")
END_SIGNATURE = b"PK\x05\x06"
_END64_LOCATOR = struct.Struct("<4sIQI")
_END64_RECORD = struct.Struct("<4sQ2H2I4Q")
_UNSAFE_CHARACTER = re.compile(r"[\x00-\x1f\x7f\\]")
_EXTRA_HEADER = struct.Struct("<HH")
_ZIP64_EXTRA = 0x0001
_FULL_16, FULL_32 = 0xFFFF, 0xFFFFFFFF
# The other flags that tell of encryption: strong encryption, and a masked directory.
_STRONG_FLAGS = 0x40 | 0x2000
# Name, extra field and comment of a member take some 100 bytes; this leaves room.
_MAX_RECORD_BYTES = 2048
# Below it, not even the best packed member is a bomb.
RATIO_FREE_BYTES = 8 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One entry of the directory; sizes are what the file says, in bytes."""

    name: str
    raw_name: bytes
    made_by: int
    needed_version: int
    flags: int
    method: int
    time: int
    date: int
    crc: int
    packed_bytes: int
    unpacked_bytes: int
    internal_attributes: int
    external_attributes: int
    extra: bytes
    comment: bytes
    offset: int
    # Where its packed data starts, and where the next record does.
    data_offset: int = 0
    end_offset: int = 0

    @property
    def is_folder(self) -> bool:
        """Tell whether it only names a folder."""
        return self.name.endswith("/")


@dataclass(frozen=True, slots=True)
class Directory:
    """The members in the directory's order, and the comment that ends the file."""

    members: tuple[Member, ...]
    comment: bytes


def damaged(message: str) -> DocumentError:
    """Return the error of a file that breaks the rules of zip."""
    return DocumentError(FailureReason.DOCUMENT_DAMAGED, message)


def refused(message: str) -> DocumentError:
    """Return the error of a package that is not processed."""
    return DocumentError(FailureReason.DOCUMENT_REFUSED, message)


def too_large(message: str) -> DocumentError:
    """Return the error of a package past its limits."""
    return DocumentError(FailureReason.DOCUMENT_TOO_LARGE, message)


def read_directory(file: BinaryIO, size: int, limits: DocumentLimits) -> Directory:
    """Return the checked directory of a zip file of `size` bytes. Raises DocumentError."""
    end = _find_end(file, size)
    members = _read_members(file, end, limits)
    _check_names(members)
    _check_sizes(members, limits)
    placed = {member.offset: member for member in _placed(file, members, end.start)}
    return Directory(tuple(placed[member.offset] for member in members), end.comment)


@dataclass(frozen=True, slots=True)
class _End:
    start: int
    length: int
    count: int
    comment: bytes


def _find_end(file: BinaryIO, size: int) -> _End:
    """Find the record that ends the file, whose comment reaches exactly to its end."""
    tail_bytes = min(size, END_RECORD.size + _FULL_16)
    file.seek(size - tail_bytes)
    tail = file.read(tail_bytes)
    position = len(tail)
    while (position := tail.rfind(END_SIGNATURE, 0, position)) >= 0:
        if position + END_RECORD.size > len(tail):
            continue
        _, disk, start_disk, here, count, length, start, comment_bytes = END_RECORD.unpack_from(
            tail, position
        )
        if position + END_RECORD.size + comment_bytes == len(tail):
            break
    else:
        raise damaged("The file is no complete zip package.")
    end_offset = size - tail_bytes + position
    comment = tail[position + END_RECORD.size :]
    if disk not in {0, _FULL_16} or start_disk not in {0, _FULL_16} or here != count:
        raise refused("The package is one part of several.")
    if _FULL_16 in {disk, count} or FULL_32 in {length, start}:
        end_offset, count, length, start = _read_end64(file, end_offset)
    if start + length > end_offset:
        raise damaged("The directory of the package lies outside of the file.")
    return _End(start, length, count, comment)


def _read_end64(file: BinaryIO, end_offset: int) -> tuple[int, int, int, int]:
    """Return the offset, count, length and start that the larger form of the end record tells."""
    if end_offset < _END64_LOCATOR.size:
        raise damaged("The package lacks the records of its size.")
    file.seek(end_offset - _END64_LOCATOR.size)
    signature, _, offset, _ = _END64_LOCATOR.unpack(file.read(_END64_LOCATOR.size))
    if signature != b"PK\x06\x07" or offset + _END64_RECORD.size > end_offset:
        raise damaged("The package lacks the records of its size.")
    file.seek(offset)
    fields = _END64_RECORD.unpack(file.read(_END64_RECORD.size))
    if fields[0] != b"PK\x06\x06" or fields[6] != fields[7]:
        raise damaged("The package lacks the records of its size.")
    return offset, fields[7], fields[8], fields[9]


def _read_members(file: BinaryIO, end: _End, limits: DocumentLimits) -> list[Member]:
    # The length is what is read, whatever count is declared: a lie in either is found here.
    too_many = too_large(f"The package holds more than {limits.max_members} members.")
    if end.count > limits.max_members or end.length > limits.max_members * _MAX_RECORD_BYTES:
        raise too_many
    file.seek(end.start)
    directory = file.read(end.length)
    members: list[Member] = []
    position = 0
    while position < len(directory):
        if len(members) == limits.max_members:
            raise too_many
        member, position = _read_member(directory, position)
        members.append(member)
    if len(members) != end.count:
        raise damaged("The package does not hold as many members as it says.")
    return members


def _read_member(directory: bytes, position: int) -> tuple[Member, int]:
    if position + CENTRAL_HEADER.size > len(directory):
        raise damaged("The directory of the package is cut off.")
    fields = CENTRAL_HEADER.unpack_from(directory, position)
    name_bytes, extra_bytes, comment_bytes, disk = fields[10:14]
    name_start = position + CENTRAL_HEADER.size
    extra_start = name_start + name_bytes
    comment_start = extra_start + extra_bytes
    following = comment_start + comment_bytes
    if fields[0] != CENTRAL_SIGNATURE or following > len(directory):
        raise damaged("The directory of the package is cut off.")
    if disk not in {0, _FULL_16}:
        raise refused("The package is one part of several.")
    flags, method = fields[3], fields[4]
    if flags & (ENCRYPTED_FLAG | _STRONG_FLAGS):
        raise DocumentError(FailureReason.DOCUMENT_ENCRYPTED)
    if method not in {STORED, DEFLATED}:
        raise refused("The package is packed in a way that is not supported.")
    raw_name = directory[name_start:extra_start]
    extra = directory[extra_start:comment_start]
    sizes = _widened((fields[9], fields[8], fields[16]), extra)
    member = Member(
        name=_decoded(raw_name, flags),
        raw_name=raw_name,
        made_by=fields[1],
        needed_version=fields[2],
        flags=flags,
        method=method,
        time=fields[5],
        date=fields[6],
        crc=fields[7],
        packed_bytes=sizes[1],
        unpacked_bytes=sizes[0],
        internal_attributes=fields[14],
        external_attributes=fields[15],
        extra=without_wide_sizes(extra),
        comment=directory[comment_start:following],
        offset=sizes[2],
    )
    return member, following


def _widened(sizes: tuple[int, int, int], extra: bytes) -> tuple[int, ...]:
    """Return unpacked size, packed size and offset as the extra field corrects them."""
    widened = list(sizes)
    for tag, field in _extra_fields(extra):
        if tag != _ZIP64_EXTRA:
            continue
        at = _EXTRA_HEADER.size
        for index, value in enumerate(sizes):
            if value == FULL_32:
                if at + 8 > len(field):
                    raise damaged("The package lacks the records of its size.")
                (widened[index],) = struct.unpack_from("<Q", field, at)
                at += 8
    return tuple(widened)


def without_wide_sizes(extra: bytes) -> bytes:
    """Return an extra field without the 64-bit sizes, which no size that is accepted needs."""
    return b"".join(field for tag, field in _extra_fields(extra) if tag != _ZIP64_EXTRA)


def _extra_fields(extra: bytes) -> Iterator[tuple[int | None, bytes]]:
    """Yield each field with its tag, and what is no field at last, with None."""
    position = 0
    while position + _EXTRA_HEADER.size <= len(extra):
        tag, length = _EXTRA_HEADER.unpack_from(extra, position)
        yield tag, extra[position : position + _EXTRA_HEADER.size + length]
        position += _EXTRA_HEADER.size + length
    if position < len(extra):
        yield None, extra[position:]


def _decoded(raw_name: bytes, flags: int) -> str:
    try:
        return raw_name.decode("utf-8" if flags & UTF8_FLAG else "cp437")
    except UnicodeDecodeError as error:
        raise damaged("A member of the package has a name that is no text.") from error


def _check_names(members: list[Member]) -> None:
    """Refuse names that lead out of the package, links, and names that are there twice."""
    seen: set[str] = set()
    for member in members:
        parts = member.name.removesuffix("/").split("/")
        leads_out = any(part in {"", ".", ".."} for part in parts) or ":" in parts[0]
        if leads_out or _UNSAFE_CHARACTER.search(member.name):
            raise refused("A member of the package has a name that is not safe.")
        kind = stat.S_IFMT(member.external_attributes >> 16)
        if kind not in {0, stat.S_IFREG, stat.S_IFDIR}:
            raise refused("A member of the package is a link or a device.")
        if member.name in seen:
            raise refused("Two members of the package have the same name.")
        seen.add(member.name)


def _check_sizes(members: list[Member], limits: DocumentLimits) -> None:
    """Refuse what admits to be too large; what lies is caught while it is unpacked."""
    if sum(member.unpacked_bytes for member in members) > limits.max_unpacked_bytes:
        raise too_large(f"The package unpacks to more than {limits.max_unpacked_bytes} bytes.")
    for member in members:
        if (
            member.unpacked_bytes > RATIO_FREE_BYTES
            and member.unpacked_bytes > limits.max_ratio * member.packed_bytes
        ):
            raise too_large("A member of the package unpacks to many times its size.")


def _placed(file: BinaryIO, members: list[Member], directory_start: int) -> list[Member]:
    """Return the members in the order of the file, each with its place, none over another."""
    ordered = sorted(members, key=lambda member: member.offset)
    placed: list[Member] = []
    for index, member in enumerate(ordered):
        end = ordered[index + 1].offset if index + 1 < len(ordered) else directory_start
        file.seek(member.offset)
        header = file.read(LOCAL_HEADER.size)
        if len(header) < LOCAL_HEADER.size or not header.startswith(LOCAL_SIGNATURE):
            raise damaged("A member of the package is not where the directory says.")
        name_bytes, extra_bytes = LOCAL_HEADER.unpack(header)[9:11]
        if file.read(name_bytes) != member.raw_name:
            raise damaged("A member of the package has two names.")
        data_offset = member.offset + LOCAL_HEADER.size + name_bytes + extra_bytes
        if data_offset + member.packed_bytes > end:
            raise refused("Two members of the package lie over each other.")
        placed.append(replace(member, data_offset=data_offset, end_offset=end))
    return placed
