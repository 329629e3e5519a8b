"""Builds ffmpeg's arguments for subtitles. Pure: nothing is run or read here.

Files of subtitles are opened by a format that was told before: their content never decides it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from media_worker.ffmpeg.command import (
    SourceAccess,
    global_arguments,
    input_arguments,
)
from media_worker.ffmpeg.launcher import PROGRESS_FD
from media_worker.subtitles.forms import Container, SubtitleForm

_STATS_PERIOD_SECONDS = "0.5"


@dataclass(frozen=True, slots=True)
class TrackFile:
    """A track of an input that becomes a file."""

    stream_index: int
    codec: str
    """The codec to make, or "copy"."""
    form: SubtitleForm
    output_name: str


@dataclass(frozen=True, slots=True)
class NewTrack:
    """A subtitle file that becomes a track."""

    access: SourceAccess
    form: SubtitleForm
    language: str
    """By ISO 639-2."""
    title: str
    is_default: bool
    is_forced: bool


@dataclass(frozen=True, slots=True)
class Mux:
    """A media file with more tracks."""

    container: Container
    copied_indexes: tuple[int, ...]
    """Streams of the source that are neither subtitles nor changed."""
    kept_tracks: tuple[tuple[int, str], ...]
    """Indexes of the source's own subtitle tracks, and the codecs they get."""
    new_tracks: tuple[NewTrack, ...]
    output_name: str
    hashed_indexes: tuple[int, ...] = ()
    """Streams of the source of which a digest is written on stdout."""
    lacks_times: bool = False
    """Whether the source tells of some packets not when they are shown."""


def extract_arguments(source: SourceAccess, files: Sequence[TrackFile]) -> list[str]:
    """Write some tracks as files, all in one pass."""
    arguments = [*global_arguments("error"), *input_arguments(source)]
    for file in files:
        arguments += ["-map", f"0:{file.stream_index}", "-c:s", file.codec]
        arguments += ["-f", file.form.ffmpeg_format, f"file:{file.output_name}"]
    return arguments


def convert_arguments(
    source: SourceAccess, form: SubtitleForm, to: SubtitleForm, output_name: str
) -> list[str]:
    """Write a subtitle file in another format."""
    return [
        *global_arguments("error"),
        *subtitle_input(source, form),
        *("-map", "0:0", "-c:s", to.codec, "-f", to.ffmpeg_format, f"file:{output_name}"),
    ]


def mux_arguments(source: SourceAccess, mux: Mux) -> list[str]:
    """Copy the source's streams, and add tracks."""
    arguments = [
        *global_arguments("error"),
        "-progress",
        f"pipe:{PROGRESS_FD}",
        "-stats_period",
        _STATS_PERIOD_SECONDS,
        # These containers tell when a picture is decoded, not when it is shown.
        *(["-fflags", "+genpts"] if mux.lacks_times else []),
        *input_arguments(source),
    ]
    for track in mux.new_tracks:
        arguments += subtitle_input(track.access, track.form)
    for index in mux.copied_indexes:
        arguments += ["-map", f"0:{index}"]
    for index, _ in mux.kept_tracks:
        arguments += ["-map", f"0:{index}"]
    for number in range(1, len(mux.new_tracks) + 1):
        arguments += ["-map", f"{number}:0"]
    arguments += ["-map_metadata", "0", "-map_chapters", "0"]
    arguments += ["-c:v", "copy", "-c:a", "copy", "-c:t", "copy"]
    for number, (_, codec) in enumerate(mux.kept_tracks):
        arguments += [f"-c:s:{number}", codec]
    for number, track in enumerate(mux.new_tracks, start=len(mux.kept_tracks)):
        arguments += _track_arguments(number, track, mux.container)
    return [
        *arguments,
        *mux.container.arguments,
        *("-f", mux.container.muxer, f"file:{mux.output_name}"),
        # In the same pass, so that a large file is not read once more.
        *_hashes(mux.hashed_indexes, "-c", "copy"),
    ]


