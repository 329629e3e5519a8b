"""The artifact store's contract: large bytes by key, whole or not there.

The store knows nothing of jobs, tenants or who may read; keys are chosen by
the services and never by a client.
"""

from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol


class StoreError(Exception):
    """The artifact store could not do what it was asked."""

    def __init__(self, message: str = "") -> None:
        super().__init__(message or (type(self).__doc__ or ""))


class ObjectMissing(StoreError):
    """There is no object of that key."""


class InvalidKey(StoreError):
    """The key is not a relative path of safe parts."""


class StoreFull(StoreError):
    """There is no space left to store more."""


class OffsetConflict(StoreError):
    """The object does not end at the offset to append at."""

    def __init__(self, size_bytes: int) -> None:
        super().__init__(f"the object has {size_bytes} bytes")
        self.size_bytes = size_bytes


@dataclass(frozen=True, slots=True)
class StoredDigest:
    """Names stored bytes: sha256 in lower-case hexadecimal, and size."""

    sha256: str
    size_bytes: int


class ArtifactStore(Protocol):
    """Where objects lie. Safe for use by several threads and processes.

    All methods raise InvalidKey for a bad key and StoreError when the store
    cannot be used; those that write raise StoreFull.
    """

    def write(self, key: str, chunks: Iterable[bytes], *, durable: bool = True) -> StoredDigest:
        """Store a whole object: it is durable and complete, or not there.

        Without `durable` a power cut may lose or damage it; nothing else may.
        """
        ...

    def append(self, key: str, offset: int, data: bytes) -> int:
        """Add to an object whose size is `offset`, and return its new size.

        Durable when it returns. Raises OffsetConflict. One writer at a time.
        """
        ...

    def open(self, key: str, offset: int = 0) -> BinaryIO:
        """Open for reading at an offset. Raises ObjectMissing."""
        ...

    def size(self, key: str) -> int | None:
        """Tell an object's size in bytes, None if there is none."""
        ...

    def digest(self, key: str) -> StoredDigest:
        """Read an object through and name its content. Raises ObjectMissing."""
        ...

    def local_path(self, key: str) -> AbstractContextManager[Path]:
        """Give a file to read from, for programs that need one. Raises ObjectMissing."""
        ...

    def place(self, key: str, path: Path) -> StoredDigest:
        """Take a finished local file in; it is gone from `path` afterwards."""
        ...

    def delete(self, key: str) -> None:
        """Remove an object; one that is not there is fine."""
        ...

    def delete_prefix(self, prefix: str) -> None:
        """Remove all objects below a prefix, which ends at a whole part of the key."""
        ...

    def keys(self, prefix: str = "") -> Iterator[tuple[str, float]]:
        """List objects below a prefix with their time of change in Unix seconds."""
        ...

    def drop_unfinished(self, older_than_seconds: float) -> int:
        """Remove what dead writers have left that is no object yet; tell how many pieces."""
        ...
