"""Decides where a video is cut. Pure.

Cuts lie between two frames, at equal distances in time, wherever the key
pictures are: a segment's decoding begins at the key picture before it, and
what comes between is thrown away. That costs a little decoding, and no
frame; where it would cost much, the video is not cut.
"""

from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from fractions import Fraction
from math import ceil

from media_worker.segments.frame_times import FrameTimes

_MICROSECONDS = 1_000_000
# Decoding costs about a tenth of encoding, so at most a tenth more work is done.
_MOST_DECODED_IN_VAIN = 1.0
# ffmpeg takes where to begin in microseconds; frames closer than this cannot be told apart.
_CLOSEST_FRAMES_SECONDS = Fraction(20, _MICROSECONDS)


@dataclass(frozen=True, slots=True)
class Segment:
    """A run of frames."""

    frames: int
    seek_microseconds: int | None
    """Where to begin reading, midway between two frames; None is the beginning."""
    start_microseconds: int
    """When its first frame is shown, counted from the video's first frame."""
    last_start_microseconds: int
    """When its last frame is shown, counted from its own first."""
    duration_microseconds: int

    @property
    def seconds(self) -> float:
        """How long it lasts."""
        return self.duration_microseconds / _MICROSECONDS


def duration_seconds(times: FrameTimes) -> float:
    """Say how long the video lasts, from its first frame to the end of its last."""
    return float(times.seconds(times.ticks[-1] - times.ticks[0] + times.last_duration_ticks))


def count_segments(seconds: float, length_seconds: float, most: int) -> int:
    """Say how many segments of about a length a video has."""
    return max(1, min(most, round(seconds / length_seconds)))


def cut(times: FrameTimes, count: int) -> tuple[Segment, ...]:
    """Cut a video into `count` segments, or fewer if it has not that many frames."""
    firsts = _first_frames(times, count)
    starts = [_microseconds(times, times.ticks[i] - times.ticks[0]) for i in firsts]
    end = _microseconds(times, times.ticks[-1] - times.ticks[0] + times.last_duration_ticks)
    segments = []
    for number, first in enumerate(firsts):
        following = firsts[number + 1] if number + 1 < len(firsts) else len(times.ticks)
        after = starts[number + 1] if number + 1 < len(starts) else end
        last_start = times.ticks[following - 1] - times.ticks[first]
        segments.append(
            Segment(
                frames=following - first,
                seek_microseconds=_midway(times, first) if first else None,
                start_microseconds=starts[number],
                last_start_microseconds=_microseconds(times, last_start),
                # Differences of rounded times: what is rounded off never adds up.
                duration_microseconds=after - starts[number],
            )
        )
    return tuple(segments)


def wastes_decoding(times: FrameTimes, segments: tuple[Segment, ...]) -> bool:
    """Tell whether too much would have to be decoded in vain, as key pictures are rare."""
    wasted = 0
    first = 0
    for segment in segments:
        tick = times.ticks[first]
        before = bisect_right(times.key_ticks, tick) - 1
        key = times.key_ticks[before] if before >= 0 else times.ticks[0]
        wasted += first - bisect_left(times.ticks, key)
        first += segment.frames
    return wasted > len(times.ticks) * _MOST_DECODED_IN_VAIN


def _first_frames(times: FrameTimes, count: int) -> list[int]:
    """Choose the first frame of each segment."""
    length = Fraction(times.ticks[-1] - times.ticks[0] + times.last_duration_ticks, count)
    firsts = [0]
    for number in range(1, count):
        index = bisect_left(times.ticks, ceil(times.ticks[0] + length * number))
        if firsts[-1] < index < len(times.ticks) and _apart(times, index):
            firsts.append(index)
    return firsts


def _apart(times: FrameTimes, index: int) -> bool:
    gap = times.ticks[index] - times.ticks[index - 1]
    return times.seconds(gap) >= _CLOSEST_FRAMES_SECONDS


def _midway(times: FrameTimes, index: int) -> int:
    return round(times.seconds(times.ticks[index - 1] + times.ticks[index]) / 2 * _MICROSECONDS)


def _microseconds(times: FrameTimes, ticks: int) -> int:
    return round(times.seconds(ticks) * _MICROSECONDS)
