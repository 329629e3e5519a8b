"""What a preset and a client's options give for segments: pictures and sound apart."""

from babelmill.kit.wire.failure_reasons import FailureReason
from babelmill.kit.worker.handler import StepFailure
from media_worker.presets.arguments import audio_arguments, video_arguments
from media_worker.presets.catalogue import PRESETS
from media_worker.presets.options import Options
from media_worker.presets.recipe import Preset, PresetKind

# Segments lie in MP4 and are copied into these, which keep the time of every frame.
_MUXERS = frozenset({"mp4", "mov", "matroska", "webm"})
_CODECS = frozenset({"h264", "hevc", "av1", "vp9", "mpeg4"})


def takes_segments(preset: Preset) -> bool:
    """Tell whether a preset's pictures can be encoded in segments."""
    return (
        preset.kind is PresetKind.VIDEO
        and preset.video is not None
        and preset.muxer in _MUXERS
        and preset.video.codec in _CODECS
        and preset.keeps_rate
        and not preset.video.frame_rate
        and not preset.video.has_palette
    )


def find_preset(name: str) -> Preset:
    """Return a preset that takes segments. Raises StepFailure: UNSUPPORTED_PRESET."""
    preset = PRESETS.get(name)
    if preset is None or not takes_segments(preset):
        names = [known.name for known in PRESETS.values() if takes_segments(known)]
        raise StepFailure(FailureReason.UNSUPPORTED_PRESET, metadata={"presets": ", ".join(names)})
    return preset


def picture_arguments(preset: Preset, options: Options, threads: int) -> tuple[str, ...]:
    """Give the arguments for the pictures of a segment."""
    return () if preset.video is None else video_arguments(preset.video, options, threads)


def sound_arguments(preset: Preset, options: Options, gain_db: float | None) -> tuple[str, ...]:
    """Give the arguments for the sound of the whole."""
    if preset.audio is None:
        return ()
    return audio_arguments(
        preset.audio, options, fills_silence=not preset.keeps_time, gain_db=gain_db
    )