def read_again_arguments(
    source: SourceAccess, hashed_indexes: Sequence[int], files: Sequence[TrackFile]
) -> list[str]:
    """Write a digest of each stream's packets on stdout, and tracks as files, in one pass."""
    return [*extract_arguments(source, files), *_hashes(hashed_indexes, "-c", "copy")]


def decoded_hash_arguments(source: SourceAccess, stream_indexes: Sequence[int]) -> list[str]:
    """Write a digest of each stream's pictures or sound on stdout."""
    hashes = _hashes(stream_indexes, "-fps_mode", "passthrough")
    return [*global_arguments("error"), *input_arguments(source), *hashes]


def burn_in_arguments(
    source: SourceAccess,
    *,
    video_index: int,
    audio_indexes: Sequence[int],
    subtitles_name: str,
    fonts_directory: str,
    font: str,
    container: Container,
    video_arguments: Sequence[str],
    threads: int,
    max_seconds: float,
    output_name: str,
) -> list[str]:
    """Draw subtitles into the pictures; the sound is copied.

    `font` replaces that of the subtitles' styles, unless it is empty. Every name is of our own
    making, so none needs to be escaped.
    """
    drawn = _drawing(subtitles_name, fonts_directory, font)
    maps = [argument for index in audio_indexes for argument in ("-map", f"0:{index}")]
    return [
        # Warnings tell which characters no font has.
        *global_arguments("warning"),
        "-progress",
        f"pipe:{PROGRESS_FD}",
        "-stats_period",
        _STATS_PERIOD_SECONDS,
        "-filter_threads",
        str(threads),
        *input_arguments(source),
        *("-map", f"0:{video_index}"),
        *maps,
        *("-sn", "-dn"),
        # Pictures must have even sides for 4:2:0.
        *("-vf", f"{drawn},pad=w='ceil(iw/2)*2':h='ceil(ih/2)*2'"),
        *("-fps_mode", "passthrough", "-enc_time_base", "demux"),
        *video_arguments,
        *("-c:a", "copy", "-threads", str(threads), "-t", f"{max_seconds:.3f}"),
        *container.arguments,
        *("-f", container.muxer, f"file:{output_name}"),
    ]


def glyph_arguments(subtitles_name: str, fonts_directory: str, font: str) -> list[str]:
    """Draw subtitles on one empty picture, for the sake of the warnings."""
    return [
        *global_arguments("warning"),
        *("-f", "lavfi", "-i", "color=c=black:s=320x180:r=1:d=1"),
        *("-vf", _drawing(subtitles_name, fonts_directory, font)),
        *("-frames:v", "1", "-f", "null", "-"),
    ]


def subtitle_input(source: SourceAccess, form: SubtitleForm) -> list[str]:
    """Open a file of ours as subtitles of one format."""
    return ["-f", form.ffmpeg_format, *input_arguments(source)]


def _hashes(stream_indexes: Sequence[int], *how: str) -> list[str]:
    if not stream_indexes:
        return []
    maps = [argument for index in stream_indexes for argument in ("-map", f"0:{index}")]
    return [*maps, *how, *("-f", "streamhash", "-hash", "sha256", "pipe:1")]


def _drawing(subtitles_name: str, fonts_directory: str, font: str) -> str:
    style = f":force_style=FontName={font}" if font else ""
    return f"subtitles=filename={subtitles_name}:fontsdir={fonts_directory}{style}"


def _track_arguments(number: int, track: NewTrack, container: Container) -> list[str]:
    marks = [
        *(["default"] if track.is_default else []),
        *(["forced"] if track.is_forced else []),
    ]
    return [
        *(f"-c:s:{number}", container.keeps(track.form)),
        *(f"-metadata:s:s:{number}", f"language={track.language}"),
        *(f"-metadata:s:s:{number}", f"title={track.title}"),
        # MP4 has no title of a track; players show its handler's name.
        *(f"-metadata:s:s:{number}", f"handler_name={track.title}"),
        *(f"-disposition:s:{number}", "+".join(marks) or "0"),
    ]
