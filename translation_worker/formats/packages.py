"""Packages: documents that are zip files, opened safely and written with only some parts replaced.

Whatever the file says of itself is checked while it is unpacked. A package inside of a package is
bytes like any other: nothing in here ever unpacks it.
"""

import shutil
import zlib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from babelmill.kit.wire.failure_reasons import FailureReason
from translation_worker.formats.codec import DocumentError, DocumentLimits
from translation_worker.formats.package_records import (
    CENTRAL_HEADER,
    CENTRAL_SIGNATURE,
    DEFLATED,
    DESCRIPTOR_FLAG,
    END_RECORD,
    END_SIGNATURE,
    FULL_32,
    LOCAL_HEADER,
    LOCAL_SIGNATURE,
    RATIO_FREE_BYTES,
    Directory,
    Member,
    damaged,
    read_directory,
    too_large,
    without_wide_sizes,
)

_CHUNK_BYTES = 256 * 1024
_OLE_SIGNATURE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
# Office documents with a password are such files, with a stream of this name (MS-OFFCRYPTO 2.3.1).
_ENCRYPTED_STREAM = "EncryptedPackage".encode("utf-16-le")
_OLE_SEARCH_BYTES = 4 * 1024 * 1024


class Package:
    """An open package; a context manager. `names` are its files in the directory's order."""

    def __init__(self, file: BinaryIO, directory: Directory, limits: DocumentLimits) -> None:
        self._file = file
        self._limits = limits
        self._unpacked_bytes: dict[str, int] = {}
        self.directory = directory
        self._members = {member.name: member for member in directory.members}
        self.names = tuple(member.name for member in directory.members if not member.is_folder)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def __contains__(self, name: str) -> bool:
        return name in self._members

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def read(self, name: str) -> bytes:
        """Return what a member holds.

        Raises KeyError if there is none of that name, and DocumentError if it is damaged or, with
        all that was read of the package before, larger than the limits.
        """
        member = self._members[name]
        read_before = sum(size for other, size in self._unpacked_bytes.items() if other != name)
        room = self._limits.max_unpacked_bytes - read_before
        data = self._inflated(member, room) if member.method == DEFLATED else self._stored(member)
        if len(data) > room:
            raise too_large(
                f"The package unpacks to more than {self._limits.max_unpacked_bytes} bytes."
            )
        if len(data) != member.unpacked_bytes or zlib.crc32(data) != member.crc:
            raise damaged("A member of the package does not match its checksum.")
        self._unpacked_bytes[name] = len(data)
        return data

    def raw_record(self, member: Member) -> bytes:
        """Return the bytes of a member as they are in the file, header and all."""
        self._file.seek(member.offset)
        return self._file.read(member.end_offset - member.offset)

    def local_extra(self, member: Member) -> bytes:
        """Return the extra field before a member's data, which is not that of the directory."""
        start = member.offset + LOCAL_HEADER.size + len(member.raw_name)
        self._file.seek(start)
        return self._file.read(member.data_offset - start)

    def _stored(self, member: Member) -> bytes:
        self._file.seek(member.data_offset)
        return self._file.read(member.packed_bytes)

    def _inflated(self, member: Member, room: int) -> bytes:
        """Inflate a member, in steps, up to the first byte that is too many."""
        allowed = min(
            room,
            member.unpacked_bytes,
            max(RATIO_FREE_BYTES, int(self._limits.max_ratio * member.packed_bytes)),
        )
        inflater = zlib.decompressobj(-zlib.MAX_WBITS)
        unpacked = bytearray()
        self._file.seek(member.data_offset)
        left = member.packed_bytes
        while not inflater.eof:
            packed = inflater.unconsumed_tail
            if not packed:
                packed = self._file.read(min(left, _CHUNK_BYTES))
                left -= len(packed)
            try:
                chunk = inflater.decompress(packed, _CHUNK_BYTES)
            except zlib.error as error:
                raise damaged("A member of the package cannot be unpacked.") from error
            unpacked += chunk
            if len(unpacked) > allowed:
                raise too_large("A member of the package unpacks to more than it says.")
            if not packed and not chunk:
                raise damaged("A member of the package is cut off.")
        return bytes(unpacked)


