"""Progress of one attempt: taken from any thread, passed on by heartbeats.

Reports are cheap and coalesce; only the newest matters. Within a unit and
total, `done` never goes backwards, and it never passes the total.
"""

import math
import threading
from collections.abc import Callable
from dataclasses import dataclass

from babelmill.jobs.v1 import progress_pb2


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast an encoder works, on average; what is not known is None."""

    frames_per_second: float | None = None
    speed: float | None = None
    """Seconds of media in one second."""


class ProgressTracker:
    """Keeps the newest progress; `on_first` is called at the first report."""

    def __init__(self, on_first: Callable[[], None]) -> None:
        self._lock = threading.Lock()
        self._on_first: Callable[[], None] | None = on_first
        self._unit = progress_pb2.PROGRESS_UNIT_UNSPECIFIED
        self._done = 0.0
        self._total = 0.0
        self._stage = ""
        self._pace = Pace()
        self._changed = False

    def report(
        self,
        unit: progress_pb2.ProgressUnit.ValueType,
        done: float,
        total: float,
        stage: str,
        pace: Pace | None = None,
    ) -> None:
        """Record how much is done. Figures that are no numbers are left out."""
        if not (math.isfinite(done) and math.isfinite(total)):
            return
        done, total = max(done, 0.0), max(total, 0.0)
        if total > 0:
            done = min(done, total)
        with self._lock:
            if unit == self._unit and total == self._total:
                done = max(done, self._done)
            new = (unit, done, total, stage)
            if new == (self._unit, self._done, self._total, self._stage):
                return
            self._unit, self._done, self._total, self._stage = new
            self._pace = pace or Pace()
            self._changed = True
            on_first, self._on_first = self._on_first, None
        if on_first is not None:
            on_first()

    def take_changed(self) -> progress_pb2.Progress | None:
        """Give the progress if it has changed since it was last taken."""
        with self._lock:
            if not self._changed:
                return None
            self._changed = False
            return progress_pb2.Progress(
                unit=self._unit,
                done=self._done,
                total=self._total,
                stage=self._stage,
                frames_per_second=self._pace.frames_per_second,
                speed=self._pace.speed,
            )

    def put_back(self) -> None:
        """Say that what was taken did not arrive: it is due again."""
        with self._lock:
            self._changed = True
