"""Reads the blocks that `ffmpeg -progress` writes, and turns them into media seconds.

Traps that are handled here: any value can be `N/A`; `out_time_ms` holds
microseconds, so it is not read at all; at the start `out_time` follows the
sound, which is ahead of the picture; `progress=end` is also printed when
ffmpeg was told to stop, so it proves nothing.
"""

import math
from dataclasses import dataclass

_MAX_LINE_BYTES = 4096
_MICROSECONDS = 1_000_000
# Work is only done when its output was checked: until then a little is kept back.
_MOST_UNVERIFIED = 0.99


@dataclass(frozen=True, slots=True)
class ProgressBlock:
    """One report of ffmpeg; a value that it does not know is None."""

    frame: int | None
    out_seconds: float | None
    is_last: bool
    frames_per_second: float | None = None
    speed: float | None = None
    """Seconds of output in one second."""


class ProgressParser:
    """Takes ffmpeg's reports in pieces of any size."""

    def __init__(self) -> None:
        self._pending = b""
        self._values: dict[str, str] = {}

    def feed(self, chunk: bytes) -> list[ProgressBlock]:
        """Take the next piece and return the blocks that it completes."""
        lines = (self._pending + chunk).split(b"\n")
        # A line of this length is no report; dropping it bounds the memory.
        self._pending = lines.pop()[-_MAX_LINE_BYTES:]
        blocks: list[ProgressBlock] = []
        for line in lines:
            key, separator, value = line.decode("ascii", "replace").partition("=")
            if not separator:
                continue
            key, value = key.strip(), value.strip()
            if key in {"frame", "out_time_us", "fps", "speed"}:
                self._values[key] = value
            elif key == "progress":
                blocks.append(self._block(is_last=value == "end"))
        return blocks

    def _block(self, *, is_last: bool) -> ProgressBlock:
        values, self._values = self._values, {}
        microseconds = _integer(values.get("out_time_us"))
        return ProgressBlock(
            frame=_integer(values.get("frame")),
            out_seconds=None if microseconds is None else microseconds / _MICROSECONDS,
            is_last=is_last,
            frames_per_second=_positive(values.get("fps")),
            speed=_positive(values.get("speed", "").removesuffix("x")),
        )


class MediaProgress:
    """Media seconds done, from the blocks of one encode. It never goes backwards.

    Give `total_frames` where pictures are encoded: then frames are counted,
    since the clock follows the sound. `total_seconds` is reached only by
    `finish`.
    """

    def __init__(self, total_seconds: float, total_frames: int | None = None) -> None:
        self.total_seconds = total_seconds
        self.done_seconds = 0.0
        self.frames_encoded = 0
        self._total_frames = total_frames

    @property
    def counts_frames(self) -> bool:
        """Whether pictures are encoded."""
        return bool(self._total_frames)

    def take(self, block: ProgressBlock) -> float:
        """Take a block and return the seconds done."""
        if block.frame is not None:
            self.frames_encoded = max(self.frames_encoded, block.frame)
        if self._total_frames:
            reached = self.frames_encoded / self._total_frames * self.total_seconds
        else:
            reached = block.out_seconds or 0.0
        ceiling = self.total_seconds * _MOST_UNVERIFIED
        self.done_seconds = max(self.done_seconds, min(max(reached, 0.0), ceiling))
        return self.done_seconds

    def finish(self) -> float:
        """Say that the output was verified."""
        self.done_seconds = self.total_seconds
        return self.done_seconds


def _integer(text: str | None) -> int | None:
    if text is None:
        return None
    try:
        return int(text)
    except ValueError:
        return None


def _positive(text: str | None) -> float | None:
    """Read a rate; what is not known, or not yet more than nothing, is None."""
    try:
        value = float(text or "")
    except ValueError:
        return None
    return value if value > 0 and math.isfinite(value) else None
