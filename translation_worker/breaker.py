"""Breaker: keeps a process from asking again and again what does not answer.

After a few failures in a row an engine is not asked for a while; then one piece of work tries it,
and its outcome decides. One breaker is for one engine, or one account at a chat API.
"""

import time
from collections.abc import Callable

FAILURES_TO_OPEN = 3
OPEN_SECONDS = 30.0


class Breaker:
    """Closed while all is well, open after failures, half open when its time is over.

    Used by one thread at a time.
    """

    def __init__(
        self,
        *,
        failures_to_open: int = FAILURES_TO_OPEN,
        open_seconds: float = OPEN_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._failures_to_open = failures_to_open
        self._open_seconds = open_seconds
        self._clock = clock
        self._failures = 0
        self._opened_at: float | None = None

    @property
    def seconds_closed_out(self) -> float:
        """Seconds until a try is allowed: 0 when the breaker is closed or half open."""
        if self._opened_at is None:
            return 0.0
        return max(0.0, self._opened_at + self._open_seconds - self._clock())

    def succeeded(self) -> None:
        """Close after any answer."""
        self._failures = 0
        self._opened_at = None

    def failed(self) -> bool:
        """Count a failure; true if it has opened the breaker. A failed try opens it again."""
        self._failures += 1
        if self._failures < self._failures_to_open:
            return False
        was_open = self._opened_at is not None
        self._opened_at = self._clock()
        return not was_open
