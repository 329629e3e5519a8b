"""Proves that a file holds another one's pictures and sound, untouched.

Each stream's packets are hashed on both sides. Where a container frames packets in its own way,
as MPEG transport streams do, packets differ although nothing was changed: then what they decode
to is hashed.
"""

from collections.abc import Sequence

from babelmill.kit.wire.failure_reasons import FailureReason
from babelmill.kit.worker.handler import StepFailure
from media_worker.ffmpeg.command import SourceAccess
from media_worker.ffmpeg.media_info import MediaInfo, StreamInfo, StreamKind
from media_worker.ffmpeg.session import FfmpegSession
from media_worker.subtitles.arguments import hash_arguments

_REFRAMED_FORMATS = frozenset({"mpegts", "mpeg", "avi", "flv", "aac", "h264", "hevc"})
_TOLERANCE_SECONDS = 0.0025
_MOST_HASH_BYTES = 64 * 1024


def played_streams(info: MediaInfo) -> tuple[StreamInfo, ...]:
    """Return the streams of picture and sound, without pictures of covers."""
    kinds = {StreamKind.VIDEO, StreamKind.AUDIO}
    return tuple(s for s in info.streams if s.kind in kinds and not s.is_cover)


def check_copied(
    session: FfmpegSession,
    source: SourceAccess,
    source_info: MediaInfo,
    output: SourceAccess,
    output_info: MediaInfo,
) -> None:
    """Compare all pictures and sound of two files.

    Raises StepFailure: OUTPUT_INVALID, with metadata `check`; and Stopped.
    """
    before, after = played_streams(source_info), played_streams(output_info)
    if [s.kind for s in before] != [s.kind for s in after]:
        raise invalid("streams")
    _compare_times(before, after)
    indexes = [[s.index for s in before], [s.index for s in after]]
    if _hashes(session, source, indexes[0]) == _hashes(session, output, indexes[1]):
        return
    if _REFRAMED_FORMATS.isdisjoint(source_info.format_names):
        raise invalid("streamhash")
    decoded = [
        _hashes(session, access, wanted, decoded=True)
        for access, wanted in zip((source, output), indexes, strict=True)
    ]
    if decoded[0] != decoded[1]:
        raise invalid("decoded_streamhash")


def invalid(check: str) -> StepFailure:
    """Make the failure of an output that does not hold what it should."""
    return StepFailure(
        FailureReason.OUTPUT_INVALID,
        f"The output did not pass its check of {check.replace('_', ' ')}.",
        metadata={"check": check},
    )


def _compare_times(before: Sequence[StreamInfo], after: Sequence[StreamInfo]) -> None:
    """Make sure that sound and picture are as far apart."""
    starts = []
    for old, new in zip(before, after, strict=True):
        if (old.span is None) != (new.span is None):
            raise invalid("empty_stream")
        if old.span is None or new.span is None:
            continue
        starts.append((old.span.start_seconds, new.span.start_seconds))
    for old_start, new_start in starts[1:]:
        moved = (new_start - starts[0][1]) - (old_start - starts[0][0])
        if abs(moved) > _TOLERANCE_SECONDS:
            raise invalid("audio_video_offset")


def _hashes(
    session: FfmpegSession,
    source: SourceAccess,
    stream_indexes: Sequence[int],
    *,
    decoded: bool = False,
) -> list[str]:
    chunks: list[bytes] = []

    def take(chunk: bytes) -> None:
        if sum(map(len, chunks)) < _MOST_HASH_BYTES:
            chunks.append(chunk)

    session.run(hash_arguments(source, stream_indexes, decoded=decoded), on_stdout=take)
    lines = b"".join(chunks).decode("ascii", "replace").splitlines()
    # "0,v,SHA256=…": the number is that of the line.
    return [line.partition(",")[2] for line in lines]
