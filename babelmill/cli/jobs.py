"""`babelmill watch`, `jobs`, `get` and `cancel`."""

from itertools import islice
from typing import Annotated

import typer

from babelmill.cli.exit_codes import ExitCode, code_of_job
from babelmill.cli.following import follow, tell_failures
from babelmill.cli.job_view import describe_failure, describe_progress, target_word
from babelmill.cli.options import AsJson, JobId, Labels, parse_labels
from babelmill.cli.screen import moment, to_json
from babelmill.cli.session import session
from babelmill.client import is_final, requests
from babelmill.client.errors import InvalidArgument
from babelmill.client.jobs import state_name
from babelmill.jobs.v1 import job_pb2

_LARGEST_PAGE = 500


def watch(
    job: JobId,
    after: Annotated[
        int | None,
        typer.Option("--after", min=0, metavar="N", help="Go on after event N; 0 replays all."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Watch a job to its end; it resumes by itself when the connection breaks.

    Exit codes: 0 the job completed, 1 it ended in another way.
    """
    with session("watch") as run:
        ended = follow(run, job, after, as_json=as_json)
        if not as_json:
            run.screen.result(f"{ended.job_id} {state_name(ended.state)}")
            tell_failures(run, ended)
        raise typer.Exit(code_of_job(ended))


def jobs(
    state: Annotated[
        list[str] | None,
        typer.Option("--state", metavar="WORD", help="Such as completed; repeatable."),
    ] = None,
    kind: Annotated[
        list[str] | None,
        typer.Option("--kind", metavar="WORD", help="translate_text or transcode; repeatable."),
    ] = None,
    label: Labels = None,
    limit: Annotated[int, typer.Option("--limit", min=1, help="How many, newest first.")] = 20,
    as_json: AsJson = False,
) -> None:
    """List jobs, newest first; with --json one a line."""
    try:
        matching = requests.job_filter(
            states=state or (), kinds=kind or (), labels=parse_labels(label)
        )
    except InvalidArgument as error:
        raise typer.BadParameter(error.message, param_hint="--state") from error
    with session("jobs") as run:
        found = islice(run.client.list_jobs(matching, page_size=min(limit, _LARGEST_PAGE)), limit)
        if as_json:
            for job in found:
                run.screen.result(to_json(job))
            return
        run.screen.rows(
            ("job", "state", "kind", "done", "created"),
            [
                (
                    job.job_id,
                    state_name(job.state),
                    job.spec.WhichOneof("kind") or "",
                    f"{job.progress.percent:.0f} %",
                    moment(job.create_time),
                )
                for job in found
            ],
        )


def get(job: JobId, as_json: AsJson = False) -> None:
    """Show a job as it is now."""
    with session("get") as run:
        found = run.client.get_job(job)
        if as_json:
            run.screen.result(to_json(found))
        else:
            run.screen.rows(("", ""), _facts(found))


def cancel(
    job: JobId,
    wait: Annotated[
        bool, typer.Option("--wait", help="Return when nothing of it runs any more.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Stop a job.

    Exit codes: 0 it is or will be cancelled, 1 it ended in another way
    meanwhile (--wait), 4 it had ended before.
    """
    with session("cancel") as run:
        found = run.client.cancel_job(job)
        if wait and not is_final(found):
            found = follow(run, job)
        shown = to_json(found) if as_json else f"{job} {state_name(found.state)}"
        run.screen.result(shown)
        stopping = (job_pb2.JOB_STATE_CANCELLED, job_pb2.JOB_STATE_CANCELLING)
        if found.state not in stopping:
            raise typer.Exit(ExitCode.JOB_NOT_COMPLETED)


def _facts(job: job_pb2.Job) -> list[tuple[str, str]]:
    facts = [
        ("job", job.job_id),
        ("state", state_name(job.state)),
        ("kind", job.spec.WhichOneof("kind") or ""),
        ("progress", describe_progress(job.progress)),
        ("created", moment(job.create_time)),
        ("finished", moment(job.finish_time)),
        ("attempts", str(job.attempts)),
        ("trace", job.trace_id),
        ("error", describe_failure(job.error)),
    ]
    facts += [(f"label {key}", value) for key, value in sorted(job.labels.items())]
    for target in job.targets:
        outputs = ", ".join(f"{a.artifact_id} {a.filename}" for a in target.outputs)
        words = (target_word(target.state), describe_failure(target.error), outputs)
        facts.append((f"target {target.key}", "  ".join(word for word in words if word)))
    return [(name, value) for name, value in facts if value]
