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
from media_worker.subtitles.arguments import decoded_hash_arguments

_REFRAMED_FORMATS = frozenset({"mpegts", "mpeg", "avi", "flv", "aac", "h264", "hevc"})
_TOLERANCE_SECONDS = 0.0025
_MOST_HASH_BYTES = 64 * 1024


def played_streams(info: MediaInfo) -> tuple[StreamInfo, ...]:
    """Return the streams of picture and sound, without pictures of covers."""
    kinds = {StreamKind.VIDEO, StreamKind.AUDIO}
    return tuple(s for s in info.streams if s.kind in kinds and not s.is_cover)


class HashReader:
    """Takes what ffmpeg's streamhash writes, in pieces."""

    def __init__(self) -> None:
        self._written = b""

    def feed(self, chunk: bytes) -> None:
        """Take a piece; more than all streams can have is dropped."""
        self._written = (self._written + chunk)[:_MOST_HASH_BYTES]

    def hashes(self) -> list[str]:
        """Return a word a stream, in order."""
        lines = self._written.decode("ascii", "replace").splitlines()
        # "0,v,SHA256=…": the number is that of the line.
        return [line.partition(",")[2] for line in lines]


def check_copied(
    session: FfmpegSession,
    source: tuple[SourceAccess, MediaInfo, list[str]],
    output: tuple[SourceAccess, MediaInfo, list[str]],
) -> None:
    """Compare all pictures and sound of two files; each with what is known of it, and its hashes.

    Raises StepFailure: OUTPUT_INVALID, with metadata `check`; and Stopped.
    """
    before, after = played_streams(source[1]), played_streams(output[1])
    if [s.kind for s in before] != [s.kind for s in after]:
        raise invalid("streams")
    _compare_times(before, after)
    if source[2] == output[2] and len(source[2]) == len(before):
        return
    if _REFRAMED_FORMATS.isdisjoint(source[1].format_names):
        raise invalid("streamhash")
    decoded = [
        _decoded_hashes(session, access, [s.index for s in streams])
        for access, streams in ((source[0], before), (output[0], after))
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


def _decoded_hashes(
    session: FfmpegSession, source: SourceAccess, stream_indexes: Sequence[int]
) -> list[str]:
    reader = HashReader()
    session.run(decoded_hash_arguments(source, stream_indexes), on_stdout=reader.feed)
    return reader.hashes()
