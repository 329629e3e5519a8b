"""Options that say which subtitles, and how their words are read."""

from pathlib import Path
from typing import Annotated, TypeAlias, cast

import typer

from babelmill.client import videos
from babelmill.client.errors import InvalidArgument
from babelmill.media.v1 import subtitles_pb2

Charset: TypeAlias = Annotated[
    str,
    typer.Option("--charset", metavar="NAME", help="Of the subtitle file; default: found out."),
]
TrackLanguage: TypeAlias = Annotated[
    str, typer.Option("--track-language", metavar="LANG", help="Take the track of this language.")
]
TrackIndex: TypeAlias = Annotated[
    int | None,
    typer.Option("--track", metavar="N", min=0, help="Take this subtitle track, from 0."),
]
ContainerWord: TypeAlias = Annotated[
    str, typer.Option("--container", metavar="WORD", help="mp4, mkv or webm; default: as it is.")
]
FormatWord: TypeAlias = Annotated[
    str, typer.Option("--format", metavar="WORD", help="srt, vtt or ass.")
]
Replace: TypeAlias = Annotated[
    bool, typer.Option("--replace", help="Leave out the subtitle tracks that are there.")
]


def chosen_track(language: str, index: int | None) -> subtitles_pb2.TrackChoice | None:
    """Read the choice of a track. Raises typer.BadParameter."""
    try:
        return videos.track_choice(language, index)
    except InvalidArgument as error:
        raise typer.BadParameter(error.message, param_hint="--track") from error


def parse_container(word: str) -> videos.ContainerName:
    """Check a container's word. Raises typer.BadParameter."""
    try:
        videos.parse_container(word)
    except InvalidArgument as error:
        raise typer.BadParameter(error.message, param_hint="--container") from error
    return cast("videos.ContainerName", word.lower())


def parse_format(word: str) -> videos.SubtitleFormatName:
    """Check a format's word. Raises typer.BadParameter."""
    try:
        videos.parse_format(word)
    except InvalidArgument as error:
        raise typer.BadParameter(error.message, param_hint="--format") from error
    return cast("videos.SubtitleFormatName", word.lower())


def parse_tracks(words: list[str], charset: str) -> list[videos.NewTrack]:
    """Read tracks written LANG=FILE. Raises typer.BadParameter."""
    tracks = []
    for word in words:
        language, separator, name = word.partition("=")
        path = Path(name)
        if not separator or not language:
            raise typer.BadParameter(f"{word!r} is not LANG=FILE", param_hint="--add")
        if not path.is_file():
            raise typer.BadParameter(f"{name} is no file", param_hint="--add")
        tracks.append(videos.NewTrack(content=path, language=language, charset=charset))
    return tracks
