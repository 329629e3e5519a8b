"""`babelmill transcode`: a media file by a preset."""

from pathlib import Path
from typing import Annotated

import typer

from babelmill.cli.exit_codes import code_of_job
from babelmill.cli.fetching import fetch_outputs
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
from babelmill.cli.places import as_directory
from babelmill.cli.reporters import transfer_bar
from babelmill.cli.screen import to_json
from babelmill.cli.segment_options import SegmentLength, SegmentsWord, parse_segments
from babelmill.cli.session import session
from babelmill.cli.transcode_options import Settings, parse_settings


def transcode(
    source: Annotated[
        Path, typer.Argument(metavar="IN", exists=True, dir_okay=False, help="A media file.")
    ],
    preset: Annotated[
        str, typer.Option("--preset", "-p", help="Preset by name, as `babelmill presets` tells.")
    ],
    output: Annotated[
        str | None,
        typer.Option("--output", "-o", metavar="PATH", help="File or directory to write to."),
    ] = None,
    settings: Settings = None,
    segments: SegmentsWord = "auto",
    segment_length: SegmentLength = 0.0,
    reuse: Annotated[
        bool, typer.Option("--reuse", help="Take the results of a job that has done the same.")
    ] = False,
    priority: Priority = "normal",
    label: Labels = None,
    request_id: RequestId = None,
    wait: Wait = True,
    as_json: AsJson = False,
    force: Annotated[
        bool, typer.Option("--force", help="Replace a file in the --output directory.")
    ] = False,
) -> None:
    """Transcode a media file; without --output the result stays with the service.

    Exit codes: 0 done, 1 the job did not succeed (see stderr), 2 wrong usage,
    3 the service cannot be reached, 4 it refused, 130 Ctrl-C (the job goes on).
    """
    chosen_priority, labels = parse_priority(priority), parse_labels(label)
    options = parse_settings(settings)
    cut = parse_segments(segments, segment_length)
    with session("transcode") as run:
        place = as_directory(output)
        if place is not None and place.exists() and place.samefile(source):
            raise typer.BadParameter("--output is the input", param_hint="--output")
        with transfer_bar(run.screen, f"upload {source.name}") as on_bytes:
            job = run.client.transcode(
                source,
                preset,
                options=options,
                segments=cut,
                reuse_results=reuse,
                priority=chosen_priority,
                request_id=request_id,
                labels=labels,
                on_bytes=on_bytes,
            )
        if not wait:
            run.screen.result(to_json(job) if as_json else job.job_id)
            return
        job = follow(run, job.job_id)
        if place is not None:
            for path in fetch_outputs(run, job, place, force=force):
                if not as_json:
                    run.screen.result(str(path))
        elif not as_json:
            for target in job.targets:
                for artifact in target.outputs:
                    run.screen.result(f"{artifact.artifact_id}\t{artifact.filename}")
        if as_json:
            run.screen.result(to_json(job))
        tell_failures(run, job)
        raise typer.Exit(code_of_job(job))
