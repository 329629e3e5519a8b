"""When a watcher may send its next tick of progress, and must send a sign of life."""

from collections.abc import Callable


class Pace:
    """The timers of one watch. `monotonic` tells seconds."""

    def __init__(
        self,
        keep_alive_seconds: float,
        tick_interval_seconds: float,
        monotonic: Callable[[], float],
    ) -> None:
        self._keep_alive_seconds = keep_alive_seconds
        self._tick_interval_seconds = tick_interval_seconds
        self._monotonic = monotonic
        self._keep_alive_at = monotonic() + keep_alive_seconds
        self._tick_at = monotonic()

    def item_sent(self) -> None:
        """Note that something was sent: that is a sign of life, too."""
        self._keep_alive_at = self._monotonic() + self._keep_alive_seconds

    def tick_sent(self) -> None:
        """Note that progress was sent."""
        self._tick_at = self._monotonic() + self._tick_interval_seconds
        self.item_sent()

    def tick_is_due(self) -> bool:
        """Tell whether progress may be sent."""
        return self._monotonic() >= self._tick_at

    def keep_alive_is_due(self) -> bool:
        """Tell whether a sign of life must be sent."""
        return self._monotonic() >= self._keep_alive_at

    def wait_seconds(self, *, tick_waits: bool) -> float:
        """Tell how long nothing is to be done, unless something new comes."""
        until = min(self._keep_alive_at, self._tick_at) if tick_waits else self._keep_alive_at
        return until - self._monotonic()
