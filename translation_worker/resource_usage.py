"""Resource usage: what an attempt really cost, measured while it runs.

Counts this process and the engines' helper processes. Nothing is estimated: what could not be
measured is left out of the message.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from types import TracebackType
from typing import Self

import psutil

from babelmill.jobs.v1 import usage_pb2
from translation_worker.engines.brief import Spending

_SAMPLE_SECONDS = 0.1
# The contract's window for the peak of CPU use.
_WINDOW_SECONDS = 1.0


class UsageMeter:
    """Measures from entering the context to leaving it."""

    def __init__(self, helper_process_ids: Callable[[], Iterable[int]]) -> None:
        self._helper_process_ids = helper_process_ids
        self._own = psutil.Process()
        # Looked up once: psutil asks the kernel who it is whenever it makes one.
        self._helpers: dict[int, psutil.Process] = {}
        self._lock = threading.Lock()
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._run, name="usage-meter", daemon=True)
        self._started = self._ended = 0.0
        # CPU seconds of each process at its first and its latest sample: helpers come and go.
        self._first: dict[int, float] = {}
        self._latest: dict[int, float] = {}
        self._window: deque[tuple[float, float]] = deque()
        self._peak_rss_bytes = 0
        self._peak_cpu_percent: float | None = None

    def __enter__(self) -> Self:
        self._started = time.monotonic()
        self._sample()
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._done.set()
        self._thread.join()
        self._sample()
        self._ended = time.monotonic()

    def usage(self, input_bytes: int, output_bytes: int) -> usage_pb2.Usage:
        """Return what was measured, after the context has been left."""
        usage = usage_pb2.Usage(
            peak_rss_bytes=self._peak_rss_bytes,
            cpu_seconds=self._cpu_seconds(),
            processing_seconds=self._ended - self._started,
            input_bytes=input_bytes,
            output_bytes=output_bytes,
        )
        if self._peak_cpu_percent is not None:
            usage.peak_cpu_percent = self._peak_cpu_percent
        return usage

    def _run(self) -> None:
        while not self._done.wait(_SAMPLE_SECONDS):
            self._sample()

    def _cpu_seconds(self) -> float:
        return sum(latest - self._first[pid] for pid, latest in self._latest.items())

    def _sample(self) -> None:
        with self._lock:
            rss_bytes = self._read(self._own)
            for pid in self._helper_process_ids():
                try:
                    helper = self._helpers.get(pid) or psutil.Process(pid)
                    self._helpers[pid] = helper
                    rss_bytes += self._read(helper)
                except psutil.Error:
                    # It has ended since it was listed; its last sample stands.
                    continue
            self._peak_rss_bytes = max(self._peak_rss_bytes, rss_bytes)
            self._note_cpu(time.monotonic(), self._cpu_seconds())

    def _read(self, process: psutil.Process) -> int:
        """Note a process's CPU seconds and return its resident bytes."""
        with process.oneshot():
            times = process.cpu_times()
            seconds = times.user + times.system
            age_seconds = time.time() - process.create_time()
            known_before = age_seconds > time.monotonic() - self._started
            self._first.setdefault(process.pid, seconds if known_before else 0.0)
            self._latest[process.pid] = seconds
            return process.memory_info().rss

    def _note_cpu(self, now: float, seconds: float) -> None:
        self._window.append((now, seconds))
        # Keep one sample that is at least a window old, to measure from.
        while len(self._window) > 1 and now - self._window[1][0] >= _WINDOW_SECONDS:
            self._window.popleft()
        then, before = self._window[0]
        if now - then >= _WINDOW_SECONDS:
            percent = 100 * (seconds - before) / (now - then)
            self._peak_cpu_percent = max(self._peak_cpu_percent or 0.0, percent)


def with_spending(usage: usage_pb2.Usage, spending: Spending) -> usage_pb2.Usage:
    """Add what was asked of engines to what was measured; a figure of 0 was not measured."""
    if spending.characters:
        usage.engine_characters = spending.characters
    if spending.tokens:
        usage.engine_tokens = spending.tokens
    return usage
