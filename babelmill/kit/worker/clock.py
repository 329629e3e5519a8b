"""The clock of a worker's timers: it never jumps, and runs on while the host sleeps.

A lease runs out by the database's clock also when the worker's host was
suspended; CLOCK_BOOTTIME sees that, CLOCK_MONOTONIC does not.
"""

import time


def elapsed_seconds() -> float:
    """Give seconds since some fixed moment; only differences mean anything."""
    boottime = getattr(time, "CLOCK_BOOTTIME", None)
    return time.monotonic() if boottime is None else time.clock_gettime(boottime)
