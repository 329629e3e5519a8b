"""Chooses the streams of an input that a preset takes, the part of them, and what to expect."""

import math
from dataclasses import dataclass

from babelmill.kit.wire.failure_reasons import FailureReason
from babelmill.kit.worker.handler import StepFailure
from media_worker.ffmpeg.failures import refused
from media_worker.ffmpeg.media_info import MediaInfo, StreamInfo, StreamKind
from media_worker.ffmpeg.progress import MediaProgress
from media_worker.ffmpeg.window import Window
from media_worker.presets.options import Options
from media_worker.presets.recipe import Preset

# Rates that headers round to two decimals, as they really are.
_EXACT_RATES = {23.98: "24000/1001", 29.97: "30000/1001", 59.94: "60000/1001"}
_USUAL_RATE = "25"
_HIGHEST_RATE = 120.0
# Frames put in where there are none: a few are usual, millions are an attack.
_MOST_REPEATS = 300
_REPEATS_ALWAYS_FINE = 20_000


@dataclass(frozen=True, slots=True)
class Selection:
    """The streams that a preset takes from an input."""

    video: StreamInfo | None
    audio: StreamInfo | None

    @property
    def indexes(self) -> tuple[int, ...]:
        """The streams' indexes in the input, picture first."""
        return tuple(s.index for s in (self.video, self.audio) if s is not None)

    @property
    def end_seconds(self) -> float:
        """Where the last of them ends."""
        return max(
            (s.span.end_seconds for s in (self.video, self.audio) if s and s.span), default=0.0
        )


def select(info: MediaInfo, preset: Preset, *, without_audio: bool = False) -> Selection:
    """Choose the streams that the preset asks for. Raises StepFailure: NO_SUCH_STREAM."""
    video = info.best(StreamKind.VIDEO) if preset.video is not None else None
    wants_audio = preset.audio is not None and not without_audio
    audio = info.best(StreamKind.AUDIO) if wants_audio else None
    for kind, recipe, found in (
        (StreamKind.VIDEO, preset.video, video),
        (StreamKind.AUDIO, preset.audio, audio),
    ):
        if recipe is not None and recipe.required and found is None:
            raise no_such_stream(kind, preset)
    return Selection(video, audio)


def no_such_stream(kind: StreamKind, preset: Preset) -> StepFailure:
    """Make the failure of a file that lacks what the preset needs."""
    return StepFailure(
        FailureReason.NO_SUCH_STREAM,
        f"The file has no {kind} stream, which preset {preset.name} needs.",
        metadata={"stream": str(kind), "preset": preset.name},
    )


def check_duration(info: MediaInfo, selection: Selection, most_seconds: float) -> None:
    """Refuse what plays for too long. Raises StepFailure: MEDIA_REFUSED."""
    if max(selection.end_seconds, info.duration_seconds) > most_seconds:
        raise refused("DURATION_LIMIT", "The file plays for longer than is processed.")


def check_gaps(video: StreamInfo, window: Window, rate: str) -> None:
    """Refuse pictures so far apart that most frames would have to be made up.

    Only for outputs of a constant rate. Raises StepFailure: MEDIA_REFUSED.
    """
    span = None if video.span is None else window.clip(video.span)
    if span is None:
        return
    frames = span.seconds * rate_of(rate)
    if frames > _MOST_REPEATS * span.packet_count + _REPEATS_ALWAYS_FINE:
        raise refused("TIMESTAMP_GAP", "The pictures of the file are too far apart.")


def choose_window(options: Options, selection: Selection) -> Window:
    """Say which part of the input is taken. Raises StepFailure: UNSUPPORTED_OPTION."""
    start = options.start_seconds
    window = Window(
        start, start + options.duration_seconds if options.duration_seconds else math.inf
    )
    for stream in (selection.video, selection.audio):
        if stream is not None and stream.span is not None and window.clip(stream.span) is None:
            raise StepFailure(
                FailureReason.UNSUPPORTED_OPTION,
                "The part of the file that was asked for lies behind its end.",
                metadata={"option": "start_seconds", "stream": str(stream.kind)},
            )
    return window


def constant_rate(video: StreamInfo) -> str:
    """Say how many frames a second an output of constant rate has; a fraction for ffmpeg."""
    rate = video.frames_per_second
    if rate is None:
        return _USUAL_RATE
    return _EXACT_RATES.get(round(rate, 2)) or f"{min(rate, _HIGHEST_RATE):g}"


def rate_of(text: str) -> float:
    """Read a rate as `constant_rate` writes it."""
    numerator, _, denominator = text.partition("/")
    return float(numerator) / float(denominator or 1)


def plan_progress(
    selection: Selection, window: Window | None = None, rate: str = ""
) -> MediaProgress:
    """Say what there is to be done; `rate` is that of an output of constant rate."""
    window = window or Window()
    total = min(selection.end_seconds, window.end_seconds) - window.start_seconds
    frames = frame_count(selection.video)
    if frames is not None and rate:
        frames = round(total * rate_of(rate))
    elif frames is not None and selection.end_seconds:
        frames = round(frames * total / selection.end_seconds)
    return MediaProgress(total, frames)


def frame_count(video: StreamInfo | None) -> int | None:
    """Count a stream's frames; None if there is no saying."""
    if video is None or video.span is None:
        return None
    count = video.span.packet_count
    if video.frames_per_second is not None:
        # Interlaced video can have two packets a frame, so the smaller number counts.
        by_rate = round(video.span.seconds * video.frames_per_second)
        count = min(count, by_rate) if by_rate > 0 else count
    return count
