"""Chooses the streams of an input that a preset takes, and counts what is in them."""

from dataclasses import dataclass

from babelmill.kit.wire.failure_reasons import FailureReason
from babelmill.kit.worker.handler import StepFailure
from media_worker.ffmpeg.failures import refused
from media_worker.ffmpeg.media_info import MediaInfo, StreamInfo, StreamKind
from media_worker.ffmpeg.progress import MediaProgress
from media_worker.presets import Preset


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


def select(info: MediaInfo, preset: Preset) -> Selection:
    """Choose the streams that the preset asks for. Raises StepFailure: NO_SUCH_STREAM."""
    video = info.best(StreamKind.VIDEO) if preset.video is not None else None
    audio = info.best(StreamKind.AUDIO) if preset.audio is not None else None
    for kind, recipe, found in (
        (StreamKind.VIDEO, preset.video, video),
        (StreamKind.AUDIO, preset.audio, audio),
    ):
        if recipe is not None and recipe.required and found is None:
            raise StepFailure(
                FailureReason.NO_SUCH_STREAM,
                f"The file has no {kind} stream, which preset {preset.name} needs.",
                metadata={"stream": str(kind), "preset": preset.name},
            )
    return Selection(video, audio)


def check_duration(info: MediaInfo, selection: Selection, most_seconds: float) -> None:
    """Refuse what plays for too long. Raises StepFailure: MEDIA_REFUSED."""
    if max(selection.end_seconds, info.duration_seconds) > most_seconds:
        raise refused("DURATION_LIMIT", "The file plays for longer than is processed.")


def plan_progress(selection: Selection) -> MediaProgress:
    """Say what there is to be done."""
    return MediaProgress(selection.end_seconds, frame_count(selection.video))


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
