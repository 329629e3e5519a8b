"""A thread's own process that starts launchers: kept, renewed when it is gone, and ended.

The kernel ties a process's life to the thread that started it. So there is one
of these for each thread that runs ffmpeg, made at its first run.
"""

import os
import socket
import subprocess  # what this file is for
import sys
import threading
import weakref
from collections.abc import Sequence
from pathlib import Path

import media_worker
from media_worker.ffmpeg.isolation import ENVIRONMENT

_PACKAGES = str(Path(media_worker.__file__).parents[1])
# As a module it is compiled once, and as a script each time.
_START = (
    "import sys; sys.path.append(sys.argv.pop(1)); "
    "from media_worker.ffmpeg.starter import main; sys.exit(main(sys.argv))"
)
_own = threading.local()


class Starter:
    """One such process. Raises OSError if it cannot be started."""

    def __init__(self) -> None:
        self.owner_pid = os.getpid()
        self._orders, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(  # fixed names, no shell
                [
                    *(sys.executable, "-I", "-S", "-c", _START, _PACKAGES),
                    *(str(os.getpid()), str(theirs.fileno())),
                ],
                env=ENVIRONMENT,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                pass_fds=(theirs.fileno(),),
                start_new_session=True,
                umask=0o077,
            )
        self.kill = weakref.finalize(self, _end, self._process, self._orders)
        """End it, and at once all that it has started. Idempotent."""

    @property
    def is_alive(self) -> bool:
        """Whether it has neither ended nor been killed."""
        return self.kill.alive and self._process.poll() is None

    def launch(self, descriptors: Sequence[int]) -> None:
        """Start a launcher with these (see `starter`). Raises OSError if the process is gone."""
        socket.send_fds(self._orders, [b"+"], list(descriptors))


def own_starter() -> Starter:
    """Return the calling thread's own, which lives. Raises OSError if it cannot be started."""
    kept: Starter | None = getattr(_own, "starter", None)
    # A process forked from this one has a copy, but not the right to it.
    if kept is None or kept.owner_pid != os.getpid() or not kept.is_alive:
        if kept is not None and kept.owner_pid == os.getpid():
            kept.kill()
        kept = _own.starter = Starter()
    return kept


def _end(process: subprocess.Popen[bytes], orders: socket.socket) -> None:
    orders.close()
    process.kill()
    process.wait()
