"""What a client has chosen about an output, held against what the preset takes.

The job service checks the same when a job is created, if a worker has
announced its presets by then; this is the check that counts.
"""

from dataclasses import dataclass
from typing import Any

from babelmill.kit.wire.failure_reasons import FailureReason
from babelmill.kit.worker.handler import StepFailure
from babelmill.media.v1 import media_pb2
from media_worker.presets.recipe import AllowedOption, AudioRecipe, Preset, PresetKind, VideoRecipe

_SMALLEST_PICTURE = 16
_LARGEST_WIDTH = 7680
_LARGEST_HEIGHT = 4320
_LONGEST_SECONDS = 7 * 24 * 3600.0
_SHORTEST_SECONDS = 0.05
_QUIETEST_LUFS = -40.0
_LOUDEST_LUFS = -5.0

TRIM = (
    AllowedOption("start_seconds", 0.0, _LONGEST_SECONDS),
    AllowedOption("duration_seconds", _SHORTEST_SECONDS, _LONGEST_SECONDS),
)
SIZE = (
    AllowedOption("max_width", _SMALLEST_PICTURE, _LARGEST_WIDTH),
    AllowedOption("max_height", _SMALLEST_PICTURE, _LARGEST_HEIGHT),
)
QUALITY = AllowedOption("quality", 1, 100)


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """Choices under their names in the contract; 0 and empty are the preset's own."""

    max_width: int = 0
    max_height: int = 0
    frame_rate: float = 0.0
    quality: int = 0
    video_bitrate_kbps: int = 0
    audio_bitrate_kbps: int = 0
    channels: int = 0
    sample_rate_hz: int = 0
    start_seconds: float = 0.0
    duration_seconds: float = 0.0
    heights: tuple[int, ...] = ()
    interval_seconds: float = 0.0
    segment_seconds: float = 0.0
    loudness_lufs: float = 0.0
    without_audio: bool = False


def allowed_options(preset: Preset) -> tuple[AllowedOption, ...]:
    """Return all that a preset takes, by name."""
    found: dict[str, AllowedOption] = {}
    if preset.kind not in {PresetKind.VIDEO, PresetKind.AUDIO}:
        return tuple(sorted(preset.more_options, key=lambda option: option.name))
    if preset.video is not None:
        found |= _by_name(_video_options(preset.video))
    if preset.audio is not None:
        found |= _by_name(_audio_options(preset.audio))
    if preset.video is not None and preset.audio is not None:
        found["without_audio"] = AllowedOption("without_audio", 0, 1, (1,))
    return tuple(found[name] for name in sorted(found))


def read_options(message: media_pb2.TranscodeOptions, preset: Preset) -> Options:
    """Read the options. Raises StepFailure: UNSUPPORTED_OPTION."""
    allowed = _by_name(allowed_options(preset))
    chosen: dict[str, Any] = {}  # Any: each has the type that the contract gives it
    for descriptor, value in message.ListFields():
        name = descriptor.name
        option = allowed.get(name)
        values = tuple(value) if descriptor.is_repeated else (value,)
        if option is None or not all(option.allows(each) for each in values):
            raise _refused(name, preset)
        chosen[name] = values if descriptor.is_repeated else value
    options = Options(**chosen)
    if options.quality and (options.video_bitrate_kbps or options.audio_bitrate_kbps):
        raise _refused("quality", preset)
    return options


def _video_options(recipe: VideoRecipe) -> tuple[AllowedOption, ...]:
    found: tuple[AllowedOption, ...] = ()
    if recipe.takes_size:
        found += (*SIZE, AllowedOption("frame_rate", *recipe.frame_rates))
    if recipe.quality is not None:
        found += (QUALITY,)
    if recipe.bitrates_kbps is not None:
        found += (AllowedOption("video_bitrate_kbps", *recipe.bitrates_kbps),)
    return (*found, *TRIM)


def _audio_options(recipe: AudioRecipe) -> tuple[AllowedOption, ...]:
    loudness = AllowedOption("loudness_lufs", _QUIETEST_LUFS, _LOUDEST_LUFS)
    found: tuple[AllowedOption, ...] = (*TRIM, loudness)
    if recipe.quality is not None:
        found += (QUALITY,)
    if recipe.bitrates_kbps is not None:
        found += (AllowedOption("audio_bitrate_kbps", *recipe.bitrates_kbps),)
    if recipe.sample_rates_hz:
        rates = recipe.sample_rates_hz
        found += (AllowedOption("sample_rate_hz", min(rates), max(rates), rates),)
    return (*found, AllowedOption("channels", 1, 2, (1, 2)))


def _by_name(options: tuple[AllowedOption, ...]) -> dict[str, AllowedOption]:
    return {option.name: option for option in options}


def _refused(name: str, preset: Preset) -> StepFailure:
    return StepFailure(
        FailureReason.UNSUPPORTED_OPTION,
        f"Preset {preset.name} does not take option {name} with this value.",
        metadata={"option": name, "preset": preset.name},
    )
