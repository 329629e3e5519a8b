"""Reads when each frame of one video stream is shown, from ffmpeg's packet list.

The packet list (`command.scan_arguments` for that one stream) tells it without
decoding. Where it cannot tell it exactly, such as for frames without a time,
the reading says why, and the video is left in one piece.
"""

import re
from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

from media_worker.ffmpeg.packet_scan import MalformedScan

_NO_TIMESTAMP = -(2**63)  # AV_NOPTS_VALUE
_FLAG_KEY = 0x1
_FLAG_DISCARD = 0x4
_FLAGS = re.compile(rb", F=0x([0-9A-Fa-f]+)")
_TIME_BASE = re.compile(rb"^#tb 0: (\d{1,12})/(\d{1,12})$")
_MIN_COLUMNS = 6
_MAX_LINE_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class FrameTimes:
    """The times of a stream's frames in the order in which they are shown."""

    seconds_per_tick: Fraction
    ticks: Sequence[int]
    key_ticks: Sequence[int]
    """Times of the pictures that decoding can begin with, in the same order."""
    last_duration_ticks: int
    """How long the last frame stays."""

    def seconds(self, ticks: float) -> Fraction:
        """Turn ticks into seconds, exactly."""
        return Fraction(ticks) * self.seconds_per_tick


class FrameTimesReader:
    """Takes the list in pieces of any size. Raises MalformedScan."""

    def __init__(self) -> None:
        self._pending = b""
        self._seconds_per_tick = Fraction(0)
        self._ticks = array("q")
        self._keys = array("q")
        self._first: int | None = None
        self._last = (_NO_TIMESTAMP, 0)
        self._fault = ""

    def feed(self, chunk: bytes) -> None:
        """Take the next piece of the list."""
        lines = (self._pending + chunk).split(b"\n")
        self._pending = lines.pop()
        if len(self._pending) > _MAX_LINE_BYTES:
            raise MalformedScan("a line without end")
        for line in lines:
            self._take(line)

    def finish(self) -> FrameTimes | str:
        """Return the times, or the word for why they cannot be told."""
        if self._pending:
            line, self._pending = self._pending, b""
            self._take(line)
        if self._fault or not self._ticks:
            return self._fault or "no_frames"
        ticks = array("q", sorted(self._ticks))
        if any(earlier == later for earlier, later in pairwise(ticks)):
            return "two_frames_at_once"
        if self._first is not None and ticks[0] < self._first:
            # They refer to pictures that are not in the file.
            return "frames_before_the_first_key"
        duration = self._last[1]
        if duration <= 0 and len(ticks) > 1:
            duration = (ticks[-1] - ticks[0]) // (len(ticks) - 1)
        return FrameTimes(
            self._seconds_per_tick, ticks, array("q", sorted(self._keys)), max(duration, 1)
        )

    def _take(self, line: bytes) -> None:
        if line.startswith(b"#") or not line:
            base = _TIME_BASE.match(line)
            if base is not None and int(base[2]):
                self._seconds_per_tick = Fraction(int(base[1]), int(base[2]))
            return
        columns = line.split(b",", 5)
        if len(columns) < _MIN_COLUMNS or not self._seconds_per_tick:
            raise MalformedScan("a packet with too few columns, or without time base")
        try:
            shown, duration = int(columns[2]), int(columns[3])
        except ValueError:
            raise MalformedScan("a packet with a column that is no number") from None
        found = _FLAGS.search(columns[5])
        flags = _FLAG_KEY if found is None else int(found[1], 16)
        if shown == _NO_TIMESTAMP:
            self._fault = self._fault or "frames_without_time"
            return
        if flags & _FLAG_KEY:
            self._keys.append(shown)
        if self._first is None:
            self._first = shown
        if flags & _FLAG_DISCARD:
            return
        self._ticks.append(shown)
        if shown > self._last[0]:
            self._last = (shown, duration)
