"""The cancellation token: how a running handler learns that it must stop.

A token is set once, from whichever thread first knows, and never unset. It
stops nothing by itself: the handler looks at it, waits on it, or hangs a
callback on it that ends a subprocess.
"""

import threading
from collections.abc import Callable
from enum import StrEnum


class StopReason(StrEnum):
    """Why an attempt must stop."""

    CANCELLED = "cancelled"
    LEASE_LOST = "lease_lost"
    TIMEOUT = "timeout"
    SHUTDOWN = "shutdown"


class StepStopped(Exception):
    """The attempt was told to stop."""

    def __init__(self, reason: StopReason) -> None:
        super().__init__(f"the attempt was told to stop: {reason}")
        self.reason = reason


class CancellationToken:
    """Set at most once, with the reason; safe for all threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._event = threading.Event()
        self._reason: StopReason | None = None
        self._callbacks: list[Callable[[StopReason], None]] = []

    @property
    def requested(self) -> bool:
        """Whether the attempt must stop."""
        return self._event.is_set()

    @property
    def reason(self) -> StopReason | None:
        """Why it must stop; None while it need not."""
        return self._reason

    def request(self, reason: StopReason) -> bool:
        """Ask the attempt to stop; true for the first request, which alone counts.

        Callbacks run in the caller's thread.
        """
        with self._lock:
            if self._reason is not None:
                return False
            self._reason = reason
            self._event.set()
            callbacks, self._callbacks = self._callbacks, []
        for callback in callbacks:
            callback(reason)
        return True

    def on_request(self, callback: Callable[[StopReason], None]) -> None:
        """Call `callback(reason)` once when a stop is requested, now if it was already.

        It runs in another thread, must be quick, and must not raise.
        """
        with self._lock:
            if self._reason is None:
                self._callbacks.append(callback)
                return
            reason = self._reason
        callback(reason)

    def raise_if_requested(self) -> None:
        """Raise StepStopped if a stop was requested."""
        if self._reason is not None:
            raise StepStopped(self._reason)

    def wait(self, timeout_seconds: float | None) -> bool:
        """Wait for a request; true when there is one."""
        return self._event.wait(timeout_seconds)
