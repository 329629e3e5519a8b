"""The statistics of the benchmarks: medians, spreads, paired ratios, orders.

Pure. On a shared machine only a ratio of two things measured in the same
round means anything, so ratios are made round by round and then summed up.
"""

import math
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Spread:
    """A median with the smallest and the largest value that it comes from."""

    median: float
    low: float
    high: float
    count: int

    def to_json(self) -> dict[str, float | int]:
        """Give it as JSON-ready values."""
        return asdict(self)


def spread(values: Sequence[float]) -> Spread:
    """Sum up values. Raises ValueError if there are none, or one is not finite."""
    if not values:
        raise ValueError("no values to sum up")
    if not all(math.isfinite(value) for value in values):
        raise ValueError("a value is not finite")
    return Spread(statistics.median(values), min(values), max(values), len(values))


def paired_ratios(ours: Sequence[float], theirs: Sequence[float]) -> Spread:
    """Divide round by round, then sum up.

    A ratio of two medians would mix rounds, and with them the machine's moods.
    Raises ValueError if the rounds do not match or a divisor is not positive.
    """
    if len(ours) != len(theirs):
        raise ValueError(f"{len(ours)} rounds cannot be paired with {len(theirs)}")
    if any(value <= 0 for value in theirs):
        raise ValueError("a divisor is not positive")
    return spread([mine / yours for mine, yours in zip(ours, theirs, strict=True)])


def percentile(values: Sequence[float], fraction: float) -> float:
    """Return the smallest value that at least `fraction` of all do not exceed (nearest rank).

    Raises ValueError without values, or for a fraction outside 0 to 1.
    """
    if not values:
        raise ValueError("no values to rank")
    if not 0 <= fraction <= 1:
        raise ValueError("a fraction lies between 0 and 1")
    ordered = sorted(values)
    rank = max(1, math.ceil(fraction * len(ordered)))
    return ordered[rank - 1]


def order_of_round(items: Sequence[T], number: int) -> list[T]:
    """Give the order for round `number`, from 0.

    Rotating alone would keep every item behind the same neighbour, and what a
    neighbour leaves behind (dirty pages, a warm cache) would always meet the
    same victim; so every second round runs backwards.
    """
    if not items:
        return []
    start = number % len(items)
    rotated = [*items[start:], *items[:start]]
    return rotated[::-1] if number % 2 else rotated


def completed_within(
    finished: Sequence[float], window_start: float, window_end: float
) -> list[int]:
    """Return the positions of what finished inside the window, its start included."""
    return [i for i, at in enumerate(finished) if window_start <= at < window_end]


def is_noisy(control: Spread, tolerance: float = 0.2) -> bool:
    """Tell whether an A/A control, the same thing measured twice, is off by too much."""
    return abs(control.median - 1) > tolerance
