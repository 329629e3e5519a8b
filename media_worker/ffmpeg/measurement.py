"""Measures what ffmpeg costs: peak CPU over one-second windows, peak memory, CPU seconds.

Peak memory is the kernel's high-water mark of ffmpeg's own address space,
sampled while it runs, together with the figure of the thin launcher that
waits for it. The figure that a large parent gets from wait4 would be its own
peak, for a child inherits that until it executes.

Peak CPU depends on the window (a shorter one shows more), so the window is
part of the definition: the most CPU time within any one second, in percent of
one core. Between two samples CPU time is taken to grow evenly.
"""

import os
from collections import deque
from dataclasses import dataclass
from pathlib import Path

SAMPLE_SECONDS = 0.2
_WINDOW_SECONDS = 1.0
_KIB = 1024


@dataclass(frozen=True, slots=True)
class ProcessSample:
    """What /proc says of a running process."""

    cpu_seconds: float
    peak_rss_bytes: int


class UsageMeter:
    """Adds up the runs of one attempt, on one clock in seconds (any origin).

    Call `begin_run`, then `sample` any number of times, then `end_run`.
    """

    def __init__(self) -> None:
        self.peak_rss_bytes = 0
        self._base_seconds = 0.0
        self._points: deque[tuple[float, float]] = deque()
        self._most_in_a_window = 0.0

    @property
    def cpu_seconds(self) -> float:
        """User and system time of all runs that have ended."""
        return self._base_seconds

    @property
    def peak_cpu_percent(self) -> float:
        """The most CPU within one second, in percent of one core.

        More than all cores cannot be: such a reading is the rounding of the
        kernel's clock ticks, and is cut off.
        """
        possible = 100.0 * len(os.sched_getaffinity(0))
        return min(self._most_in_a_window / _WINDOW_SECONDS * 100.0, possible)

    def begin_run(self, now_seconds: float) -> None:
        """Say that a process is being started."""
        self._add(now_seconds, self._base_seconds)

    def sample(self, now_seconds: float, sample: ProcessSample) -> None:
        """Take a reading of the running process."""
        self.peak_rss_bytes = max(self.peak_rss_bytes, sample.peak_rss_bytes)
        self._add(now_seconds, self._base_seconds + sample.cpu_seconds)

    def end_run(self, now_seconds: float, final: ProcessSample | None) -> None:
        """Take the kernel's final account; None if it was lost with the launcher."""
        if final is None:
            self._base_seconds = self._points[-1][1] if self._points else self._base_seconds
            return
        self.peak_rss_bytes = max(self.peak_rss_bytes, final.peak_rss_bytes)
        self._base_seconds += final.cpu_seconds
        self._add(now_seconds, self._base_seconds)

    def _add(self, now: float, cpu: float) -> None:
        if self._points:
            latest, latest_cpu = self._points[-1]
            now, cpu = max(now, latest), max(cpu, latest_cpu)
        else:
            latest = now
        self._points.append((now, cpu))
        # CPU time is a broken line, so the fullest window starts or ends at a corner of it.
        fullest = cpu - self._cpu_at(now - _WINDOW_SECONDS)
        for start, start_cpu in self._points:
            end = start + _WINDOW_SECONDS
            if end > now:
                break
            if end > latest:
                fullest = max(fullest, self._cpu_at(end) - start_cpu)
        self._most_in_a_window = max(self._most_in_a_window, fullest)
        while len(self._points) > 1 and self._points[1][0] <= now - _WINDOW_SECONDS:
            self._points.popleft()

    def _cpu_at(self, moment: float) -> float:
        before = self._points[0]
        for point in self._points:
            if point[0] >= moment:
                width = point[0] - before[0]
                if width <= 0:
                    return point[1] if point[0] <= moment else before[1]
                share = max(0.0, moment - before[0]) / width
                return before[1] + share * (point[1] - before[1])
            before = point
        return before[1]


def innermost_process(pid: int) -> int:
    """Give the last of the processes that have each started one other: the one that works."""
    while True:
        try:
            children = Path(f"/proc/{pid}/task/{pid}/children").read_bytes().split()
        except (FileNotFoundError, ProcessLookupError):
            return pid
        if len(children) != 1:
            return pid
        pid = int(children[0])


def read_process(pid: int) -> ProcessSample | None:
    """Read a process's figures from /proc; None if it has ended."""
    directory = Path("/proc") / str(pid)
    try:
        status = (directory / "status").read_bytes()
        stat = (directory / "stat").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return parse_process(status, stat, os.sysconf("SC_CLK_TCK"))


def parse_process(status: bytes, stat: bytes, ticks_per_second: int) -> ProcessSample | None:
    """Read /proc/PID/status and /proc/PID/stat (proc(5)); None for a process without memory."""
    peak_kib: int | None = None
    for line in status.splitlines():
        if line.startswith(b"VmHWM:"):
            peak_kib = int(line.split()[1])
    if peak_kib is None:
        # A zombie has no memory any more; its final account comes from wait4.
        return None
    # The second field is the program's name in brackets and can hold spaces and brackets.
    fields = stat[stat.rindex(b")") + 2 :].split()
    user_ticks, system_ticks = int(fields[11]), int(fields[12])
    return ProcessSample(
        cpu_seconds=(user_ticks + system_ticks) / ticks_per_second,
        peak_rss_bytes=peak_kib * _KIB,
    )
