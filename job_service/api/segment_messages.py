"""Videos in segments, between messages and the domain: the wish, and the finding."""

import math

from babelmill.media.v1 import segments_pb2
from job_service.api.validation import Violations
from job_service.domain.segments import MediaSegment, MediaSplit, Segments, SegmentsMode

_LENGTH_SECONDS = (1.0, 3600.0)
_MOST_READ = 2000
_MODES = {
    segments_pb2.SEGMENTS_MODE_UNSPECIFIED: SegmentsMode.AUTO,
    segments_pb2.SEGMENTS_MODE_AUTO: SegmentsMode.AUTO,
    segments_pb2.SEGMENTS_MODE_OFF: SegmentsMode.OFF,
    segments_pb2.SEGMENTS_MODE_ON: SegmentsMode.ON,
}


def read_segments(given: segments_pb2.Segments, violations: Violations, path: str) -> Segments:
    """Read what a client says of segments."""
    mode = _MODES.get(given.mode)
    if mode is None:
        violations.add(f"{path}.mode", "It must be a known mode.")
    shortest, longest = _LENGTH_SECONDS
    length = given.length_seconds
    if length and not shortest <= length <= longest:
        violations.add(
            f"{path}.length_seconds",
            f"It must be from {shortest:g} to {longest:g}, or 0.",
            "OUT_OF_RANGE",
        )
    return Segments(mode or SegmentsMode.AUTO, length)


def write_segments(found: Segments) -> segments_pb2.Segments | None:
    """Write what a client has said; None where it has said nothing."""
    if found == Segments():
        return None
    return segments_pb2.Segments(
        mode=segments_pb2.SegmentsMode.Value(f"SEGMENTS_MODE_{found.mode}"),
        length_seconds=found.length_seconds,
    )


def media_split(message: segments_pb2.MediaSplit, violations: Violations) -> MediaSplit:
    """Read what a split step has found; whether it can be planned from is judged later."""
    if len(message.segments) > _MOST_READ:
        violations.add("split.segments", f"There are more than {_MOST_READ}.")
    for index, segment in enumerate(message.segments[:_MOST_READ]):
        if not math.isfinite(segment.seconds):
            violations.add(f"split.segments[{index}].seconds", "It must be a finite number.")
    return MediaSplit(
        segments=tuple(
            MediaSegment(segment.frames, segment.seconds)
            for segment in message.segments[:_MOST_READ]
        ),
        plan_filename=message.plan_filename,
        source_filename=message.source_filename,
    )
