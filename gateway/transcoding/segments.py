"""What a client asks of a video in segments, in JSON; names are those of the contract."""

from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from babelmill.media.v1 import segments_pb2
from gateway.transcoding.words import word

_PREFIX = "SEGMENTS_MODE_"


class SegmentsModeWord(StrEnum):
    """Whether a video is encoded in segments, by several workers at once."""

    UNSPECIFIED = "unspecified"
    AUTO = "auto"
    OFF = "off"
    ON = "on"


class Segments(BaseModel):
    """How a video is cut to be encoded; the pictures are those of an encode in one piece."""

    model_config = ConfigDict(extra="forbid", title="Segments")

    mode: SegmentsModeWord = Field(
        default=SegmentsModeWord.UNSPECIFIED,
        description="`auto`, the usual one, cuts long videos; `on` cuts short ones too.",
    )
    length_seconds: Annotated[float, Field(allow_inf_nan=False)] = Field(
        default=0, description="How long a segment should last; 0 leaves it to the service."
    )


def segments_to_proto(given: Segments) -> segments_pb2.Segments:
    """Read segments into their message."""
    return segments_pb2.Segments(
        mode=segments_pb2.SegmentsMode.Value(f"{_PREFIX}{given.mode.name}"),
        length_seconds=given.length_seconds,
    )


def segments_from_proto(message: segments_pb2.Segments) -> Segments:
    """Write segments."""
    return Segments(
        mode=word(SegmentsModeWord, segments_pb2.SegmentsMode.Name, _PREFIX, message.mode),
        length_seconds=message.length_seconds,
    )
