"""An artifact store in a directory of this host.

An object is written aside, synced, and renamed into place, so a reader sees
all of it or nothing, also after a power cut. Each directory of a key is
opened by itself relative to its parent and symbolic links are not followed,
so no key and no planted link leads out of the store.
"""

import contextlib
import errno
import fcntl
import hashlib
import os
import stat
import time
import uuid
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import BinaryIO

from babelmill.kit.artifacts.keys import key_parts
from babelmill.kit.artifacts.store import (
    InvalidKey,
    ObjectMissing,
    OffsetConflict,
    StoredDigest,
    StoreError,
    StoreFull,
)

_INCOMING = ".incoming"
_ABANDONED_SECONDS = 24 * 3600
_READ_BYTES = 1024 * 1024
_DIR_FLAGS = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE_FLAGS = os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
_MISSING = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP)
# delete() may prune a directory just as a writer is about to use it.
_WRITE_TRIES = 5


class LocalStore:
    """Objects as files of mode 0600 below `root`, which is made if need be."""

    def __init__(self, root: Path) -> None:
        with _store_errors():
            root.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.root = root.resolve(strict=True)
            (self.root / _INCOMING).mkdir(mode=0o700, exist_ok=True)
        self.drop_unfinished(_ABANDONED_SECONDS)

    def write(self, key: str, chunks: Iterable[bytes], *, durable: bool = True) -> StoredDigest:
        """Store a whole object: it is durable and complete, or not there.

        Without `durable` a power cut may lose or damage it; nothing else may.
        """
        parts = key_parts(key)
        aside = self.root / _INCOMING / uuid.uuid4().hex
        sha256, size_bytes = hashlib.sha256(), 0
        try:
            with _store_errors(), _create(aside) as file:
                for chunk in chunks:
                    sha256.update(chunk)
                    size_bytes += len(chunk)
                    file.write(chunk)
                file.flush()
                if durable:
                    os.fsync(file.fileno())
            self._move_in(aside, parts, durable=durable)
        finally:
            aside.unlink(missing_ok=True)
        return StoredDigest(sha256.hexdigest(), size_bytes)

    def append(self, key: str, offset: int, data: bytes) -> int:
        """Add to an object whose size is `offset`, and return its new size."""
        parts = key_parts(key)
        for _ in range(_WRITE_TRIES):
            with contextlib.suppress(FileNotFoundError), _store_errors(pass_missing=True):
                return self._append(parts, offset, data)
        raise StoreError("the object's directory keeps vanishing")

    def open(self, key: str, offset: int = 0) -> BinaryIO:
        """Open for reading at an offset. Raises ObjectMissing."""
        if offset < 0:
            raise ValueError("offset is negative")
        file = os.fdopen(self._open_file(key_parts(key)), "rb")
        file.seek(offset)
        return file

    def size(self, key: str) -> int | None:
        """Tell an object's size in bytes, None if there is none."""
        try:
            descriptor = self._open_file(key_parts(key))
        except ObjectMissing:
            return None
        try:
            return os.fstat(descriptor).st_size
        finally:
            os.close(descriptor)

    def digest(self, key: str) -> StoredDigest:
        """Read an object through and name its content. Raises ObjectMissing."""
        with self.open(key) as file, _store_errors():
            return _digest(file)

    @contextmanager
    def _local_path(self, key: str) -> Iterator[Path]:
        parts = key_parts(key)
        os.close(self._open_file(parts))
        yield self.root.joinpath(*parts)

    def local_path(self, key: str) -> AbstractContextManager[Path]:
        """Give the object's own file, for reading only. Raises ObjectMissing."""
        return self._local_path(key)

    def place(self, key: str, path: Path) -> StoredDigest:
        """Take a finished local file in; it is gone from `path` afterwards."""
        parts = key_parts(key)
        try:
            descriptor = os.open(path, os.O_RDONLY | _FILE_FLAGS)
        except OSError as error:
            if error.errno in _MISSING:
                raise ObjectMissing("there is no file to place") from None
            raise StoreError("the file to place cannot be read") from error
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            raise StoreError("only a regular file can be placed")
        with os.fdopen(descriptor, "rb") as file:
            if os.fstat(descriptor).st_dev != self.root.stat().st_dev:
                digest = self.write(key, iter(lambda: file.read(_READ_BYTES), b""))
                path.unlink(missing_ok=True)
                return digest
            with _store_errors():
                digest = _digest(file)
                os.fchmod(descriptor, 0o600)
                os.fsync(descriptor)
            self._move_in(path, parts)
        return digest

    def delete(self, key: str) -> None:
        """Remove an object, and directories that it leaves empty."""
        parts = key_parts(key)
        try:
            with _store_errors(), self._directory(parts[:-1]) as directory:
                os.unlink(parts[-1], dir_fd=directory)
        except ObjectMissing:
            return
        self._prune(parts[:-1])

    def delete_prefix(self, prefix: str) -> None:
        """Remove an object or all objects below a prefix, and empty directories."""
        parts = key_parts(prefix.rstrip("/"))
        try:
            with _store_errors(), self._directory(parts[:-1]) as parent:
                if stat.S_ISDIR(os.lstat(parts[-1], dir_fd=parent).st_mode):
                    _remove_tree(parts[-1], parent)
                else:
                    os.unlink(parts[-1], dir_fd=parent)
        except ObjectMissing:
            return
        self._prune(parts[:-1])

    def keys(self, prefix: str = "") -> Iterator[tuple[str, float]]:
        """List objects below a prefix with their time of change in Unix seconds."""
        parts = key_parts(prefix.rstrip("/")) if prefix else ()
        start = self.root.joinpath(*parts)
        if start.resolve() != start:
            return  # a link on the way
        if start.is_file():
            yield "/".join(parts), start.stat().st_mtime
            return
        for folder, folders, files in os.walk(start, followlinks=False):
            folders[:] = sorted(name for name in folders if not name.startswith("."))
            relative = Path(folder).relative_to(self.root)
            for name in sorted(files):
                key = (relative / name).as_posix()
                try:
                    key_parts(key)
                    found = Path(folder, name).lstat()
                except (InvalidKey, FileNotFoundError):
                    continue  # not an object, or deleted meanwhile
                if stat.S_ISREG(found.st_mode):
                    yield key, found.st_mtime

    def drop_unfinished(self, older_than_seconds: float) -> int:
        """Remove what dead writers have left that is no object yet; tell how many pieces."""
        oldest = time.time() - older_than_seconds
        dropped = 0
        with _store_errors():
            for path in (self.root / _INCOMING).iterdir():
                with contextlib.suppress(FileNotFoundError):
                    if path.lstat().st_mtime < oldest:
                        path.unlink()
                        dropped += 1
        return dropped

    def _append(self, parts: tuple[str, ...], offset: int, data: bytes) -> int:
        with self._directory(parts[:-1], make=True) as directory:
            flags = os.O_RDWR | os.O_CREAT | _FILE_FLAGS
            descriptor = os.open(parts[-1], flags, 0o600, dir_fd=directory)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX)
                size_bytes = os.fstat(descriptor).st_size
                if size_bytes != offset:
                    raise OffsetConflict(size_bytes)
                try:
                    _write_all(descriptor, offset, data)
                    os.fsync(descriptor)
                except OSError:
                    os.ftruncate(descriptor, offset)
                    raise
                if offset == 0:
                    os.fsync(directory)
            finally:
                os.close(descriptor)
        return offset + len(data)

    def _open_file(self, parts: tuple[str, ...]) -> int:
        with _store_errors(), self._directory(parts[:-1]) as directory:
            descriptor = os.open(parts[-1], os.O_RDONLY | _FILE_FLAGS, dir_fd=directory)
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            raise ObjectMissing
        return descriptor

    def _move_in(self, path: Path, parts: tuple[str, ...], *, durable: bool = True) -> None:
        for _ in range(_WRITE_TRIES):
            with contextlib.suppress(FileNotFoundError), _store_errors(pass_missing=True):
                with self._directory(parts[:-1], make=True) as directory:
                    os.rename(path, parts[-1], dst_dir_fd=directory)
                    if durable:
                        os.fsync(directory)
                return
        raise StoreError("the object's directory keeps vanishing")

    @contextmanager
    def _directory(self, parts: tuple[str, ...], *, make: bool = False) -> Iterator[int]:
        current = os.open(self.root, _DIR_FLAGS)
        try:
            for part in parts:
                try:
                    below = os.open(part, _DIR_FLAGS, dir_fd=current)
                except FileNotFoundError:
                    if not make:
                        raise
                    with contextlib.suppress(FileExistsError):
                        os.mkdir(part, 0o700, dir_fd=current)
                        os.fsync(current)
                    below = os.open(part, _DIR_FLAGS, dir_fd=current)
                os.close(current)
                current = below
            yield current
        finally:
            os.close(current)

    def _prune(self, parts: tuple[str, ...]) -> None:
        for length in range(len(parts), 0, -1):
            try:
                with self._directory(parts[: length - 1]) as parent:
                    os.rmdir(parts[length - 1], dir_fd=parent)
            except OSError:
                return  # not empty, or another process pruned it


