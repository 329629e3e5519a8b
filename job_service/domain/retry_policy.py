"""How often a step is tried, and how long it waits in between.

Failures that the work reports and workers that die are counted apart: a flaky
engine deserves more patience than an input that kills its worker.
"""

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """Budgets and backoff: exponential with full jitter."""

    max_application_failures: int = 5
    max_crashes: int = 3
    base: timedelta = timedelta(seconds=2)
    cap: timedelta = timedelta(seconds=600)

    def exhausted(self, application_failures: int, crashes: int) -> bool:
        """Tell whether either budget is used up."""
        return application_failures >= self.max_application_failures or crashes >= self.max_crashes

    def delay(
        self, application_failures: int, jitter: float, retry_after: timedelta | None = None
    ) -> timedelta:
        """Return the wait before the next attempt.

        `jitter` is a random number in [0, 1). The wait is never shorter than
        `retry_after`, which the failure's cause has asked for, and that is
        obeyed only up to the cap.
        """
        exponent = min(max(application_failures - 1, 0), 16)
        ceiling = min(self.base * (1 << exponent), self.cap)
        asked = min(max(retry_after or timedelta(), timedelta()), self.cap)
        return max(ceiling * jitter, asked)


REPUBLISH_WAITS = (
    timedelta(seconds=60),
    timedelta(minutes=2),
    timedelta(minutes=4),
    timedelta(minutes=8),
    timedelta(minutes=10),
)


def republish_wait(times_published: int) -> timedelta:
    """Return how long a step may stay unclaimed after being published so many times."""
    index = min(max(times_published, 1), len(REPUBLISH_WAITS)) - 1
    return REPUBLISH_WAITS[index]
