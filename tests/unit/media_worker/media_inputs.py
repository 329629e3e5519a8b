"""Twelve inputs of all kinds, a second each, for the matrix of inputs and presets."""

from collections.abc import Callable
from pathlib import Path

from media_worker.presets.recipe import Preset
from tests.unit.media_worker.media_clips import QUICK_VIDEO, make_clip, picture, sound

SIZE = "160x120"
SECONDS = 1.2


def _both(path: Path, *arguments: str) -> Path:
    return make_clip(path, *picture(SECONDS, SIZE), *sound(SECONDS), *arguments)


def _h264_mp4(path: Path) -> Path:
    return _both(path, *QUICK_VIDEO, "-c:a", "aac")


def _hevc_mkv(path: Path) -> Path:
    video = ["-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "log-level=error"]
    return _both(path, *video, "-c:a", "flac")


def _vp9_webm(path: Path) -> Path:
    return _both(path, "-c:v", "libvpx-vp9", "-cpu-used", "8", "-c:a", "libopus")


def _mpeg4_avi(path: Path) -> Path:
    return _both(path, "-c:v", "mpeg4", "-bf", "2", "-c:a", "libmp3lame")


def _prores_mov(path: Path) -> Path:
    return _both(path, "-c:v", "prores_ks", "-c:a", "pcm_s16le")


def _broadcast_ts(path: Path) -> Path:
    offset = ["-output_ts_offset", "5", "-muxdelay", "0.7"]
    return _both(path, "-c:v", "mpeg2video", "-bf", "2", "-g", "12", "-c:a", "mp2", *offset)


def _variable_rate_mkv(path: Path) -> Path:
    drop = ["-vf", "select='not(mod(n,3))+lt(n,10)'", "-fps_mode", "vfr"]
    return _both(path, *drop, *QUICK_VIDEO, "-c:a", "libvorbis")


def _late_sound_mp4(path: Path) -> Path:
    late = ["-itsoffset", "0.4", *sound(SECONDS - 0.4)]
    return make_clip(path, *picture(SECONDS, SIZE), *late, *QUICK_VIDEO, "-c:a", "aac")


def _animation_gif(path: Path) -> Path:
    return make_clip(path, *picture(SECONDS, SIZE, "10"))


def _mono_wav(path: Path) -> Path:
    return make_clip(path, *sound(SECONDS), "-ar", "22050", "-ac", "1")


def _surround_flac(path: Path) -> Path:
    return make_clip(path, *sound(SECONDS), "-af", "aformat=channel_layouts=5.1(side)")


def _tagged_mp3(path: Path) -> Path:
    return make_clip(path, *sound(SECONDS), "-metadata", "title=A tune", "-c:a", "libmp3lame")


INPUTS: dict[str, Callable[[Path], Path]] = {
    "h264.mp4": _h264_mp4,
    "hevc.mkv": _hevc_mkv,
    "vp9.webm": _vp9_webm,
    "mpeg4.avi": _mpeg4_avi,
    "prores.mov": _prores_mov,
    "broadcast.ts": _broadcast_ts,
    "variable-rate.mkv": _variable_rate_mkv,
    "late-sound.mp4": _late_sound_mp4,
    "silent.gif": _animation_gif,
    "mono.wav": _mono_wav,
    "surround.flac": _surround_flac,
    "tagged.mp3": _tagged_mp3,
}
"""Name of each input, and what makes it. The GIF has no sound, the last three have no picture."""

WITHOUT_SOUND = frozenset({"silent.gif"})
WITHOUT_PICTURE = frozenset({"mono.wav", "surround.flac", "tagged.mp3"})


def missing_stream(name: str, preset: Preset) -> str:
    """Name the stream that an input lacks for a preset; empty if it has all."""
    if preset.video is not None and preset.video.required and name in WITHOUT_PICTURE:
        return "video"
    if preset.audio is not None and preset.audio.required and name in WITHOUT_SOUND:
        return "audio"
    return ""
