"""`babelmill webhooks`: addresses that are told of the events of jobs."""

from enum import StrEnum
from itertools import islice
from typing import Annotated

import typer

from babelmill.cli.admin_options import parse_since
from babelmill.cli.exit_codes import ExitCode
from babelmill.cli.options import AsJson
from babelmill.cli.screen import moment, to_json
from babelmill.cli.session import session
from babelmill.client.webhooks import EventName, event_names, state_name
from babelmill.jobs.v1 import webhook_pb2, webhook_service_pb2

webhooks = typer.Typer(
    help="Make, list, try and remove webhooks, and see what became of deliveries.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

WebhookId = Annotated[str, typer.Argument(metavar="WEBHOOK", help="The webhook's id.")]

_LARGEST_PAGE = 500


class EventWord(StrEnum):
    """A sort of events."""

    JOB_STATE = "job_state"
    JOB_ENDED = "job_ended"
    TARGET = "target"
    STEP = "step"


class DeliveryWord(StrEnum):
    """How far a delivery is."""

    PENDING = "pending"
    DELIVERED = "delivered"
    FAILED = "failed"


@webhooks.command()
def create(
    url: Annotated[str, typer.Argument(metavar="URL")],
    event: Annotated[
        list[EventWord] | None,
        typer.Option("--event", "-e", help="Repeatable; by default job_state and target."),
    ] = None,
    description: Annotated[str, typer.Option("--description", "-d")] = "",
    as_json: AsJson = False,
) -> None:
    """Make a webhook; print its id, and the secret to check its signatures with."""
    with session("webhooks.create") as run:
        events: list[EventName] = [each.value for each in event or ()]
        made, secret = run.client.create_webhook(url, events, description=description)
        if as_json:
            both = webhook_service_pb2.CreateWebhookResponse(webhook=made, secret=secret)
            run.screen.result(to_json(both))
        else:
            run.screen.result(made.webhook_id)
            run.screen.result(secret)
        run.screen.note("keep the secret: it is not shown again")


@webhooks.command("list")
def list_(as_json: AsJson = False) -> None:
    """List the webhooks, oldest first; with --json one a line."""
    with session("webhooks.list") as run:
        found = run.client.webhooks()
        if as_json:
            for webhook in found:
                run.screen.result(to_json(webhook))
            return
        run.screen.rows(
            ("webhook", "state", "events", "address", "failing since"),
            [
                (
                    webhook.webhook_id,
                    _state(webhook),
                    ",".join(event_names(webhook)),
                    webhook.url,
                    moment(webhook.failing_since),
                )
                for webhook in found
            ],
        )


@webhooks.command()
def show(webhook: WebhookId) -> None:
    """Print a webhook as JSON."""
    with session("webhooks.show") as run:
        run.screen.result(to_json(run.client.get_webhook(webhook)))


@webhooks.command()
def delete(webhook: WebhookId) -> None:
    """Remove a webhook with its deliveries."""
    with session("webhooks.delete") as run:
        run.client.delete_webhook(webhook)
        run.screen.note(f"webhook {webhook} is deleted")


@webhooks.command()
def enable(webhook: WebhookId) -> None:
    """Let a webhook be told of events again."""
    with session("webhooks.enable") as run:
        run.screen.note(f"webhook {webhook} is {_state(run.client.enable_webhook(webhook))}")


@webhooks.command()
def disable(webhook: WebhookId) -> None:
    """Let a webhook be told of nothing until it is enabled."""
    with session("webhooks.disable") as run:
        run.screen.note(f"webhook {webhook} is {_state(run.client.disable_webhook(webhook))}")


@webhooks.command("rotate-secret")
def rotate_secret(webhook: WebhookId) -> None:
    """Make a new secret and print it; for a day events bear both signatures."""
    with session("webhooks.rotate-secret") as run:
        run.screen.result(run.client.rotate_webhook_secret(webhook))


@webhooks.command()
def ping(webhook: WebhookId, as_json: AsJson = False) -> None:
    """Try a webhook once, now; the exit status tells whether it answered with success."""
    with session("webhooks.ping") as run:
        attempt = run.client.ping_webhook(webhook)
        run.screen.result(to_json(attempt) if as_json else _outcome(attempt))
    if attempt.error:
        raise typer.Exit(ExitCode.JOB_NOT_COMPLETED)


@webhooks.command()
def deliveries(
    webhook: WebhookId,
    state: Annotated[
        list[DeliveryWord] | None, typer.Option("--state", "-s", help="Repeatable.")
    ] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, help="How many, newest first.")] = 20,
    as_json: AsJson = False,
) -> None:
    """List deliveries to a webhook, newest first; with --json one a line."""
    with session("webhooks.deliveries") as run:
        pages = run.client.deliveries(
            webhook, [each.value for each in state or ()], page_size=min(limit, _LARGEST_PAGE)
        )
        found = list(islice(pages, limit))
        if as_json:
            for delivery in found:
                run.screen.result(to_json(delivery))
            return
        run.screen.rows(
            ("job", "event", "state", "attempts", "last answer", "next attempt"),
            [
                (
                    delivery.job_id,
                    str(delivery.sequence),
                    state_name(delivery),
                    str(delivery.attempt_count),
                    _outcome(delivery.attempts[-1]) if delivery.attempts else "",
                    moment(delivery.next_attempt_time),
                )
                for delivery in found
            ],
        )


@webhooks.command()
def redeliver(
    webhook: WebhookId,
    job: Annotated[str, typer.Argument(metavar="JOB", help="The job's id.")],
    sequence: Annotated[int, typer.Argument(min=1, help="The event's sequence in its job.")],
) -> None:
    """Send an event again, or for the first time."""
    with session("webhooks.redeliver") as run:
        delivery = run.client.redeliver_event(webhook, job, sequence)
        run.screen.note(f"event {sequence} of job {job} is {state_name(delivery)}")


@webhooks.command()
def recover(
    webhook: WebhookId,
    since: Annotated[
        str,
        typer.Option("--since", metavar="AGO", help="Of jobs created since, such as 90m, 12h, 7d."),
    ] = "24h",
) -> None:
    """Send what a webhook was not told of: before it was made, while disabled, or given up."""
    begin = parse_since(since)
    if begin is None:
        raise typer.BadParameter("it is required", param_hint="--since")
    with session("webhooks.recover") as run:
        run.screen.note(f"events on their way: {run.client.recover_events(webhook, begin)}")


def _state(webhook: webhook_pb2.Webhook) -> str:
    reason = f" ({webhook.disabled_reason.lower()})" if webhook.disabled_reason else ""
    return state_name(webhook) + reason


def _outcome(attempt: webhook_pb2.DeliveryAttempt) -> str:
    seconds = attempt.duration.ToTimedelta().total_seconds()
    answer = str(attempt.http_status) if attempt.http_status else attempt.error.lower()
    return f"{answer} after {seconds:.2f} s"
