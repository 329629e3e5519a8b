"""Presets that make pictures, packages for streaming, and reports."""

from media_worker.presets.options import QUALITY, SIZE, TRIM
from media_worker.presets.recipe import (
    AllowedOption,
    AudioRecipe,
    Preset,
    PresetKind,
    QualityScale,
    VideoRecipe,
)

JPEG = VideoRecipe(
    codec="mjpeg",
    encoder="mjpeg",
    required=True,
    quality=QualityScale("-q:v", 31, 1, 4),
    pixel_format="yuvj420p",
    max_width=1280,
)
_PACKAGED_VIDEO = VideoRecipe(
    codec="h264",
    encoder="libx264",
    required=True,
    fixed=("-preset", "medium", "-profile:v", "high", "-sc_threshold", "0"),
)
_PACKAGED_AUDIO = AudioRecipe(
    codec="aac",
    encoder="aac",
    required=False,
    bitrate_kbps=128,
    channels=2,
    sample_rate_hz=48_000,
)
_ANY_AUDIO = AudioRecipe(codec="", encoder="", required=True)

_PACKAGE_OPTIONS = (
    AllowedOption("heights", 16, 4320),
    AllowedOption("frame_rate", 1.0, 120.0),
    AllowedOption("segment_seconds", 1.0, 30.0),
    AllowedOption("audio_bitrate_kbps", 32, 512),
    AllowedOption("channels", 1, 2, (1, 2)),
    AllowedOption("loudness_lufs", -40.0, -5.0),
    AllowedOption("without_audio", 0, 1, (1,)),
    *TRIM,
)

ROWS = (
    Preset(
        name="hls",
        kind=PresetKind.PACKAGE,
        description="HLS for streaming: H.264 in up to four heights and AAC, one file for each.",
        muxer="hls",
        demuxer="hls",
        file_extension="m3u8",
        media_type="application/vnd.apple.mpegurl",
        video=_PACKAGED_VIDEO,
        audio=_PACKAGED_AUDIO,
        more_options=_PACKAGE_OPTIONS,
    ),
    Preset(
        name="dash",
        kind=PresetKind.PACKAGE,
        description="MPEG-DASH for streaming: H.264 in up to four heights and AAC, a file each.",
        muxer="dash",
        demuxer="dash",
        file_extension="mpd",
        media_type="application/dash+xml",
        video=_PACKAGED_VIDEO,
        audio=_PACKAGED_AUDIO,
        more_options=_PACKAGE_OPTIONS,
    ),
    Preset(
        name="poster",
        kind=PresetKind.IMAGE,
        description="JPEG picture that stands for a video: a telling frame, or that of a moment.",
        muxer="image2",
        demuxer="image2",
        file_extension="jpg",
        media_type="image/jpeg",
        video=JPEG,
        more_options=(*SIZE, QUALITY, TRIM[0]),
    ),
    Preset(
        name="sprite",
        kind=PresetKind.IMAGE,
        description="Sheets of small pictures, and WebVTT that tells a player which to show when.",
        muxer="image2",
        demuxer="image2",
        file_extension="vtt",
        media_type="text/vtt",
        video=JPEG,
        more_options=(
            AllowedOption("max_width", 32, 480),
            AllowedOption("max_height", 32, 480),
            AllowedOption("interval_seconds", 0.1, 3600.0),
            QUALITY,
        ),
    ),
    Preset(
        name="waveform",
        kind=PresetKind.REPORT,
        description="Waveform of the sound, as a PNG picture and as JSON for players.",
        muxer="image2",
        demuxer="png_pipe",
        file_extension="png",
        media_type="image/png",
        audio=_ANY_AUDIO,
        more_options=(
            AllowedOption("max_width", 100, 4000),
            AllowedOption("max_height", 32, 2000),
        ),
    ),
    Preset(
        name="loudness",
        kind=PresetKind.REPORT,
        description="Loudness of the sound by EBU R128, as JSON.",
        muxer="null",
        demuxer="",
        file_extension="json",
        media_type="application/json",
        audio=_ANY_AUDIO,
        more_options=TRIM,
    ),
)
