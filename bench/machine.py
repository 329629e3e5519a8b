"""What the machine does meanwhile: its load, and what processes cost.

CPU time is steadier than wall time when others use the cores too.
"""

import os
import platform
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass

import psutil


@dataclass(frozen=True, slots=True)
class MachineState:
    """How busy the machine is by itself."""

    cores: int
    python: str
    load_1_minute: float
    busy_percent: float
    """Of all cores, over one second in which the benchmark does nothing."""

    def to_json(self) -> dict[str, object]:
        """Give it as JSON-ready values."""
        return asdict(self)


def observe(seconds: float = 1.0) -> MachineState:
    """Look at the machine for a while."""
    return MachineState(
        cores=os.cpu_count() or 1,
        python=platform.python_version(),
        load_1_minute=os.getloadavg()[0],
        busy_percent=psutil.cpu_percent(interval=seconds),
    )


def cpu_seconds(pids: Sequence[int]) -> float:
    """Sum the CPU time that processes and their living children have used so far."""
    total = 0.0
    for pid in pids:
        for process in _tree(pid):
            times = process.cpu_times()
            total += times.user + times.system
    return total


def rss_bytes(pid: int) -> int:
    """Return the resident memory of one process."""
    resident: int = psutil.Process(pid).memory_info().rss
    return resident


def settled_rss_bytes(pid: int, *, timeout_seconds: float = 5.0) -> int:
    """Return the resident memory once it has stopped growing for half a second."""
    deadline = time.monotonic() + timeout_seconds
    last, steady = rss_bytes(pid), 0
    while steady < 5 and time.monotonic() < deadline:
        time.sleep(0.1)
        now = rss_bytes(pid)
        steady = steady + 1 if now == last else 0
        last = now
    return last


def _tree(pid: int) -> list[psutil.Process]:
    process = psutil.Process(pid)
    return [process, *process.children(recursive=True)]
