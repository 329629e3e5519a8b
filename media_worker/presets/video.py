"""Presets that make a video."""

from media_worker.presets.recipe import (
    AudioRecipe,
    Preset,
    PresetKind,
    QualityScale,
    VideoRecipe,
)

_FULL_HD = 1920
_BITRATES_KBPS = (50, 100_000)
_AAC_RATES_HZ = (22_050, 32_000, 44_100, 48_000)
# What the Opus encoder takes; other orders of the same channels it refuses.
OPUS_LAYOUTS = "mono|stereo|3.0|quad|5.0|5.1|6.1|7.1"

_H264 = VideoRecipe(
    codec="h264",
    encoder="libx264",
    required=True,
    fixed=("-preset", "medium", "-profile:v", "high"),
    quality=QualityScale("-crf", 38, 14, 22),
    bitrates_kbps=_BITRATES_KBPS,
    max_width=_FULL_HD,
)
_HEVC = VideoRecipe(
    codec="hevc",
    encoder="libx265",
    required=True,
    fixed=("-preset", "fast"),
    quality=QualityScale("-crf", 40, 16, 26),
    bitrates_kbps=_BITRATES_KBPS,
    max_width=_FULL_HD,
    threads_argument=("-x265-params", "log-level=error:pools={threads}"),
)
_AV1 = VideoRecipe(
    codec="av1",
    encoder="libsvtav1",
    required=True,
    fixed=("-preset", "8", "-g", "240"),
    quality=QualityScale("-crf", 55, 18, 35),
    bitrates_kbps=_BITRATES_KBPS,
    pixel_format="yuv420p10le",
    max_width=_FULL_HD,
    caps_bitrate=False,
    threads_argument=("-svtav1-params", "lp={threads}"),
)
_VP9 = VideoRecipe(
    codec="vp9",
    encoder="libvpx-vp9",
    required=True,
    fixed=("-deadline", "good", "-cpu-used", "4", "-row-mt", "1"),
    # Without this the number is only a bound to a bit rate.
    quality=QualityScale("-crf", 50, 15, 33, also=("-b:v", "0")),
    bitrates_kbps=_BITRATES_KBPS,
    max_width=_FULL_HD,
)
_MPEG4 = VideoRecipe(
    codec="mpeg4",
    encoder="mpeg4",
    required=True,
    fixed=("-vtag", "xvid"),
    quality=QualityScale("-q:v", 20, 1, 4),
    bitrates_kbps=_BITRATES_KBPS,
    max_width=_FULL_HD,
    frame_rates=(1.0, 60.0),
)
_PRORES = VideoRecipe(
    codec="prores",
    encoder="prores_ks",
    required=True,
    fixed=("-profile:v", "standard", "-vendor", "apl0"),
    pixel_format="yuv422p10le",
)
_GIF = VideoRecipe(
    codec="gif",
    encoder="gif",
    required=True,
    pixel_format="",
    max_width=480,
    frame_rate=12.0,
    frame_rates=(1.0, 50.0),
    has_palette=True,
)

_AAC = AudioRecipe(
    codec="aac",
    encoder="aac",
    required=False,
    bitrates_kbps=(32, 512),
    bitrate_kbps=128,
    channels=2,
    sample_rates_hz=_AAC_RATES_HZ,
)
_OPUS = AudioRecipe(
    codec="opus",
    encoder="libopus",
    required=False,
    bitrates_kbps=(12, 256),
    bitrate_kbps=96,
    channels=2,
    layouts=OPUS_LAYOUTS,
)
_MP3 = AudioRecipe(
    codec="mp3",
    encoder="libmp3lame",
    required=False,
    bitrate_kbps=160,
    bitrates_kbps=(64, 320),
    channels=2,
    sample_rate_hz=44_100,
    sample_rates_hz=(44_100, 48_000),
)
_PCM = AudioRecipe(
    codec="pcm_s16le",
    encoder="pcm_s16le",
    required=False,
    sample_rate_hz=48_000,
    sample_rates_hz=(44_100, 48_000),
)

