"""A file that appears under its name only when it is whole.

Bytes are kept beside the target, under a name made of the artifact's id, so
that a download which was broken off, even by the end of its process, goes on
where it stood. One process at a time may download an artifact to one path.
"""

import os
from collections.abc import Iterator
from pathlib import Path

_READ_BYTES = 1024 * 1024
_LONGEST_NAME_BYTES = 200


class PartialFile:
    """The kept part of a download. All methods can raise OSError."""

    def __init__(self, target: Path, artifact_id: str) -> None:
        self._target = target
        # The id comes from a message: nothing of it may become a path.
        tag = "".join(c for c in artifact_id if c.isalnum() or c == "-")[:64]
        stem = target.name.encode()[: _LONGEST_NAME_BYTES - 64].decode(errors="ignore")
        self._path = target.with_name(f".{stem}.{tag}.part")
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o666)
        self._file = os.fdopen(descriptor, "r+b")

    def kept(self) -> Iterator[bytes]:
        """Read what an earlier download has kept, and go on behind it."""
        self._file.seek(0)
        while data := self._file.read(_READ_BYTES):
            yield data

    def write(self, data: bytes) -> None:
        """Add bytes at the end."""
        self._file.write(data)

    def restart(self) -> None:
        """Forget what was kept."""
        self._file.seek(0)
        self._file.truncate()

    def finish(self) -> Path:
        """Put the whole file in place, durably; replaces a file of that name."""
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        self._path.replace(self._target)
        return self._target

    def discard(self) -> None:
        """Remove what was kept: it is of no use."""
        self._file.close()
        self._path.unlink(missing_ok=True)

    def close(self) -> None:
        """Keep what has come for another time; an empty part is removed."""
        if self._file.closed:
            return
        self._file.flush()
        empty = os.fstat(self._file.fileno()).st_size == 0
        self._file.close()
        if empty:
            self._path.unlink(missing_ok=True)
