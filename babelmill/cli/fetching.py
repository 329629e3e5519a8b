"""Downloads artifacts to files."""

import sys
from collections.abc import Iterator
from pathlib import Path

from babelmill.cli.places import place_for, safe_name
from babelmill.cli.reporters import transfer_bar
from babelmill.cli.session import Session
from babelmill.jobs.v1 import artifact_pb2, job_pb2


def fetch(
    run: Session, artifact: artifact_pb2.Artifact, output: Path | None, *, force: bool
) -> Path:
    """Download one artifact and return its path. Raises typer.BadParameter."""
    name = safe_name(artifact.filename, artifact.artifact_id)
    path = place_for(output, name, force=force)
    with transfer_bar(run.screen, f"download {name}") as on_bytes:
        return run.client.download(artifact, path, on_bytes=on_bytes)


def fetch_outputs(
    run: Session, job: job_pb2.Job, output: Path | None, *, force: bool
) -> Iterator[Path]:
    """Download what a job has made. A file as output is meant for one artifact."""
    outputs = outputs_of(job)
    if len(outputs) > 1 and output is not None:
        output.mkdir(parents=True, exist_ok=True)
    for artifact in outputs:
        yield fetch(run, artifact, output, force=force)


def outputs_of(job: job_pb2.Job) -> list[artifact_pb2.Artifact]:
    """List the artifacts of the targets that have completed."""
    return [
        artifact
        for target in job.targets
        if target.state == job_pb2.TARGET_STATE_COMPLETED
        for artifact in target.outputs
    ]


def copy_to_stdout(run: Session, artifact: artifact_pb2.Artifact) -> None:
    """Write an artifact's bytes to stdout as they are."""
    with run.client.read(artifact) as pieces:
        for piece in pieces:
            sys.stdout.buffer.write(piece)
    sys.stdout.buffer.flush()
