"""`babelmill upload` and `babelmill download`."""

from pathlib import Path
from typing import Annotated

import typer

from babelmill.cli.fetching import copy_to_stdout, fetch, outputs_of
from babelmill.cli.options import AsJson
from babelmill.cli.places import as_directory
from babelmill.cli.reporters import transfer_bar
from babelmill.cli.screen import to_json
from babelmill.cli.session import Session, session
from babelmill.client.errors import FailedPrecondition, NotFound, ResultExpired
from babelmill.jobs.v1 import artifact_pb2, job_pb2


def upload(
    file: Annotated[Path, typer.Argument(metavar="FILE", exists=True, dir_okay=False)],
    media_type: Annotated[
        str | None, typer.Option("--media-type", help="Such as text/plain; guessed if not given.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Upload a file and print its artifact id; a broken upload resumes by itself."""
    with session("upload") as run:
        with transfer_bar(run.screen, f"upload {file.name}") as on_bytes:
            artifact = run.client.upload(file, media_type=media_type, on_bytes=on_bytes)
        run.screen.result(to_json(artifact) if as_json else artifact.artifact_id)


def download(
    what: Annotated[str, typer.Argument(metavar="ARTIFACT|JOB", help="An artifact's or job's id.")],
    output: Annotated[
        str | None,
        typer.Option("--output", "-o", metavar="PATH", help="File or directory; - is stdout."),
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Replace a file that --output does not name.")
    ] = False,
    parts: Annotated[
        bool,
        typer.Option("--parts", help="Of a job: what its steps made so far, while it still runs."),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Download an artifact, or all that a job has made, and print the paths.

    A download that was broken off goes on when the command is run again.
    """
    with session("download") as run:
        found = _parts(run, what) if parts else _find(run, what)
        if output == "-":
            if len(found) > 1:
                raise typer.BadParameter("the job has made several files", param_hint="--output")
            copy_to_stdout(run, found[0])
            return
        place = as_directory(output)
        if len(found) > 1 and place is not None:
            place.mkdir(parents=True, exist_ok=True)
        for artifact in found:
            path = fetch(run, artifact, place, force=force)
            run.screen.result(to_json(artifact) if as_json else str(path))


def _find(run: Session, what: str) -> list[artifact_pb2.Artifact]:
    try:
        return [run.client.get_artifact(what)]
    except NotFound as error:
        if error.reason == "ARTIFACT_EXPIRED":
            raise
    try:
        job = run.client.get_job(what)
    except NotFound:
        raise NotFound(f"there is no artifact and no job {what}") from None
    outputs = outputs_of(job)
    if not outputs and any(t.state == job_pb2.TARGET_STATE_COMPLETED for t in job.targets):
        raise ResultExpired
    if not outputs:
        raise FailedPrecondition("the job has not made anything that can be downloaded")
    return outputs


def _parts(run: Session, job_id: str) -> list[artifact_pb2.Artifact]:
    """List a job's parts, under names that tell their steps."""
    found = []
    for step in run.client.get_job(job_id).steps:
        for part in step.parts:
            named = artifact_pb2.Artifact()
            named.CopyFrom(part)
            named.filename = f"{step.name}-{part.filename}"
            found.append(named)
    if not found:
        raise FailedPrecondition("no step of the job has made a part yet")
    return found
