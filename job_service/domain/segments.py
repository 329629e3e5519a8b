"""A video in segments: what a client can say of it, and when it pays.

`SegmentPolicy` holds the service's own numbers; `MediaSplit` is what a worker
has found. The steps are planned in `plan_media`.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from math import isfinite
from typing import Any  # what JSON holds

from job_service.domain.errors import InvalidRequest, Violation
from job_service.domain.transcode_options import TranscodeOptions

NOT_POSSIBLE = "SEGMENTS_NOT_POSSIBLE"

# They change which frames there are; segments are cut between those of the source.
_FRAME_CHANGING = ("duration_seconds", "frame_rate", "start_seconds")
# Few videos have fewer bytes a second, and those are quick to encode. So a small file
# is known to be short, or not worth it, without a step that looks at it.
_LEAST_BYTES_PER_SECOND = 50_000


class SegmentsMode(StrEnum):
    """Whether a video is encoded in segments."""

    AUTO = "AUTO"
    OFF = "OFF"
    ON = "ON"


@dataclass(frozen=True, slots=True)
class Segments:
    """What a client says of segments; a length of 0 leaves it to the service."""

    mode: SegmentsMode = SegmentsMode.AUTO
    length_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class SegmentPolicy:
    """The numbers by which the service cuts videos."""

    from_seconds: float = 120.0
    """In AUTO mode, shorter videos are left in one piece."""
    length_seconds: float = 30.0
    """How long a segment is where the client has not said."""
    most: int = 200
    """How many segments a video is cut into: all are named in the lease that joins them."""
    at_once: int = 8
    """How many of one video are encoded or wait in a queue at the same time."""


@dataclass(frozen=True, slots=True)
class Segmenting:
    """What is known of segments when a job is planned: the presets that take them."""

    presets: frozenset[str] = frozenset()
    policy: SegmentPolicy = field(default_factory=SegmentPolicy)


@dataclass(frozen=True, slots=True)
class MediaSegment:
    """A run of frames that is encoded in one step; 0 where nobody has counted them."""

    frames: int
    seconds: float


@dataclass(frozen=True, slots=True)
class MediaSplit:
    """What a split step has found; one segment says that the video stays in one piece."""

    segments: tuple[MediaSegment, ...]
    plan_filename: str = ""
    source_filename: str = ""


def violations_of(
    segments: Segments, options: TranscodeOptions, path: str, *, preset_takes_them: bool
) -> list[Violation]:
    """Return why a video cannot be encoded in segments, if the client insists on them."""
    if segments.mode is not SegmentsMode.ON:
        return []
    if not preset_takes_them:
        return [Violation(f"{path}mode", "the preset cannot be made in segments", NOT_POSSIBLE)]
    return [
        Violation(f"{path}mode", f"option {name} does not go with segments", NOT_POSSIBLE)
        for name in _FRAME_CHANGING
        if name in options.values
    ]


def pays(
    segments: Segments,
    options: TranscodeOptions,
    size_bytes: int,
    segmenting: Segmenting,
    preset: str,
) -> bool:
    """Tell whether to look for places to cut."""
    if segments.mode is SegmentsMode.ON:
        return True
    if segments.mode is SegmentsMode.OFF or preset not in segmenting.presets:
        return False
    if any(name in options.values for name in _FRAME_CHANGING):
        return False
    return size_bytes >= segmenting.policy.from_seconds * _LEAST_BYTES_PER_SECOND


def check_split(found: MediaSplit, most: int, filenames: Collection[str]) -> None:
    """Make sure that later steps can be planned from it. Raises InvalidRequest.

    `filenames` are those of the step's outputs.
    """
    wrong = []
    if not 1 <= len(found.segments) <= most:
        wrong.append(Violation("split.segments", f"There must be from 1 to {most}."))
    fewest = 1 if len(found.segments) > 1 else 0
    for index, segment in enumerate(found.segments):
        if segment.frames < fewest or not isfinite(segment.seconds) or segment.seconds <= 0:
            wrong.append(Violation(f"split.segments[{index}]", "It must last and have frames."))
    if len(found.segments) > 1 and found.plan_filename not in filenames:
        wrong.append(Violation("split.plan_filename", "It must name an output."))
    if found.source_filename and found.source_filename not in filenames:
        wrong.append(Violation("split.source_filename", "It must name an output."))
    if wrong:
        raise InvalidRequest(*wrong)


def segments_form(segments: Segments) -> dict[str, object]:
    """Write what a client has said, ready for JSON; nothing for what it left open."""
    if segments == Segments():
        return {}
    return {"segments": {"mode": segments.mode.value, "length_seconds": segments.length_seconds}}


def read_segments(form: Mapping[str, Any] | None) -> Segments:
    """Read what a client has said from JSON."""
    if not form:
        return Segments()
    return Segments(SegmentsMode(form["mode"]), float(form["length_seconds"]))
