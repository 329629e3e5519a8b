"""What is uploaded: bytes that can be read again from any offset, and their digest.

A source is read twice, once for the digest and once to send, and again from
where an upload broke. What cannot be read twice (a pipe) is first copied to a
temporary file.
"""

import hashlib
import io
import mimetypes
import shutil
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path, PurePath
from types import TracebackType
from typing import BinaryIO, Self, TypeAlias, cast

from babelmill.client.errors import InvalidArgument

Uploadable: TypeAlias = str | Path | bytes | BinaryIO

OnBytes: TypeAlias = Callable[[int, int], None]
"""Is told of a transfer: (bytes so far, bytes in all)."""

_PIECE_BYTES = 512 * 1024
_READ_BYTES = 1024 * 1024
_SPOOL_BYTES = 8 * 1024 * 1024
DEFAULT_MEDIA_TYPE = "application/octet-stream"


class UploadSource:
    """Opened content. Raises OSError when it cannot be read.

    The sync client reads it in gRPC's thread, and a broken call's thread may
    still read while the next call begins: hence the lock.
    """

    def __init__(
        self, content: Uploadable, filename: str | None = None, media_type: str | None = None
    ) -> None:
        self._lock = threading.Lock()
        self._file, self._owned = _open(content)
        try:
            self._start = self._file.tell()
            self.sha256, self.size_bytes = self._digest()
        except BaseException:
            self.close()
            raise
        self.filename = filename or _name_of(content)
        self.media_type = media_type or guess_media_type(self.filename)

    def next_piece(self, offset: int) -> bytes:
        """Read some bytes at an offset of the content; none at its end.

        Raises InvalidArgument when the file has become shorter meanwhile.
        """
        wanted = min(_PIECE_BYTES, self.size_bytes - offset)
        if wanted <= 0:
            return b""
        with self._lock:
            self._file.seek(self._start + offset)
            data = self._file.read(wanted)
        if not data:
            raise InvalidArgument("the file became shorter while it was uploaded")
        return data

    def close(self) -> None:
        """Close what was opened here; a caller's own file object stays open."""
        if self._owned:
            self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _digest(self) -> tuple[str, int]:
        digest, size_bytes = hashlib.sha256(), 0
        while data := self._file.read(_READ_BYTES):
            digest.update(data)
            size_bytes += len(data)
        return digest.hexdigest(), size_bytes


def guess_media_type(filename: str) -> str:
    """Guess by the filename's extension; a client may always say better."""
    return mimetypes.guess_type(filename)[0] or DEFAULT_MEDIA_TYPE


def _open(content: Uploadable) -> tuple[BinaryIO, bool]:
    if isinstance(content, bytes | bytearray | memoryview):
        return io.BytesIO(content), True
    if isinstance(content, str | Path):
        path = Path(content)
        if not path.is_file() and not path.is_dir() and path.exists():  # a pipe or a device
            with path.open("rb") as pipe:
                return _spooled(pipe), True
        return path.open("rb"), True
    if isinstance(cast("object", content), io.TextIOBase):
        raise InvalidArgument("open the file in binary mode to upload it")
    return (content, False) if content.seekable() else (_spooled(content), True)


def _spooled(pipe: BinaryIO) -> BinaryIO:
    spool = tempfile.SpooledTemporaryFile(max_size=_SPOOL_BYTES)  # noqa: SIM115  # the source closes it
    try:
        shutil.copyfileobj(pipe, spool)
        spool.seek(0)
    except BaseException:
        spool.close()
        raise
    return spool  # type: ignore[return-value]  # it is one in all but its name


def _name_of(content: Uploadable) -> str:
    if isinstance(content, str | Path):
        return PurePath(content).name
    name = getattr(content, "name", None)  # of an open file; an int for a descriptor
    return PurePath(name).name if isinstance(name, str) else ""
