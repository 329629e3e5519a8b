"""What `babelmill translate` does with what a job has made."""

from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from babelmill.cli.places import place_for, safe_name, write_whole
from babelmill.cli.reporters import transfer_bar
from babelmill.cli.session import Session
from babelmill.jobs.v1 import artifact_pb2, job_pb2

_REPORT = "report.json"


def print_texts(run: Session, job: job_pb2.Job) -> None:
    """Print the translations of a text, each under its language if there are several."""
    for target in _completed(job):
        if len(job.targets) > 1:
            run.screen.result(f"== {target.key} ==")
        run.screen.result(run.client.job_text(job, target.key))


def write_texts(
    run: Session, job: job_pb2.Job, folder: Path, stem: str, suffix: str, *, force: bool
) -> Iterator[Path]:
    """Write the translations of a text, one file a language, and yield the paths."""
    folder.mkdir(parents=True, exist_ok=True)
    for target in _completed(job):
        language = safe_name(target.key, "translation")
        path = place_for(folder, f"{stem}.{language}{suffix}", force=force)
        if target.HasField("text"):
            write_whole(path, target.text.encode())
        else:
            run.client.download(target.outputs[0], path)
        yield path


def write_documents(
    run: Session, job: job_pb2.Job, folder: Path, *, reports: bool, force: bool
) -> Iterator[Path]:
    """Download translated files and their twins, and yield the paths.

    With `reports` also what tells of every segment, under the name of its document.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for target in _completed(job):
        for artifact in target.outputs:
            if not _is_report(artifact) or reports:
                yield _fetched(run, folder, _name_in(target, artifact), artifact, force=force)


def _fetched(
    run: Session, folder: Path, name: str, artifact: artifact_pb2.Artifact, *, force: bool
) -> Path:
    path = place_for(folder, name, force=force)
    with transfer_bar(run.screen, f"download {name}") as on_bytes:
        return run.client.download(artifact, path, on_bytes=on_bytes)


def _name_in(target: job_pb2.Target, artifact: artifact_pb2.Artifact) -> str:
    if not _is_report(artifact):
        return safe_name(artifact.filename, artifact.artifact_id)
    # All languages' reports have one name with the service.
    document = safe_name(target.outputs[0].filename, target.key)
    return f"{PurePosixPath(document).stem}.{_REPORT}"


def _is_report(artifact: artifact_pb2.Artifact) -> bool:
    return PurePosixPath(artifact.filename).name == _REPORT


def _completed(job: job_pb2.Job) -> list[job_pb2.Target]:
    return [target for target in job.targets if target.state == job_pb2.TARGET_STATE_COMPLETED]
