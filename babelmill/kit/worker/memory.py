"""How large a child has become: past a limit it is replaced, between two attempts.

Billiard asks after each task and starts a new child in the place of one that
is too large; no attempt runs then. But it asks the kernel for the largest
size that the child has ever had, so that one large input would cost a new
child, models and all, although its memory has long been given back.
"""

import ctypes
import gc
import sys

import psutil
from billiard import pool

_KIB = 1024


def measure_present_memory(limit_bytes: int) -> None:
    """Let billiard in this process go by the memory that the process has now."""

    def resident_kib() -> int:
        if _resident_bytes() > limit_bytes:
            # What is free but not given back does not count.
            gc.collect()
            _trim()
        return _resident_bytes() // _KIB

    pool.mem_rss = resident_kib


def _resident_bytes() -> int:
    return int(psutil.Process().memory_info().rss)


def _trim() -> None:
    if sys.platform == "linux":
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # the GNU library has it
        if trim is not None:
            trim(0)
