"""How loud a stream is, and how much it lacks of what was asked for."""

from media_worker.ffmpeg.command import SourceAccess
from media_worker.ffmpeg.loudness import Loudness, loudness_arguments, read_loudness
from media_worker.ffmpeg.media_info import StreamInfo
from media_worker.ffmpeg.runner import RunnerBroken
from media_worker.ffmpeg.session import FfmpegSession
from media_worker.presets.options import Options

_MOST_GAIN_DB = 40.0


def measure(
    session: FfmpegSession, source: SourceAccess, audio: StreamInfo, *, seconds: float = 0.0
) -> Loudness:
    """Measure a stream. Raises StepFailure and Stopped."""
    result = session.run(loudness_arguments(source, audio.index, seconds=seconds))
    loudness = read_loudness(result.stderr)
    if loudness is None:
        raise RunnerBroken("ffmpeg's measure of loudness cannot be read")
    return loudness


def gain_to(
    session: FfmpegSession, source: SourceAccess, audio: StreamInfo, options: Options
) -> float | None:
    """Say by how many decibels sound must grow to be as loud as asked; None for silence."""
    found = measure(session, source, audio, seconds=options.duration_seconds).integrated_lufs
    if found is None:
        return None
    return max(-_MOST_GAIN_DB, min(options.loudness_lufs - found, _MOST_GAIN_DB))
