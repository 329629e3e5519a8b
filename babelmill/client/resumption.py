"""When a broken stream is worth another try, and after what wait.

Pure but for the clock and the dice, which come as arguments: watches,
uploads and downloads share it, in both clients.
"""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass

from babelmill.client.errors import (
    Aborted,
    BabelmillError,
    CallCancelled,
    DeadlineExceeded,
    Internal,
    ResourceExhausted,
    Unavailable,
    Unknown,
)

_PASSING = (Unavailable, DeadlineExceeded, Aborted, CallCancelled, Internal, Unknown)
# These may also be a defect that no wait mends, so they get few tries.
_SUSPICIOUS = (Internal, Unknown)
_CROWDED = "TOO_MANY_WATCHERS"
_WATCHER_REASONS = frozenset({"SLOW_WATCHER", _CROWDED})


@dataclass(frozen=True, slots=True)
class ResumePolicy:
    """How patiently a stream is resumed.

    It is given up when nothing has arrived for `patience_seconds`, or after
    `suspicious_tries` INTERNAL or UNKNOWN errors in a row.
    """

    first_delay_seconds: float = 0.1
    largest_delay_seconds: float = 10.0
    patience_seconds: float = 300.0
    suspicious_tries: int = 8
    waits_for_room: bool = True
    """Whether it waits while its tenant has too many watches. Who holds streams for others must
    not: each of them would ask again and again."""


class Resumption:
    """Counts the breaks of one stream since it last brought something."""

    def __init__(
        self,
        policy: ResumePolicy,
        clock: Callable[[], float] = time.monotonic,
        draw: Callable[[], float] = random.random,
    ) -> None:
        self._policy = policy
        self._clock = clock
        self._draw = draw
        self._breaks = 0
        self._suspicious = 0
        self._silent_since = clock()

    def progressed(self) -> None:
        """Forget the breaks so far: something has arrived."""
        self._breaks = 0
        self._suspicious = 0
        self._silent_since = self._clock()

    def delay_after(self, error: BabelmillError) -> float:
        """Return the seconds to wait before the next try; raise `error` if there is none.

        Exponential with jitter over its upper half, and never shorter than
        what the service asks for.
        """
        crowded = error.reason == _CROWDED and not self._policy.waits_for_room
        if crowded or not is_passing(error):
            raise error
        if isinstance(error, _SUSPICIOUS):
            self._suspicious += 1
            if self._suspicious >= self._policy.suspicious_tries:
                raise error
        step = min(
            self._policy.first_delay_seconds * 2.0 ** min(self._breaks, 32),
            self._policy.largest_delay_seconds,
        )
        self._breaks += 1
        delay = max(step * (0.5 + 0.5 * self._draw()), error.retry_after_seconds or 0.0)
        if self._clock() + delay - self._silent_since > self._policy.patience_seconds:
            raise error
        return delay


def is_passing(error: BabelmillError) -> bool:
    """Tell whether the same stream can succeed when it is opened again."""
    if isinstance(error, ResourceExhausted):
        return error.reason in _WATCHER_REASONS
    return isinstance(error, _PASSING)
