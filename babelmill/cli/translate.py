"""`babelmill translate`: a text, a file, or what comes on stdin."""

import sys
from dataclasses import dataclass
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
from babelmill.cli.places import place_for, safe_name, write_whole
from babelmill.cli.reporters import transfer_bar
from babelmill.cli.screen import to_json
from babelmill.cli.session import Session, session
from babelmill.client.requests import LARGEST_INLINE_TEXT_BYTES
from babelmill.jobs.v1 import artifact_pb2, job_pb2


@dataclass(frozen=True, slots=True)
class TextInput:
    """What is to be translated: text at hand, or a file too large for a message."""

    text: str
    path: Path | None
    stem: str
    suffix: str


def translate(
    source: Annotated[
        str,
        typer.Argument(metavar="TEXT|FILE|-", help="A text, an existing UTF-8 file, or - (stdin)."),
    ],
    to: Annotated[
        list[str],
        typer.Option("--to", "-t", metavar="LANG", help="Language to make; repeatable."),
    ],
    from_: Annotated[str, typer.Option("--from", "-f", metavar="LANG")] = "en",
    engine: Annotated[
        str, typer.Option("--engine", help="Engine by name, as `babelmill engines` tells.")
    ] = "",
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="DIR", help="Write one file a language here."),
    ] = None,
    priority: Priority = "normal",
    label: Labels = None,
    request_id: RequestId = None,
    wait: Wait = True,
    as_json: AsJson = False,
    force: Annotated[bool, typer.Option("--force", help="Replace files in --output.")] = False,
) -> None:
    """Translate a text or file; translations go to stdout, progress to stderr.

    Exit codes: 0 every language is done, 1 not all of them succeeded (see
    stderr), 2 wrong usage, 3 the service cannot be reached, 4 it refused, 130
    Ctrl-C (the job goes on).
    """
    chosen_priority, labels = parse_priority(priority), parse_labels(label)
    targets = [language for word in to for language in word.split(",") if language]
    with session("translate") as run:
        given = _read(source)
        job = run.client.translate_text(
            given.text if given.path is None else _uploaded(run, given.path),
            from_,
            targets,
            engine=engine,
            priority=chosen_priority,
            request_id=request_id,
            labels=labels,
        )
        if not wait:
            run.screen.result(to_json(job) if as_json else job.job_id)
            return
        job = follow(run, job.job_id)
        if output is not None:
            _write_all(run, job, given, output, force=force, quiet=as_json)
        elif not as_json:
            _print_all(run, job)
        if as_json:
            run.screen.result(to_json(job))
        tell_failures(run, job)
        raise typer.Exit(code_of_job(job))


def _read(source: str) -> TextInput:
    if source == "-":
        return TextInput(_decoded(sys.stdin.buffer.read(), "stdin"), None, "translation", ".txt")
    path = _existing_file(source)
    if path is None:
        return TextInput(source, None, "translation", ".txt")
    if path.stat().st_size > LARGEST_INLINE_TEXT_BYTES:
        return TextInput("", path, path.stem, path.suffix)
    return TextInput(_decoded(path.read_bytes(), source), None, path.stem, path.suffix)


def _existing_file(source: str) -> Path | None:
    try:
        return Path(source) if Path(source).is_file() else None
    except (OSError, ValueError):  # a text can be too long or too odd for a name
        return None


def _decoded(data: bytes, name: str) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise typer.BadParameter(
            f"{name} is not UTF-8 text: byte {error.start} is 0x{data[error.start]:02x}"
        ) from error


def _uploaded(run: Session, path: Path) -> artifact_pb2.Artifact:
    with transfer_bar(run.screen, f"upload {path.name}") as on_bytes:
        return run.client.upload(path, media_type="text/plain", on_bytes=on_bytes)


def _completed(job: job_pb2.Job) -> list[job_pb2.Target]:
    return [target for target in job.targets if target.state == job_pb2.TARGET_STATE_COMPLETED]


def _print_all(run: Session, job: job_pb2.Job) -> None:
    for target in _completed(job):
        if len(job.targets) > 1:
            run.screen.result(f"== {target.key} ==")
        run.screen.result(run.client.job_text(job, target.key))


def _write_all(
    run: Session, job: job_pb2.Job, given: TextInput, folder: Path, *, force: bool, quiet: bool
) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for target in _completed(job):
        language = safe_name(target.key, "translation")
        path = place_for(folder, f"{given.stem}.{language}{given.suffix}", force=force)
        if target.HasField("text"):
            write_whole(path, target.text.encode())
        else:
            run.client.download(target.outputs[0], path)
        if not quiet:
            run.screen.result(str(path))