# The index comes first, so that playing can start before all has arrived.
_INDEX_FIRST = ("-movflags", "+faststart")
# Players of Apple's want this name for HEVC.
_HEVC_NAME = ("-tag:v", "hvc1")

ROWS = (
    Preset(
        name="mp4-h264",
        kind=PresetKind.VIDEO,
        description="MP4 with H.264 video and AAC sound, up to 1920 pixels wide, for the web.",
        muxer="mp4",
        demuxer="mov",
        file_extension="mp4",
        media_type="video/mp4",
        video=_H264,
        audio=_AAC,
        container_arguments=_INDEX_FIRST,
    ),
    Preset(
        name="mp4-hevc",
        kind=PresetKind.VIDEO,
        description="MP4 with HEVC video and AAC sound: half the size of H.264, slower to make.",
        muxer="mp4",
        demuxer="mov",
        file_extension="mp4",
        media_type="video/mp4",
        video=_HEVC,
        audio=_AAC,
        container_arguments=(*_HEVC_NAME, *_INDEX_FIRST),
    ),
    Preset(
        name="mp4-av1",
        kind=PresetKind.VIDEO,
        description="MP4 with AV1 video and AAC sound: the smallest files.",
        muxer="mp4",
        demuxer="mov",
        file_extension="mp4",
        media_type="video/mp4",
        video=_AV1,
        audio=_AAC,
        container_arguments=_INDEX_FIRST,
    ),
    Preset(
        name="webm-vp9",
        kind=PresetKind.VIDEO,
        description="WebM with VP9 video and Opus sound, free of patents.",
        muxer="webm",
        demuxer="matroska",
        file_extension="webm",
        media_type="video/webm",
        video=_VP9,
        audio=_OPUS,
    ),
    Preset(
        name="webm-av1",
        kind=PresetKind.VIDEO,
        description="WebM with AV1 video and Opus sound.",
        muxer="webm",
        demuxer="matroska",
        file_extension="webm",
        media_type="video/webm",
        video=_AV1,
        audio=_OPUS,
    ),
    Preset(
        name="mkv-h264",
        kind=PresetKind.VIDEO,
        description="Matroska with H.264 video and AAC sound.",
        muxer="matroska",
        demuxer="matroska",
        file_extension="mkv",
        media_type="video/x-matroska",
        video=_H264,
        audio=_AAC,
    ),
    Preset(
        name="mkv-hevc",
        kind=PresetKind.VIDEO,
        description="Matroska with HEVC video and Opus sound, for archives.",
        muxer="matroska",
        demuxer="matroska",
        file_extension="mkv",
        media_type="video/x-matroska",
        video=_HEVC,
        audio=_OPUS,
    ),
    Preset(
        name="mov-h264",
        kind=PresetKind.VIDEO,
        description="QuickTime with H.264 video and AAC sound.",
        muxer="mov",
        demuxer="mov",
        file_extension="mov",
        media_type="video/quicktime",
        video=_H264,
        audio=_AAC,
        container_arguments=_INDEX_FIRST,
    ),
    Preset(
        name="mov-prores",
        kind=PresetKind.VIDEO,
        description="QuickTime with ProRes 422 video and PCM sound, for editing; large.",
        muxer="mov",
        demuxer="mov",
        file_extension="mov",
        media_type="video/quicktime",
        video=_PRORES,
        audio=_PCM,
    ),
    Preset(
        name="avi-mpeg4",
        kind=PresetKind.VIDEO,
        description="AVI with MPEG-4 video and MP3 sound, for old players.",
        muxer="avi",
        demuxer="avi",
        file_extension="avi",
        media_type="video/x-msvideo",
        video=_MPEG4,
        audio=_MP3,
        keeps_time=False,
        keeps_rate=False,
    ),
    Preset(
        name="gif",
        kind=PresetKind.VIDEO,
        description="Animated GIF without sound, 480 pixels wide and 12 frames a second.",
        muxer="gif",
        demuxer="gif",
        file_extension="gif",
        media_type="image/gif",
        video=_GIF,
        container_arguments=("-loop", "0"),
        keeps_rate=False,
    ),
)
