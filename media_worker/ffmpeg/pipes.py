"""Two small parts of reading a process's pipes: a wake-up for the reader, and bounded memory."""

import os
import threading
from contextlib import suppress

_READ_BYTES = 64 * 1024
_KEPT_HEAD_BYTES = 128 * 1024
_KEPT_TAIL_BYTES = 32 * 1024


class Waker:
    """A pipe that ends a wait in select(); a wake after its end does nothing."""

    def __init__(self) -> None:
        self.read_fd, self._write_fd = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self._lock = threading.Lock()
        self._closed = False

    def wake(self, _reason: object) -> None:
        """Wake the reader; from any thread."""
        # The lock keeps the byte from going to another file with the closed one's number.
        with self._lock:
            if not self._closed:
                with suppress(BlockingIOError):
                    os.write(self._write_fd, b"!")

    def drain(self) -> None:
        """Forget the wakes so far."""
        with suppress(BlockingIOError):
            os.read(self.read_fd, _READ_BYTES)

    def close(self) -> None:
        """Close both ends."""
        with self._lock:
            self._closed = True
            os.close(self.read_fd)
            os.close(self._write_fd)


class HeadAndTail:
    """Keeps the beginning and the end of what ffmpeg says, whatever its length."""

    def __init__(self) -> None:
        self._head = b""
        self._tail = b""

    def add(self, chunk: bytes) -> None:
        """Take the next piece."""
        room = _KEPT_HEAD_BYTES - len(self._head)
        self._head += chunk[:room]
        self._tail = (self._tail + chunk[room:])[-_KEPT_TAIL_BYTES:]

    def text(self) -> str:
        """Return what was kept."""
        return (self._head + self._tail).decode("utf-8", "replace")
