"""Webhooks: their requests in the words of users, and how a receiver checks what it is sent.

A receiver needs the secret, the headers and the bytes of the body as they came:

    message_id = webhooks.check_signature(secret, request.headers, request.body)

The id is the same each time an event is sent: remember it to tell repeats by.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal, TypeAlias

from babelmill.jobs.v1 import webhook_pb2, webhook_service_pb2
from babelmill.kit.wire.webhook_signatures import WrongSignature, check_signature

__all__ = [
    "DeliveryStateName",
    "EventName",
    "WrongSignature",
    "check_signature",
    "creation",
    "delivery_page",
    "event_names",
    "recovery",
    "state_name",
]

EventName: TypeAlias = Literal["job_state", "job_ended", "target", "step"]
DeliveryStateName: TypeAlias = Literal["pending", "delivered", "failed"]

_EVENT = "WEBHOOK_EVENT_"
_STATE = "DELIVERY_STATE_"


def creation(
    url: str, events: Sequence[EventName], description: str
) -> webhook_service_pb2.CreateWebhookRequest:
    """Ask for a webhook."""
    return webhook_service_pb2.CreateWebhookRequest(
        url=url,
        events=[webhook_pb2.WebhookEvent.Value(f"{_EVENT}{each.upper()}") for each in events],
        description=description,
    )


def delivery_page(
    webhook_id: str, states: Sequence[DeliveryStateName], page_size: int, page_token: str
) -> webhook_service_pb2.ListDeliveriesRequest:
    """Ask for a page of deliveries."""
    return webhook_service_pb2.ListDeliveriesRequest(
        webhook_id=webhook_id,
        states=[webhook_pb2.DeliveryState.Value(f"{_STATE}{each.upper()}") for each in states],
        page_size=page_size,
        page_token=page_token,
    )


def recovery(webhook_id: str, since: datetime) -> webhook_service_pb2.RecoverEventsRequest:
    """Ask for what was missed. Raises ValueError for a time without its zone."""
    if since.tzinfo is None:
        raise ValueError("give the time with its zone")
    request = webhook_service_pb2.RecoverEventsRequest(webhook_id=webhook_id)
    request.start_time.FromDatetime(since)
    return request


def event_names(webhook: webhook_pb2.Webhook) -> list[str]:
    """Name the events that a webhook is told of."""
    return [
        webhook_pb2.WebhookEvent.Name(each).removeprefix(_EVENT).lower() for each in webhook.events
    ]


def state_name(found: webhook_pb2.Webhook | webhook_pb2.WebhookDelivery) -> str:
    """Name the state of a webhook or of a delivery."""
    if isinstance(found, webhook_pb2.Webhook):
        return webhook_pb2.WebhookState.Name(found.state).removeprefix("WEBHOOK_STATE_").lower()
    return webhook_pb2.DeliveryState.Name(found.state).removeprefix(_STATE).lower()
