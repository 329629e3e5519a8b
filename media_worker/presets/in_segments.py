"""Which presets can be made in segments; how is the affair of `media_worker.segments`."""

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
