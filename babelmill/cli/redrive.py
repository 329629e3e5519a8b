"""`babelmill retry` and `delete`: what can be done with a job that has ended."""

from pathlib import Path
from typing import Annotated

import typer

from babelmill.cli.exit_codes import code_of_job
from babelmill.cli.following import follow, tell_failures
from babelmill.cli.options import AsJson, JobId, RequestId
from babelmill.cli.screen import to_json
from babelmill.cli.session import Session, session
from babelmill.cli.translation_options import ChatKeyFile, read_chat_key
from babelmill.client.jobs import state_name


def retry(
    job: JobId,
    all_targets: Annotated[
        bool, typer.Option("--all", help="Repeat also the targets that had completed.")
    ] = False,
    chat_key_file: ChatKeyFile = None,
    request_id: RequestId = None,
    wait: Annotated[bool, typer.Option("--wait", help="Wait for the new job's end.")] = False,
    as_json: AsJson = False,
) -> None:
    """Make a new job of what an ended one did not complete, and print its id.

    A job with a chat model needs its key again, from BABELMILL_CHAT_API_KEY or
    --chat-key-file: the service has deleted it.

    Exit codes: 0 it is made (with --wait: it completed), 1 it ended in another
    way (--wait), 4 refused: the old job has not ended, or has succeeded.
    """
    with session("retry") as run:
        made = run.client.retry_job(
            job,
            all_targets=all_targets,
            chat_api_key=_key_for(run, job, chat_key_file),
            request_id=request_id,
        )
        if not wait:
            run.screen.result(to_json(made) if as_json else made.job_id)
            return
        ended = follow(run, made.job_id)
        shown = to_json(ended) if as_json else f"{ended.job_id} {state_name(ended.state)}"
        run.screen.result(shown)
        tell_failures(run, ended)
        raise typer.Exit(code_of_job(ended))


def delete(job: JobId) -> None:
    """Remove an ended job, its events and its outputs; what was uploaded for it stays.

    Exit codes: 0 it is gone, 4 there is no such job, or it has not ended.
    """
    with session("delete") as run:
        run.client.delete_job(job)
        run.screen.note(f"job {job} is deleted")


def _key_for(run: Session, job_id: str, key_file: Path | None) -> str:
    """Return the key if the job's spec names a chat model: no other job may have one."""
    spec = run.client.get_job(job_id).spec
    kind = spec.WhichOneof("kind")
    if kind is None or kind == "transcode":
        return ""
    return read_chat_key(key_file) if getattr(spec, kind).options.HasField("chat_model") else ""
