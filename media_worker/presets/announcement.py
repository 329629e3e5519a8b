"""Tells the job service of the presets, in the contract's words."""

from babelmill.media.v1 import media_pb2
from media_worker.presets.catalogue import PRESETS
from media_worker.presets.in_segments import takes_segments
from media_worker.presets.options import allowed_options
from media_worker.presets.recipe import Preset, PresetKind

_KINDS = {
    PresetKind.VIDEO: media_pb2.PRESET_KIND_VIDEO,
    PresetKind.AUDIO: media_pb2.PRESET_KIND_AUDIO,
    PresetKind.IMAGE: media_pb2.PRESET_KIND_IMAGE,
    PresetKind.PACKAGE: media_pb2.PRESET_KIND_PACKAGE,
    PresetKind.REPORT: media_pb2.PRESET_KIND_REPORT,
}


def announced_presets() -> list[media_pb2.Preset]:
    """Write every preset."""
    return [_preset(preset) for preset in PRESETS.values()]


def _preset(preset: Preset) -> media_pb2.Preset:
    return media_pb2.Preset(
        name=preset.name,
        kind=_KINDS[preset.kind],
        description=preset.description,
        file_extension=preset.file_extension,
        media_type=preset.media_type,
        video_codec="" if preset.video is None else preset.video.codec,
        audio_codec="" if preset.audio is None else preset.audio.codec,
        needs_video=preset.video is not None and preset.video.required,
        needs_audio=preset.audio is not None and preset.audio.required,
        options=[
            media_pb2.PresetOption(
                name=option.name,
                minimum=option.minimum,
                maximum=option.maximum,
                choices=option.choices,
            )
            for option in allowed_options(preset)
        ],
        takes_segments=takes_segments(preset),
    )
