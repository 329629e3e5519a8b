"""Webhooks: addresses that are told of the events of jobs."""

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Response

from babelmill.jobs.v1 import webhook_pb2, webhook_service_pb2
from gateway.routes.context import CallerOf, ContextOf, json_only, only_query
from gateway.routes.refusals import refusals
from gateway.transcoding.webhooks import (
    CreateWebhook,
    DeliveryAttempt,
    DeliveryPage,
    DeliveryStateWord,
    NewWebhook,
    RecoverEvents,
    Recovery,
    RedeliverEvent,
    Webhook,
    WebhookDelivery,
    Webhooks,
    WebhookSecret,
    attempt_from_proto,
    deliveries_from_proto,
    delivery_from_proto,
    new_webhook_from_proto,
    recovery_from_proto,
    recovery_to_proto,
    webhook_from_proto,
    webhook_to_proto,
)

router = APIRouter(prefix="/v1", tags=["webhooks"])

WebhookId = Annotated[
    str, Path(description="A UUID.", examples=["01890a5d-ac96-774b-bcce-b302099a8057"])
]
_NO_QUERY = [Depends(only_query())]


@router.post(
    "/webhooks",
    status_code=HTTPStatus.CREATED,
    responses={
        201: {
            "description": "The webhook is kept.",
            "headers": {"Location": {"schema": {"type": "string"}, "description": "The webhook."}},
        },
        **refusals(408, 409, 413, 415),
    },
    dependencies=[Depends(json_only), *_NO_QUERY],
)
async def create_webhook(
    context: ContextOf, caller: CallerOf, given: CreateWebhook, response: Response
) -> NewWebhook:
    """Keep a webhook; its secret is in this answer and in no other.

    Events come as CloudEvents 1.0 in JSON, signed as Standard Webhooks 1.0 has
    it. Repeating this makes another webhook.
    """
    made = await context.client.webhooks.create(caller, webhook_to_proto(given))
    response.headers["Location"] = f"/v1/webhooks/{made.webhook.webhook_id}"
    response.headers["Cache-Control"] = "no-store"
    return new_webhook_from_proto(made)


@router.get("/webhooks", responses=refusals(), dependencies=_NO_QUERY)
async def list_webhooks(context: ContextOf, caller: CallerOf) -> Webhooks:
    """List the tenant's webhooks, oldest first."""
    found = await context.client.webhooks.list(caller)
    return Webhooks(webhooks=[webhook_from_proto(each) for each in found.webhooks])


@router.get("/webhooks/{webhook_id}", responses=refusals(404), dependencies=_NO_QUERY)
async def get_webhook(context: ContextOf, caller: CallerOf, webhook_id: WebhookId) -> Webhook:
    """Get a webhook."""
    return webhook_from_proto(await context.client.webhooks.get(caller, webhook_id))


@router.delete(
    "/webhooks/{webhook_id}",
    status_code=HTTPStatus.NO_CONTENT,
    responses=refusals(404),
    dependencies=_NO_QUERY,
)
async def delete_webhook(context: ContextOf, caller: CallerOf, webhook_id: WebhookId) -> None:
    """Remove a webhook with its deliveries."""
    await context.client.webhooks.delete(caller, webhook_id)


@router.post("/webhooks/{webhook_id}/enable", responses=refusals(404), dependencies=_NO_QUERY)
async def enable_webhook(context: ContextOf, caller: CallerOf, webhook_id: WebhookId) -> Webhook:
    """Let a webhook be told of events again; deliveries that waited go on."""
    return webhook_from_proto(await context.client.webhooks.enable(caller, webhook_id))


@router.post("/webhooks/{webhook_id}/disable", responses=refusals(404), dependencies=_NO_QUERY)
async def disable_webhook(context: ContextOf, caller: CallerOf, webhook_id: WebhookId) -> Webhook:
    """Let a webhook be told of nothing until it is enabled."""
    return webhook_from_proto(await context.client.webhooks.disable(caller, webhook_id))


@router.post(
    "/webhooks/{webhook_id}/rotate-secret", responses=refusals(404, 409), dependencies=_NO_QUERY
)
async def rotate_webhook_secret(
    context: ContextOf, caller: CallerOf, webhook_id: WebhookId, response: Response
) -> WebhookSecret:
    """Make a new secret; for 24 hours events bear the signatures of both."""
    secret = await context.client.webhooks.rotate_secret(caller, webhook_id)
    response.headers["Cache-Control"] = "no-store"
    return WebhookSecret(secret=secret)


@router.post("/webhooks/{webhook_id}/ping", responses=refusals(404, 409), dependencies=_NO_QUERY)
async def ping_webhook(
    context: ContextOf, caller: CallerOf, webhook_id: WebhookId
) -> DeliveryAttempt:
    """Send an event of the type `babelmill.ping` now, once, and tell what came of it."""
    return attempt_from_proto(await context.client.webhooks.ping(caller, webhook_id))


@router.get(
    "/webhooks/{webhook_id}/deliveries",
    responses=refusals(404),
    dependencies=[Depends(only_query("state", "page_size", "page_token"))],
)
async def list_deliveries(
    context: ContextOf,
    caller: CallerOf,
    webhook_id: WebhookId,
    state: Annotated[
        list[DeliveryStateWord], Query(description="Repeatable; none means all.", max_length=16)
    ] = [],  # noqa: B006 - the framework's way to say none; it is never changed
    page_size: Annotated[int, Query(description="1 to 500; 0 means 50.", ge=0, le=500)] = 0,
    page_token: Annotated[str, Query(description="From the page before.", max_length=4096)] = "",
) -> DeliveryPage:
    """List deliveries to a webhook, newest first, with their attempts."""
    request = webhook_service_pb2.ListDeliveriesRequest(
        webhook_id=webhook_id,
        states=[webhook_pb2.DeliveryState.Value(f"DELIVERY_STATE_{s.upper()}") for s in state],
        page_size=page_size,
        page_token=page_token,
    )
    return deliveries_from_proto(await context.client.webhooks.deliveries(caller, request))


@router.post(
    "/webhooks/{webhook_id}/redeliver",
    responses=refusals(404, 408, 409, 413, 415),
    dependencies=[Depends(json_only), *_NO_QUERY],
)
async def redeliver_event(
    context: ContextOf, caller: CallerOf, webhook_id: WebhookId, given: RedeliverEvent
) -> WebhookDelivery:
    """Send an event again, or for the first time. Repeating it is safe."""
    request = webhook_service_pb2.RedeliverEventRequest(
        webhook_id=webhook_id, job_id=given.job_id, sequence=given.sequence
    )
    return delivery_from_proto(await context.client.webhooks.redeliver(caller, request))


@router.post(
    "/webhooks/{webhook_id}/recover",
    responses=refusals(404, 408, 409, 413, 415),
    dependencies=[Depends(json_only), *_NO_QUERY],
)
async def recover_events(
    context: ContextOf, caller: CallerOf, webhook_id: WebhookId, given: RecoverEvents
) -> Recovery:
    """Send what a webhook has missed: while it was disabled, or what was given up.

    Up to 1,000 jobs at a time, the oldest first; go on from `next_time` until it is null.
    Repeating it is safe.
    """
    request = recovery_to_proto(webhook_id, given)
    return recovery_from_proto(await context.client.webhooks.recover(caller, request))
