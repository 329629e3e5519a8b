"""The catalogue of presets: named media recipes, one row each.

A preset says what the output promises (container, codecs), which streams it
needs, and how ffmpeg makes it. A client can only choose a row.
"""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType


class PresetKind(StrEnum):
    """What a preset makes."""

    VIDEO = "video"
    AUDIO = "audio"


@dataclass(frozen=True, slots=True)
class StreamRecipe:
    """How one kind of stream is made."""

    codec: str
    """The codec that the output then has, by ffmpeg's name for it."""
    arguments: tuple[str, ...]
    required: bool
    """Whether an input without such a stream is refused."""


@dataclass(frozen=True, slots=True)
class Preset:
    """A named media recipe."""

    name: str
    kind: PresetKind
    description: str
    muxer: str
    """The container, by ffmpeg's name for what writes it."""
    demuxer: str
    """The container, by ffmpeg's name for what reads it."""
    file_extension: str
    media_type: str
    video: StreamRecipe | None
    audio: StreamRecipe | None
    container_arguments: tuple[str, ...] = ()

    def codec_arguments(self, *, video: bool, audio: bool) -> tuple[str, ...]:
        """Give ffmpeg's arguments for the streams that are there."""
        arguments: tuple[str, ...] = ()
        if video and self.video is not None:
            arguments += self.video.arguments
        if audio and self.audio is not None:
            arguments += self.audio.arguments
        return arguments + self.container_arguments


# The size is made even, as 4:2:0 pictures must be, and at most 1920 wide.
_FIT_1920 = "scale=w='max(2,trunc(min(1920,iw)/2)*2)':h='max(2,trunc(ow/a/2)*2)'"

_ROWS = (
    Preset(
        name="mp4-h264",
        kind=PresetKind.VIDEO,
        description="MP4 with H.264 video and AAC sound, up to 1920 pixels wide, for the web.",
        muxer="mp4",
        demuxer="mov",
        file_extension="mp4",
        media_type="video/mp4",
        video=StreamRecipe(
            codec="h264",
            arguments=(
                *("-c:v", "libx264", "-preset", "medium", "-crf", "22"),
                *("-profile:v", "high", "-pix_fmt", "yuv420p", "-vf", _FIT_1920),
            ),
            required=True,
        ),
        audio=StreamRecipe(
            codec="aac", arguments=("-c:a", "aac", "-b:a", "128k", "-ac", "2"), required=False
        ),
        # The index comes first, so that playing can start before all has arrived.
        container_arguments=("-movflags", "+faststart"),
    ),
    Preset(
        name="mp3",
        kind=PresetKind.AUDIO,
        description="MP3 sound of variable bit rate, about 190 kbit/s; of a video, its sound.",
        muxer="mp3",
        demuxer="mp3",
        file_extension="mp3",
        media_type="audio/mpeg",
        video=None,
        audio=StreamRecipe(
            codec="mp3", arguments=("-c:a", "libmp3lame", "-q:a", "2"), required=True
        ),
    ),
)

PRESETS: Mapping[str, Preset] = MappingProxyType({preset.name: preset for preset in _ROWS})

_MAX_STEM_CHARACTERS = 80
_FORBIDDEN = re.compile(r'[<>:"/\\|?*`$%]')
_EXTENSION = re.compile(r"\.[A-Za-z0-9]{1,8}$")


def output_filename(input_filename: str, preset: Preset) -> str:
    """Name an output after its input: a label for people, never a path.

    Takes the last part of what may look like a path, drops what a file system
    or a shell could take for more than a name, and changes the extension.
    """
    name = re.split(r"[/\\]", unicodedata.normalize("NFC", input_filename))[-1]
    # Categories C*: controls, and the marks that turn the direction of writing.
    name = "".join(c for c in name if not unicodedata.category(c).startswith("C"))
    stem = _FORBIDDEN.sub("_", _EXTENSION.sub("", name)).strip(" .-'")
    stem = stem[:_MAX_STEM_CHARACTERS].rstrip(" .")
    return f"{stem or 'output'}.{preset.file_extension}"
