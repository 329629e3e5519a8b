"""`babelmill localize`: a video with its subtitles in other languages."""

from pathlib import Path
from typing import Annotated

import typer

from babelmill.cli.exit_codes import code_of_job
from babelmill.cli.following import follow, tell_failures
from babelmill.cli.options import (
    AsJson,
    Labels,
    Priority,
    RequestId,
    Wait,
    parse_labels,
    parse_priority,
)
from babelmill.cli.reporters import transfer_bar
from babelmill.cli.screen import to_json
from babelmill.cli.session import session
from babelmill.cli.subtitle_options import (
    Charset,
    ContainerWord,
    Replace,
    TrackIndex,
    TrackLanguage,
    chosen_track,
    parse_container,
)
from babelmill.cli.translation_options import (
    ChatKeyFile,
    ChatModelName,
    ChatUrl,
    Domain,
    Engines,
    GlossaryIds,
    MaxCharacters,
    MaxTokens,
    Terms,
    ToneWord,
    WithoutMemory,
    read_options,
    split_words,
)
from babelmill.cli.translation_results import write_documents


def localize(
    video: Annotated[
        Path, typer.Argument(metavar="VIDEO", exists=True, dir_okay=False, help="A video file.")
    ],
    to: Annotated[
        list[str],
        typer.Option("--to", "-t", metavar="LANG", help="Language to make; repeatable."),
    ],
    from_: Annotated[
        str,
        typer.Option("--from", "-f", metavar="LANG", help="Default: what the track says."),
    ] = "",
    subtitles: Annotated[
        Path | None,
        typer.Option(
            "--subtitles", metavar="FILE", exists=True, dir_okay=False, help="Translate these."
        ),
    ] = None,
    charset: Charset = "",
    track_language: TrackLanguage = "",
    track: TrackIndex = None,
    burn_in: Annotated[
        str,
        typer.Option("--burn-in", metavar="LANG", help="Draw this language into the pictures."),
    ] = "",
    container: ContainerWord = "",
    replace: Replace = False,
    engine: Engines = None,
    tone: ToneWord = "",
    domain: Domain = "",
    chat_url: ChatUrl = "",
    chat_model: ChatModelName = "",
    chat_key_file: ChatKeyFile = None,
    glossary: GlossaryIds = None,
    term: Terms = None,
    max_characters: MaxCharacters = 0,
    max_tokens: MaxTokens = 0,
    without_memory: WithoutMemory = False,
    report: Annotated[
        bool, typer.Option("--report", help="Also download what tells of every cue.")
    ] = False,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="DIR", help="Write the files here."),
    ] = None,
    priority: Priority = "normal",
    label: Labels = None,
    request_id: RequestId = None,
    wait: Wait = True,
    as_json: AsJson = False,
    force: Annotated[bool, typer.Option("--force", help="Replace files that exist.")] = False,
) -> None:
    """Translate a video's subtitles, and put every language back in as a track.

    Writes the video and each language's subtitles to --output, by default
    here. Pictures and sound are those of the video, bit by bit.

    Exit codes: 0 every language is done, 1 not all of them succeeded (see
    stderr; the video has the others), 2 wrong usage, 3 the service cannot be
    reached, 4 it refused, 130 Ctrl-C (the job goes on).
    """
    options = read_options(
        engines=engine,
        tone=tone,
        domain=domain,
        chat_url=chat_url,
        chat_model=chat_model,
        chat_key_file=chat_key_file,
        glossaries=glossary,
        terms=term,
        max_characters=max_characters,
        max_tokens=max_tokens,
        without_memory=without_memory,
    )
    chosen = chosen_track(track_language, track)
    if subtitles is not None and chosen is not None:
        raise typer.BadParameter("give a file or a track, not both", param_hint="--subtitles")
    targets = split_words(to)
    wanted_container = parse_container(container)
    chosen_priority, labels = parse_priority(priority), parse_labels(label)
    with session("localize") as run:
        with transfer_bar(run.screen, f"upload {video.name}") as on_bytes:
            job = run.client.localize_video(
                video,
                from_,
                targets,
                subtitles=subtitles,
                charset=charset,
                track=chosen,
                options=options,
                container=wanted_container,
                replace=replace,
                burn_in=burn_in,
                priority=chosen_priority,
                request_id=request_id,
                labels=labels,
                on_bytes=on_bytes,
            )
        if not wait:
            run.screen.result(to_json(job) if as_json else job.job_id)
            return
        job = follow(run, job.job_id)
        for path in write_documents(run, job, output or Path(), reports=report, force=force):
            if not as_json:
                run.screen.result(str(path))
        if as_json:
            run.screen.result(to_json(job))
        tell_failures(run, job)
        raise typer.Exit(code_of_job(job))
