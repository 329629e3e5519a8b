"""`babelmill subtitles`: out of media files, into them, into their pictures, and as files."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, TypeAlias

import typer

from babelmill.cli.exit_codes import code_of_job
from babelmill.cli.fetching import fetch_outputs
from babelmill.cli.following import follow, tell_failures
from babelmill.cli.options import AsJson, Priority, parse_priority
from babelmill.cli.places import as_directory
from babelmill.cli.reporters import transfer_bar
from babelmill.cli.screen import to_json
from babelmill.cli.session import Session, session
from babelmill.cli.subtitle_options import (
    Charset,
    ContainerWord,
    FormatWord,
    Replace,
    TrackIndex,
    TrackLanguage,
    chosen_track,
    parse_container,
    parse_format,
    parse_tracks,
)
from babelmill.client.upload_source import OnBytes
from babelmill.jobs.v1 import job_pb2

subtitles = typer.Typer(
    help="Take subtitles out of media files, and put them in.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

_Media: TypeAlias = Annotated[
    Path, typer.Argument(metavar="MEDIA", exists=True, dir_okay=False, help="A media file.")
]
_Output: TypeAlias = Annotated[
    str,
    typer.Option("--output", "-o", metavar="PATH", help="File or directory to write to."),
]
_Force: TypeAlias = Annotated[bool, typer.Option("--force", help="Replace files that exist.")]


@subtitles.command()
def extract(
    media: _Media,
    track_language: TrackLanguage = "",
    track: TrackIndex = None,
    file_format: FormatWord = "",
    output: _Output = ".",
    priority: Priority = "normal",
    as_json: AsJson = False,
    force: _Force = False,
) -> None:
    """Take one text track out of a media file, or all of them."""
    chosen, wanted = chosen_track(track_language, track), parse_format(file_format)
    chosen_priority = parse_priority(priority)
    _run(
        media,
        lambda run, on_bytes: run.client.extract_subtitles(
            media,
            track=chosen,
            subtitle_format=wanted,
            priority=chosen_priority,
            on_bytes=on_bytes,
        ),
        output,
        as_json=as_json,
        force=force,
    )


@subtitles.command()
def convert(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", exists=True, dir_okay=False, help="SRT, VTT or ASS.")
    ],
    file_format: FormatWord,
    charset: Charset = "",
    output: _Output = ".",
    priority: Priority = "normal",
    as_json: AsJson = False,
    force: _Force = False,
) -> None:
    """Change a subtitle file's format; the result is UTF-8."""
    wanted, chosen_priority = parse_format(file_format), parse_priority(priority)
    _run(
        file,
        lambda run, _: run.client.convert_subtitles(
            file, wanted, charset=charset, priority=chosen_priority
        ),
        output,
        as_json=as_json,
        force=force,
    )


@subtitles.command()
def mux(
    media: _Media,
    add: Annotated[
        list[str],
        typer.Option("--add", "-a", metavar="LANG=FILE", help="Track to add; repeatable."),
    ],
    charset: Charset = "",
    container: ContainerWord = "",
    replace: Replace = False,
    output: _Output = ".",
    priority: Priority = "normal",
    as_json: AsJson = False,
    force: _Force = False,
) -> None:
    """Add subtitle files to a media file, as tracks that can be switched on."""
    tracks, wanted = parse_tracks(add, charset), parse_container(container)
    chosen_priority = parse_priority(priority)
    _run(
        media,
        lambda run, on_bytes: run.client.mux_subtitles(
            media,
            tracks,
            container=wanted,
            replace=replace,
            priority=chosen_priority,
            on_bytes=on_bytes,
        ),
        output,
        as_json=as_json,
        force=force,
    )


@subtitles.command("burn-in")
def burn_in(
    media: _Media,
    file: Annotated[
        Path | None,
        typer.Option("--subtitles", metavar="FILE", exists=True, dir_okay=False, help="Of a file."),
    ] = None,
    language: Annotated[
        str, typer.Option("--language", metavar="LANG", help="Language of the file.")
    ] = "",
    charset: Charset = "",
    track_language: TrackLanguage = "",
    track: TrackIndex = None,
    output: _Output = ".",
    priority: Priority = "normal",
    as_json: AsJson = False,
    force: _Force = False,
) -> None:
    """Draw a subtitle file, or a track of the video, into the pictures."""
    chosen, chosen_priority = chosen_track(track_language, track), parse_priority(priority)
    if (file is None) == (chosen is None):
        raise typer.BadParameter("give either a file or a track", param_hint="--subtitles")
    _run(
        media,
        lambda run, on_bytes: run.client.burn_in_subtitles(
            media,
            subtitles=file,
            language=language,
            charset=charset,
            track=chosen,
            priority=chosen_priority,
            on_bytes=on_bytes,
        ),
        output,
        as_json=as_json,
        force=force,
    )


def _run(
    source: Path,
    submit: Callable[[Session, OnBytes | None], job_pb2.Job],
    output: str,
    *,
    as_json: bool,
    force: bool,
) -> None:
    """Submit a job, wait for its end, and write what it has made."""
    with session("subtitles") as run:
        place = as_directory(output)
        if place is not None and place.exists() and place.samefile(source):
            raise typer.BadParameter("--output is the input", param_hint="--output")
        with transfer_bar(run.screen, f"upload {source.name}") as on_bytes:
            job = submit(run, on_bytes)
        job = follow(run, job.job_id)
        for path in fetch_outputs(run, job, place, force=force):
            if not as_json:
                run.screen.result(str(path))
        if as_json:
            run.screen.result(to_json(job))
        tell_failures(run, job)
        raise typer.Exit(code_of_job(job))
