"""What a preset and a client's options give for segments: pictures and sound apart."""

from babelmill.kit.wire.failure_reasons import FailureReason
from babelmill.kit.worker.handler import StepFailure
from media_worker.presets.arguments import audio_arguments, video_arguments
from media_worker.presets.catalogue import PRESETS
from media_worker.presets.in_segments import takes_segments
from media_worker.presets.options import Options
from media_worker.presets.recipe import Preset


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
