"""Builds ffmpeg's arguments for cutting and joining. Pure.

What was tried out and must stay so: a segment begins midway between two
frames and ends by a count of frames, as a bound in time takes one too many or
too few; the times of frames pass through untouched; segments lie in MP4, for
Matroska rounds times to milliseconds; the list that joins them names each
one's duration, for those in their headers are not exact.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from media_worker.ffmpeg.command import (
    SourceAccess,
    global_arguments,
    input_arguments,
    map_arguments,
)
from media_worker.ffmpeg.launcher import PROGRESS_FD
from media_worker.segments.cutting import Segment

SEGMENT_MUXER = "mp4"
SEGMENT_DEMUXER = "mov"
SEGMENT_MEDIA_TYPE = "video/mp4"
LIST_NAME = "segments.ffconcat"

_STATS_PERIOD_SECONDS = "0.5"
_FROM_ZERO = "setpts=PTS-STARTPTS"
_DURATION_SLACK_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class SegmentEncode:
    """One segment to be encoded."""

    stream_index: int
    segment: Segment
    video_arguments: tuple[str, ...]
    threads: int
    strict: bool
    output_name: str


@dataclass(frozen=True, slots=True)
class Join:
    """A video to be put together of its segments, and of the sound of its source."""

    audio_index: int | None
    audio_arguments: tuple[str, ...]
    container_arguments: tuple[str, ...]
    muxer: str
    output_name: str
    threads: int
    start_microseconds: int
    max_seconds: float


def remux_arguments(source: SourceAccess, stream_indexes: Sequence[int], name: str) -> list[str]:
    """Copy streams into a container that can be read from any place in it."""
    return [
        *global_arguments("error"),
        *input_arguments(source),
        *map_arguments(stream_indexes),
        *("-c", "copy", "-fflags", "+bitexact", "-f", "matroska", f"file:{name}"),
    ]


def segment_arguments(source: SourceAccess, encode: SegmentEncode) -> list[str]:
    """Encode the pictures of one segment, and report progress on the launcher's pipe."""
    seek = encode.segment.seek_microseconds
    return [
        *global_arguments("error"),
        *(["-xerror"] if encode.strict else []),
        *_progress(),
        *("-filter_threads", str(encode.threads)),
        *([] if seek is None else ["-ss", f"{seek}us"]),
        *input_arguments(source),
        *map_arguments([encode.stream_index]),
        *_from_zero(encode.video_arguments),
        *("-fps_mode", "passthrough", "-enc_time_base", "demux"),
        *("-frames:v", str(encode.segment.frames)),
        *("-threads", str(encode.threads)),
        *("-f", SEGMENT_MUXER, f"file:{encode.output_name}"),
    ]


def join_list(names: Sequence[str], segments: Sequence[Segment]) -> str:
    """Write the list of what is to be joined."""
    lines = ["ffconcat version 1.0"]
    for name, segment in zip(names, segments, strict=True):
        lines += [f"file {name}", f"duration {segment.duration_microseconds}us"]
    return "\n".join(lines) + "\n"


def join_arguments(source: SourceAccess, join: Join) -> list[str]:
    """Join segments and encode the sound, in one run.

    Sound in a file of its own would lose how late it begins.
    """
    listed = SourceAccess(
        name=LIST_NAME,
        formats=("concat", SEGMENT_DEMUXER),
        max_pixels=source.max_pixels,
        max_streams=source.max_streams,
        threads=1,
    )
    return [
        *global_arguments("error"),
        *_progress(),
        *("-itsoffset", f"{join.start_microseconds}us"),
        *input_arguments(listed),
        *([] if join.audio_index is None else input_arguments(source)),
        *("-map", "0:v:0"),
        *([] if join.audio_index is None else ["-map", f"1:{join.audio_index}"]),
        *("-c:v", "copy"),
        *join.audio_arguments,
        *join.container_arguments,
        *("-threads", str(join.threads)),
        *("-t", f"{join.max_seconds + _DURATION_SLACK_SECONDS:.3f}"),
        # Without random ids, the same input always gives the same file.
        *("-fflags", "+bitexact"),
        *("-f", join.muxer, f"file:{join.output_name}"),
    ]


def _progress() -> list[str]:
    return ["-progress", f"pipe:{PROGRESS_FD}", "-stats_period", _STATS_PERIOD_SECONDS]


def _from_zero(video_arguments: Sequence[str]) -> list[str]:
    """Let a segment's times begin at zero, before any other filter."""
    arguments = list(video_arguments)
    for option in ("-vf", "-filter:v"):
        if option in arguments:
            at = arguments.index(option) + 1
            arguments[at] = f"{_FROM_ZERO},{arguments[at]}"
            return arguments
    return [*arguments, "-vf", _FROM_ZERO]