def open_package(path: Path, limits: DocumentLimits) -> Package:
    """Open a zip file and check its directory. Raises DocumentError."""
    size = path.stat().st_size
    if size > min(limits.max_file_bytes, FULL_32 - 1):
        raise too_large(f"The file has more than {limits.max_file_bytes} bytes.")
    file = path.open("rb")
    try:
        _check_signature(file)
        return Package(file, read_directory(file, size, limits), limits)
    except BaseException:
        file.close()
        raise


def rewrite_package(
    path: Path, target: Path, replaced: Mapping[str, bytes], limits: DocumentLimits
) -> None:
    """Write a package to `target` in which some members hold something else.

    Order, compression, times, attributes and comments stay; the other members are copied as they
    are, still packed. If nothing differs, the file is copied. Raises KeyError for a name that is
    not in the package, and DocumentError.
    """
    with open_package(path, limits) as package:
        changed = {name: data for name, data in replaced.items() if package.read(name) != data}
        if changed:
            with target.open("wb") as file:
                _write(package, file, changed)
            return
    shutil.copyfile(path, target)


def _check_signature(file: BinaryIO) -> None:
    head = file.read(len(_OLE_SIGNATURE))
    if head == _OLE_SIGNATURE:
        if _ENCRYPTED_STREAM in file.read(_OLE_SEARCH_BYTES):
            raise DocumentError(FailureReason.DOCUMENT_ENCRYPTED)
        raise DocumentError(FailureReason.UNSUPPORTED_FORMAT)
    # What has something else before its first member is two files in one.
    if not head.startswith((LOCAL_SIGNATURE, END_SIGNATURE)):
        raise damaged("The file is no zip package.")


def _write(package: Package, file: BinaryIO, changed: Mapping[str, bytes]) -> None:
    moved: dict[str, Member] = {}
    for member in sorted(package.directory.members, key=lambda member: member.offset):
        offset = file.tell()
        if member.name in changed:
            moved[member.name] = _write_member(
                file, member, changed[member.name], package.local_extra(member)
            )
        else:
            moved[member.name] = replace(member, offset=offset)
            file.write(package.raw_record(member))
    start = file.tell()
    for member in package.directory.members:
        _write_entry(file, moved[member.name])
    length = file.tell() - start
    if file.tell() >= FULL_32:
        raise too_large("The written package would be too large.")
    count, comment = len(moved), package.directory.comment
    file.write(END_RECORD.pack(END_SIGNATURE, 0, 0, count, count, length, start, len(comment)))
    file.write(comment)


def _write_member(file: BinaryIO, member: Member, data: bytes, extra: bytes) -> Member:
    packed = data
    if member.method == DEFLATED:
        deflater = zlib.compressobj(zlib.Z_DEFAULT_COMPRESSION, zlib.DEFLATED, -zlib.MAX_WBITS)
        packed = deflater.compress(data) + deflater.flush()
    written = replace(
        member,
        # The sizes are known before the data: no record of them has to follow it.
        flags=member.flags & ~DESCRIPTOR_FLAG,
        crc=zlib.crc32(data),
        packed_bytes=len(packed),
        unpacked_bytes=len(data),
        offset=file.tell(),
    )
    extra = without_wide_sizes(extra)
    file.write(
        LOCAL_HEADER.pack(
            LOCAL_SIGNATURE,
            written.needed_version,
            written.flags,
            written.method,
            written.time,
            written.date,
            written.crc,
            written.packed_bytes,
            written.unpacked_bytes,
            len(written.raw_name),
            len(extra),
        )
    )
    file.write(written.raw_name + extra + packed)
    return written


def _write_entry(file: BinaryIO, member: Member) -> None:
    file.write(
        CENTRAL_HEADER.pack(
            CENTRAL_SIGNATURE,
            member.made_by,
            member.needed_version,
            member.flags,
            member.method,
            member.time,
            member.date,
            member.crc,
            member.packed_bytes,
            member.unpacked_bytes,
            len(member.raw_name),
            len(member.extra),
            len(member.comment),
            0,
            member.internal_attributes,
            member.external_attributes,
            member.offset,
        )
    )
    file.write(member.raw_name + member.extra + member.comment)
