"""How loud a stream is, and how much it lacks of what was asked for."""

from media_worker.ffmpeg.command import SourceAccess
from media_worker.ffmpeg.loudness import Loudness, loudness_arguments, read_loudness
from media_worker.ffmpeg.media_info import StreamInfo
from media_worker.ffmpeg.progress import MediaProgress
from media_worker.ffmpeg.runner import RunnerBroken
from media_worker.ffmpeg.session import FfmpegSession
from media_worker.presets.options import Options

_MOST_GAIN_DB = 40.0


def measure(
    session: FfmpegSession,
    source: SourceAccess,
    audio: StreamInfo,
    *,
    skip_seconds: float = 0.0,
    seconds: float = 0.0,
    progress: MediaProgress | None = None,
) -> Loudness:
    """Measure a stream, all of it or some seconds. Raises StepFailure and Stopped."""
    arguments = loudness_arguments(source, audio.index, skip_seconds=skip_seconds, seconds=seconds)
    result = session.run(arguments, progress=progress, stage="measure")
    loudness = read_loudness(result.stderr)
    if loudness is None:
        raise RunnerBroken("ffmpeg's measure of loudness cannot be read")
    return loudness


def gain_to(
    session: FfmpegSession,
    source: SourceAccess,
    audio: StreamInfo,
    options: Options,
    *,
    skip_seconds: float = 0.0,
) -> float | None:
    """Say by how many decibels sound must grow to be as loud as asked; None for silence."""
    seconds = options.duration_seconds
    found = measure(session, source, audio, skip_seconds=skip_seconds, seconds=seconds)
    if found.integrated_lufs is None:
        return None
    wanted = options.loudness_lufs - found.integrated_lufs
    return max(-_MOST_GAIN_DB, min(wanted, _MOST_GAIN_DB))
