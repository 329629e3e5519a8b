"""A worker's scratch directory: one below the other for each attempt, none left over.

A worker that was killed leaves its directory. Each one is locked by the
process that made it, and the kernel frees the lock with the process, so the
next worker knows which are nobody's; process ids would not tell, as they are
used again. The lock is on the directory itself, where systemd-tmpfiles looks
for it too before it cleans up what is old.
"""

import contextlib
import fcntl
import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_PREFIX = "worker-"
_OWNER_END = "-attempt-"


class WorkerScratch:
    """A directory of this worker's own below `base`, removed by `remove`.

    Raises OSError.
    """

    _lock: int | None

    def __init__(self, base: Path) -> None:
        base.mkdir(mode=0o700, parents=True, exist_ok=True)
        if base.is_symlink() or base.stat().st_uid != os.getuid():
            # The default lies where every user may write.
            raise PermissionError("the scratch directory is another user's")
        _remove_abandoned(base)
        self.path, self._lock = _own_directory(base)

    def remove(self) -> None:
        """Remove the directory and all in it."""
        shutil.rmtree(self.path, ignore_errors=True)
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None


@contextmanager
def attempt_scratch(worker_scratch: Path) -> Iterator[Path]:
    """Give an empty directory for one attempt, and remove it afterwards."""
    path = worker_scratch / f"{os.getpid()}{_OWNER_END}{uuid.uuid4().hex}"
    path.mkdir(mode=0o700, parents=True)
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def remove_scratch_of(worker_scratch: Path, pid: int) -> None:
    """Remove the directories of a child that is gone."""
    for path in worker_scratch.glob(f"{pid}{_OWNER_END}*"):
        shutil.rmtree(path, ignore_errors=True)


def _own_directory(base: Path) -> tuple[Path, int]:
    """Make a directory and lock it.

    A worker that starts beside this one may look in before the lock is taken,
    and remove what seems to be nobody's: then it is made anew.
    """
    while True:
        path = base / f"{_PREFIX}{uuid.uuid4().hex}"
        path.mkdir(mode=0o700)
        with contextlib.suppress(FileNotFoundError):
            descriptor = _lock(path)
            if descriptor is not None:
                if os.path.samestat(os.fstat(descriptor), path.stat()):
                    return path, descriptor
                os.close(descriptor)


def _lock(path: Path) -> int | None:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC | os.O_NOFOLLOW)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    return descriptor


def _remove_abandoned(base: Path) -> None:
    for path in base.glob(f"{_PREFIX}*"):
        with contextlib.suppress(OSError):
            descriptor = _lock(path)
            if descriptor is not None:
                shutil.rmtree(path, ignore_errors=True)
                os.close(descriptor)
