"""`--segments` and `--segment-length`: whether a video is encoded in pieces, by many workers."""

from typing import Annotated

import typer

from babelmill.media.v1 import segments_pb2

_MODES = {
    "auto": segments_pb2.SEGMENTS_MODE_AUTO,
    "on": segments_pb2.SEGMENTS_MODE_ON,
    "off": segments_pb2.SEGMENTS_MODE_OFF,
}

SegmentsWord = Annotated[
    str,
    typer.Option(
        "--segments",
        metavar="auto|on|off",
        help="Encode a video in segments, by several workers at once; auto does so if it is long.",
    ),
]
SegmentLength = Annotated[
    float,
    typer.Option(
        "--segment-length",
        metavar="SECONDS",
        min=0,
        help="How long a segment should last; 0 leaves it to the service.",
    ),
]


def parse_segments(word: str, length_seconds: float) -> segments_pb2.Segments | None:
    """Read both; None where nothing was asked for. Raises BadParameter."""
    mode = _MODES.get(word.lower())
    if mode is None:
        raise typer.BadParameter(f"{word!r} is none of auto, on, off", param_hint="--segments")
    if mode == segments_pb2.SEGMENTS_MODE_AUTO and not length_seconds:
        return None
    return segments_pb2.Segments(mode=mode, length_seconds=length_seconds)
