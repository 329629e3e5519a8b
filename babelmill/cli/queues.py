"""`babelmill queues` and `dead-letters`: what waits, and what gave up."""

from itertools import islice
from typing import Annotated

import typer

from babelmill.cli.job_view import describe_failure
from babelmill.cli.options import AsJson
from babelmill.cli.screen import moment, to_json
from babelmill.cli.session import session
from babelmill.client.jobs import state_name
from babelmill.jobs.v1 import queue_pb2

dead_letters = typer.Typer(
    help="Jobs that ran out of their retry budget: list them, or bring them back.",
    invoke_without_command=True,
    rich_markup_mode=None,
)

_LARGEST_PAGE = 500


def queues(as_json: AsJson = False) -> None:
    """List the queues; with --json one a line. An operator's token counts all tenants."""
    with session("queues") as run:
        found = run.client.queues()
        if as_json:
            for queue in found:
                run.screen.result(to_json(queue))
            return
        run.screen.rows(
            ("queue", "waiting", "leased", "oldest", "ended/s"),
            [
                (
                    queue.name,
                    str(queue.depth),
                    str(queue.leased),
                    _age(queue),
                    f"{queue.drain_rate:.2f}",
                )
                for queue in found
            ],
        )


@dead_letters.callback()
def _list_by_default(context: typer.Context) -> None:
    if context.invoked_subcommand is None:
        list_dead_letters()


@dead_letters.command("list")
def list_dead_letters(
    limit: Annotated[int, typer.Option("--limit", min=1, help="How many, newest first.")] = 20,
    as_json: AsJson = False,
) -> None:
    """List dead letters, newest first; with --json one a line."""
    with session("dead-letters.list") as run:
        pages = run.client.dead_letters(page_size=min(limit, _LARGEST_PAGE))
        found = islice(pages, limit)
        if as_json:
            for dead in found:
                run.screen.result(to_json(dead))
            return
        run.screen.rows(
            ("job", "kind", "attempts", "gave up", "replays", "error"),
            [
                (
                    dead.job_id,
                    dead.kind,
                    str(dead.attempts),
                    moment(dead.finish_time),
                    str(len(dead.replay_job_ids)),
                    describe_failure(dead.error),
                )
                for dead in found
            ],
        )


@dead_letters.command("replay")
def replay(
    jobs: Annotated[list[str], typer.Argument(metavar="JOB", help="Ids of dead letters.")],
    as_json: AsJson = False,
) -> None:
    """Make a new job from each dead letter, all or none; print old and new ids.

    One whose replay stands is not replayed again: that replay is printed.
    """
    with session("dead-letters.replay") as run:
        for replayed in run.client.replay_dead_letters(jobs):
            words = (replayed.parent_job_id, replayed.job_id, state_name(replayed.state))
            run.screen.result(to_json(replayed) if as_json else "\t".join(words))


def _age(queue: queue_pb2.Queue) -> str:
    if not queue.HasField("oldest_age"):
        return ""
    return f"{queue.oldest_age.ToTimedelta().total_seconds():.0f} s"
