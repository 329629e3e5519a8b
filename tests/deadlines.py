"""Waiting on conditions, never on the clock alone."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def eventually(
    probe: Callable[[], T | None], *, timeout_seconds: float = 20, interval_seconds: float = 0.05
) -> T:
    """Call `probe` until it returns something true, and return that.

    Raises AssertionError with the last value, or with the probe's own last
    AssertionError, when the time is up.
    """
    deadline = time.monotonic() + timeout_seconds
    while True:
        failure: AssertionError | None = None
        value: T | None = None
        try:
            value = probe()
        except AssertionError as error:
            failure = error
        if value:
            return value
        if time.monotonic() > deadline:
            raise failure or AssertionError(f"still {value!r} after {timeout_seconds} s")
        time.sleep(interval_seconds)
