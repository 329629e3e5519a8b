"""Watches a job to its end and shows it."""

from collections.abc import Iterator
from contextlib import contextmanager

from babelmill.cli.job_view import describe_failure, target_word
from babelmill.cli.reporters import BarReporter, JsonReporter, LineReporter, Reporter, bars_on
from babelmill.cli.session import Session
from babelmill.client.jobs import state_name
from babelmill.jobs.v1 import job_pb2


def follow(
    run: Session, job_id: str, after_sequence: int | None = None, *, as_json: bool = False
) -> job_pb2.Job:
    """Watch a job to its end, with bars or lines on stderr, and return it.

    With `as_json` every update is a JSON line on stdout instead. A Ctrl-C
    meanwhile leaves the job running.
    """
    run.awaited_job_id = job_id
    with (
        _reporter(run, job_id, as_json) as reporter,
        run.client.watch_job(job_id, after_sequence) as watch,
    ):
        for update in watch:
            reporter.show(update)
    job = run.client.get_job(job_id)
    run.awaited_job_id = ""
    return job


def tell_failures(run: Session, job: job_pb2.Job) -> None:
    """Tell on stderr what of an ended job did not succeed."""
    if job.state == job_pb2.JOB_STATE_COMPLETED:
        return
    lines = [f"job {job.job_id} ended {state_name(job.state)}"]
    if job.HasField("error"):
        lines[0] += f": {describe_failure(job.error)}"
        lines += [f"  {name}: {value}" for name, value in sorted(job.error.metadata.items())]
    lines += [
        f"  {target.key}: {target_word(target.state)} {describe_failure(target.error)}"
        for target in job.targets
        if target.state != job_pb2.TARGET_STATE_COMPLETED
    ]
    run.screen.problem(lines)


@contextmanager
def _reporter(run: Session, job_id: str, as_json: bool) -> Iterator[Reporter]:
    if as_json:
        yield JsonReporter(run.screen.result)
    elif run.screen.shows_bars:
        with bars_on(run.screen) as bars:
            yield BarReporter(bars, lambda: run.client.get_job(job_id))
    else:
        yield LineReporter(run.screen.note)
