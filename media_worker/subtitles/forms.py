"""The formats of subtitle files and the containers of tracks, and which codec goes into which.

Names of formats are those that translation knows them by.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from babelmill.media.v1 import subtitles_pb2
from media_worker.ffmpeg.media_info import MediaInfo


@dataclass(frozen=True, slots=True)
class SubtitleForm:
    """A format of subtitle files; muxer and demuxer bear one name in ffmpeg."""

    name: str
    ffmpeg_format: str
    codec: str
    media_type: str

    @property
    def extension(self) -> str:
        """The extension of filenames, without the dot."""
        return self.name


SRT = SubtitleForm("srt", "srt", "subrip", "application/x-subrip")
VTT = SubtitleForm("vtt", "webvtt", "webvtt", "text/vtt")
ASS = SubtitleForm("ass", "ass", "ass", "text/x-ssa")

FORMS: Mapping[subtitles_pb2.SubtitleFormat.ValueType, SubtitleForm] = MappingProxyType(
    {
        subtitles_pb2.SUBTITLE_FORMAT_SRT: SRT,
        subtitles_pb2.SUBTITLE_FORMAT_VTT: VTT,
        subtitles_pb2.SUBTITLE_FORMAT_ASS: ASS,
    }
)

_NATIVE_FORMS = {"subrip": SRT, "srt": SRT, "webvtt": VTT, "ass": ASS, "ssa": ASS}
TEXT_CODECS = frozenset({*_NATIVE_FORMS, "mov_text", "text", "eia_608", "subviewer", "microdvd"})
"""Codecs of tracks that hold text; all others hold pictures, or are not understood."""


def natural_form(codec: str) -> SubtitleForm:
    """Choose the format that keeps most of what a track holds."""
    return _NATIVE_FORMS.get(codec, SRT)


@dataclass(frozen=True, slots=True)
class Container:
    """A container that can hold subtitle tracks."""

    name: str
    muxer: str
    demuxer: str
    extension: str
    media_type: str
    kept_codecs: frozenset[str]
    """Codecs of tracks that can be copied into it."""
    text_codec: str
    """What any other text becomes."""
    arguments: tuple[str, ...] = ()

    def codec_for(self, codec: str) -> str | None:
        """Name the codec that a track of `codec` is to have in it; None if it cannot be held."""
        if codec in self.kept_codecs:
            return "copy"
        return self.text_codec if codec in TEXT_CODECS else None

    def keeps(self, form: SubtitleForm) -> str:
        """Name the codec that a file is to have in it."""
        return form.codec if form.codec in self.kept_codecs else self.text_codec


MP4 = Container(
    name="mp4",
    muxer="mp4",
    demuxer="mov",
    extension="mp4",
    media_type="video/mp4",
    kept_codecs=frozenset({"mov_text", "dvd_subtitle"}),
    text_codec="mov_text",
    arguments=("-movflags", "+faststart"),
)
MKV = Container(
    name="mkv",
    muxer="matroska",
    demuxer="matroska",
    extension="mkv",
    media_type="video/x-matroska",
    kept_codecs=frozenset(
        {"subrip", "ass", "webvtt", "hdmv_pgs_subtitle", "dvd_subtitle", "dvb_subtitle"}
    ),
    text_codec="subrip",
)
WEBM = Container(
    name="webm",
    muxer="webm",
    demuxer="matroska",
    extension="webm",
    media_type="video/webm",
    kept_codecs=frozenset({"webvtt"}),
    text_codec="webvtt",
)

CONTAINERS: Mapping[subtitles_pb2.MediaContainer.ValueType, Container] = MappingProxyType(
    {
        subtitles_pb2.MEDIA_CONTAINER_MP4: MP4,
        subtitles_pb2.MEDIA_CONTAINER_MKV: MKV,
        subtitles_pb2.MEDIA_CONTAINER_WEBM: WEBM,
    }
)


def containers_like(info: MediaInfo, filename: str) -> tuple[Container, ...]:
    """Choose containers for a file's streams: one like its own first, then what holds anything.

    Matroska and WebM are one format to ffmpeg, so there the filename tells them apart.
    """
    if "mov" in info.format_names:
        return (MP4, MKV)
    if "webm" in info.format_names and filename.casefold().endswith(".webm"):
        return (WEBM, MKV)
    return (MKV,)
