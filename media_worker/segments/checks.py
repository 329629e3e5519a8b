"""Holds what was encoded and joined against the plan, frame by frame. Pure."""

from collections.abc import Sequence

from babelmill.kit.wire.failure_reasons import FailureReason
from babelmill.kit.worker.handler import StepFailure
from media_worker.segments.cutting import Segment
from media_worker.segments.frame_times import FrameTimes

MOST_DRIFT_MICROSECONDS = 1_000
"""How far a frame may lie from its time: what the coarsest container rounds off."""

_MICROSECONDS = 1_000_000


def check_segment(found: FrameTimes | str, segment: Segment) -> None:
    """Make sure that a segment has its frames, from its first to its last.

    Raises StepFailure: OUTPUT_INVALID.
    """
    if isinstance(found, str) or len(found.ticks) != segment.frames:
        raise _invalid("segment_frames")
    lasts = _microseconds(found, found.ticks[-1] - found.ticks[0])
    if abs(lasts - segment.last_start_microseconds) > MOST_DRIFT_MICROSECONDS:
        raise _invalid("segment_duration")


def check_joined(found: FrameTimes | str, segments: Sequence[Segment]) -> int:
    """Make sure that all frames are there, and each segment at its time.

    Returns the largest drift in microseconds. Raises StepFailure: OUTPUT_INVALID.
    """
    if isinstance(found, str) or len(found.ticks) != sum(each.frames for each in segments):
        raise _invalid("video_frames")
    largest = 0
    first = 0
    for segment in segments:
        for index, expected in (
            (first, segment.start_microseconds),
            (
                first + segment.frames - 1,
                segment.start_microseconds + segment.last_start_microseconds,
            ),
        ):
            shown = _microseconds(found, found.ticks[index] - found.ticks[0])
            largest = max(largest, abs(shown - expected))
        first += segment.frames
    if largest > MOST_DRIFT_MICROSECONDS:
        raise _invalid("segment_drift")
    return largest


def _microseconds(times: FrameTimes, ticks: int) -> int:
    return round(times.seconds(ticks) * _MICROSECONDS)


def _invalid(check: str) -> StepFailure:
    return StepFailure(
        FailureReason.OUTPUT_INVALID,
        f"The output did not pass its check of {check.replace('_', ' ')}.",
        metadata={"check": check},
    )