@contextmanager
def _store_errors(*, pass_missing: bool = False) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise StoreFull from error
        if error.errno == errno.ENOENT and pass_missing:
            raise
        if error.errno in _MISSING:
            raise ObjectMissing from error
        raise StoreError(
            f"the artifact store failed: {errno.errorcode.get(error.errno or 0)}"
        ) from error


@contextmanager
def _create(path: Path) -> Iterator[BinaryIO]:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | _FILE_FLAGS
    with os.fdopen(os.open(path, flags, 0o600), "wb") as file:
        yield file


def _write_all(descriptor: int, offset: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        written = os.pwrite(descriptor, view, offset)
        offset, view = offset + written, view[written:]


def _digest(file: BinaryIO) -> StoredDigest:
    sha256, size_bytes = hashlib.sha256(), 0
    while chunk := file.read(_READ_BYTES):
        sha256.update(chunk)
        size_bytes += len(chunk)
    return StoredDigest(sha256.hexdigest(), size_bytes)


def _remove_tree(name: str, parent: int) -> None:
    for _, folders, files, directory in os.fwalk(
        name, topdown=False, follow_symlinks=False, dir_fd=parent
    ):
        for file in files:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(file, dir_fd=directory)
        for folder in folders:
            with contextlib.suppress(FileNotFoundError):
                if stat.S_ISLNK(os.lstat(folder, dir_fd=directory).st_mode):
                    os.unlink(folder, dir_fd=directory)
                else:
                    os.rmdir(folder, dir_fd=directory)
    os.rmdir(name, dir_fd=parent)
