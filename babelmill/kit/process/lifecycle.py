"""How a process ends: with its parent, or when it is told to.

A supervisor that is killed cannot stop its children, so they ask the kernel
to do it. A stop request is only recorded here; what draining means is the
service's own affair.
"""

import asyncio
import ctypes
import os
import signal
import sys
import threading
from collections.abc import Callable
from types import FrameType

_PR_SET_PDEATHSIG = 1  # <linux/prctl.h>
_PR_SET_CHILD_SUBREAPER = 36


def die_with_parent(sig: int = signal.SIGKILL, *, parent_pid: int | None = None) -> None:
    """Ask the kernel to send `sig` to this process when its parent ends.

    A parent that ended before the request took effect is found by comparing
    parent ids; give `parent_pid` where the parent's id is known for certain.
    Does nothing on systems other than Linux. Raises OSError if refused.

    The kernel means the parent's *thread* that started this process: start
    children from a thread that lives as long as the process.
    """
    if sys.platform != "linux":
        return
    expected = os.getppid() if parent_pid is None else parent_pid
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_PDEATHSIG, int(sig), 0, 0, 0) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    if os.getppid() != expected:
        os.kill(os.getpid(), sig)


def adopt_orphans() -> None:
    """Become the parent of what children of this process leave behind when they end.

    Does nothing on systems other than Linux. Raises OSError if refused.
    """
    if sys.platform != "linux":
        return
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


class StopSignal:
    """A request to stop, by SIGTERM or SIGINT or by the program itself.

    `event` serves threads, `wait_async` serves an event loop; `reason` is the
    first request's. Later requests change nothing.
    """

    def __init__(self) -> None:
        self.event = threading.Event()
        self.reason = ""
        self._lock = threading.Lock()
        self._callbacks: list[Callable[[str], None]] = []
        self._loop: asyncio.AbstractEventLoop | None = None
        self._async_event: asyncio.Event | None = None

    @property
    def requested(self) -> bool:
        """Whether a stop was requested."""
        return self.event.is_set()

    def request(self, reason: str) -> None:
        """Record the first request and wake whoever waits. Thread-safe."""
        with self._lock:
            if self.event.is_set():
                return
            self.reason = reason
            self.event.set()
            callbacks, self._callbacks = self._callbacks, []
            loop, async_event = self._loop, self._async_event
        if loop is not None and async_event is not None and not loop.is_closed():
            loop.call_soon_threadsafe(async_event.set)
        for callback in callbacks:
            callback(reason)

    def on_request(self, callback: Callable[[str], None]) -> None:
        """Call `callback(reason)` once, at once if a stop was already requested."""
        with self._lock:
            if not self.event.is_set():
                self._callbacks.append(callback)
                return
        callback(self.reason)

    def wait(self, timeout_seconds: float | None = None) -> bool:
        """Wait in a thread; true when a stop was requested."""
        return self.event.wait(timeout_seconds)

    async def wait_async(self) -> str:
        """Wait in an event loop and return the reason. For one loop only."""
        with self._lock:
            if self._async_event is None:
                self._loop = asyncio.get_running_loop()
                self._async_event = asyncio.Event()
                if self.event.is_set():
                    self._async_event.set()
            waiting = self._async_event
        await waiting.wait()
        return self.reason

    def install(self) -> None:
        """Take SIGTERM and SIGINT in a process without an event loop (main thread only)."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._handle)

    def install_async(self) -> None:
        """Take SIGTERM and SIGINT in the running event loop."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.request, signal.Signals(number).name)

    def _handle(self, number: int, _: FrameType | None) -> None:
        # A handler runs between two bytecodes of the main thread, which may
        # hold the lock: the request is made elsewhere.
        name = signal.Signals(number).name
        threading.Thread(target=self.request, args=(name,), daemon=True).start()
