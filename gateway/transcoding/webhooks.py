"""Webhooks and deliveries in JSON."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field
from pydantic.config import JsonDict

from babelmill.jobs.v1 import webhook_pb2, webhook_service_pb2
from gateway.transcoding.words import RequestText, RequestTime, time_of, word

_ID = "01890a5d-ac96-774b-bcce-b302099a8057"
_TIME = "2026-01-31T12:00:00Z"
_WEBHOOK: JsonDict = {
    "webhook_id": _ID,
    "url": "https://hooks.example.com/babelmill",
    "description": "Tells the shop",
    "events": ["job_ended", "target"],
    "state": "enabled",
    "disabled_reason": None,
    "failing_since": None,
    "create_time": _TIME,
}
_ATTEMPT: JsonDict = {
    "start_time": _TIME,
    "duration_seconds": 0.12,
    "http_status": 204,
    "error": None,
}
_DELIVERY: JsonDict = {
    "delivery_id": "9f8c2b52-9d0a-4b51-8a77-1e4ae0b8a9f3",
    "job_id": _ID,
    "sequence": 7,
    "state": "delivered",
    "attempts": [_ATTEMPT],
    "attempt_count": 1,
    "next_attempt_time": None,
    "create_time": _TIME,
    "end_time": _TIME,
}


def _example(value: JsonDict) -> ConfigDict:
    return ConfigDict(json_schema_extra={"examples": [value]})


class WebhookEventWord(StrEnum):
    """A sort of events."""

    UNSPECIFIED = "unspecified"
    JOB_STATE = "job_state"
    JOB_ENDED = "job_ended"
    TARGET = "target"
    STEP = "step"


class WebhookStateWord(StrEnum):
    """Whether a webhook is told of events."""

    UNSPECIFIED = "unspecified"
    ENABLED = "enabled"
    DISABLED = "disabled"


class DeliveryStateWord(StrEnum):
    """How far a delivery is."""

    UNSPECIFIED = "unspecified"
    PENDING = "pending"
    DELIVERED = "delivered"
    FAILED = "failed"


class CreateWebhook(BaseModel):
    """A webhook to keep."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {"url": "https://hooks.example.com/babelmill", "events": ["job_ended", "target"]}
            ]
        },
    )

    url: RequestText = Field(
        default="", description="Of http or https, without credentials, at a public address."
    )
    events: Annotated[
        list[WebhookEventWord],
        Field(description="None means job_state and target.", max_length=16),
    ] = []
    description: RequestText = Field(default="", description="Up to 200 characters.")


class Webhook(BaseModel):
    """An address that is told of the events of jobs."""

    model_config = _example(_WEBHOOK)

    webhook_id: str
    url: str
    description: str
    events: list[WebhookEventWord]
    state: WebhookStateWord
    disabled_reason: str | None = Field(description="BY_REQUEST, FAILING or GONE.")
    failing_since: datetime | None = Field(
        description="The first of the failures after which nothing succeeded."
    )
    create_time: datetime | None


class WebhookSecret(BaseModel):
    """A secret to check signatures with; it is not shown again."""

    model_config = _example({"secret": "whsec_bWlsbHN0b25lLWJhYmVsLW1pbGwtc2VjcmV0LWtleQ=="})

    secret: str = Field(repr=False)


class NewWebhook(Webhook, WebhookSecret):
    """A webhook with its secret, which is not shown again."""

    model_config = _example(
        {**_WEBHOOK, "secret": "whsec_bWlsbHN0b25lLWJhYmVsLW1pbGwtc2VjcmV0LWtleQ=="}
    )


class Webhooks(BaseModel):
    """The webhooks, oldest first."""

    model_config = _example({"webhooks": [_WEBHOOK]})

    webhooks: list[Webhook]


class DeliveryAttempt(BaseModel):
    """One try to deliver an event."""

    model_config = _example(_ATTEMPT)

    start_time: datetime | None
    duration_seconds: float
    http_status: int | None = Field(description="Null without an answer.")
    error: str | None = Field(
        description="HTTP_STATUS, REDIRECT, TIMEOUT, DNS, TLS, CONNECTION, URL_REFUSED or "
        "INTERNAL; null if it succeeded."
    )


class WebhookDelivery(BaseModel):
    """One event on its way to one webhook."""

    model_config = _example(_DELIVERY)

    delivery_id: str
    job_id: str
    sequence: int
    state: DeliveryStateWord
    attempts: list[DeliveryAttempt] = Field(description="Oldest first; of many the last 20.")
    attempt_count: int
    next_attempt_time: datetime | None
    create_time: datetime | None
    end_time: datetime | None


class DeliveryPage(BaseModel):
    """Deliveries, newest first."""

    model_config = _example({"deliveries": [_DELIVERY], "next_page_token": None})

    deliveries: list[WebhookDelivery]
    next_page_token: str | None


class RedeliverEvent(BaseModel):
    """Which event to send again."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"job_id": _ID, "sequence": 7}]}
    )

    job_id: RequestText = ""
    sequence: int = Field(default=0, description="From 1.", ge=-(2**63), lt=2**63)


class RecoverEvents(BaseModel):
    """What a webhook has missed."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"start_time": _TIME}]}
    )

    start_time: RequestTime = Field(
        description="Jobs that were created at that time or later, by RFC 3339."
    )


class Recovery(BaseModel):
    """What is on its way now."""

    model_config = _example({"event_count": 12, "next_time": None})

    event_count: int
    next_time: datetime | None = Field(
        description="When to go on from; null if there are no more jobs."
    )


def recovery_to_proto(
    webhook_id: str, given: RecoverEvents
) -> webhook_service_pb2.RecoverEventsRequest:
    """Read what is to be recovered."""
    request = webhook_service_pb2.RecoverEventsRequest(webhook_id=webhook_id)
    request.start_time.FromDatetime(given.start_time)
    return request


def recovery_from_proto(message: webhook_service_pb2.RecoverEventsResponse) -> Recovery:
    """Write what is on its way."""
    return Recovery(event_count=message.event_count, next_time=time_of(message, "next_time"))


def webhook_to_proto(given: CreateWebhook) -> webhook_service_pb2.CreateWebhookRequest:
    """Read a webhook."""
    return webhook_service_pb2.CreateWebhookRequest(
        url=given.url,
        events=[
            webhook_pb2.WebhookEvent.Value(f"WEBHOOK_EVENT_{each.upper()}") for each in given.events
        ],
        description=given.description,
    )


def webhook_from_proto(message: webhook_pb2.Webhook) -> Webhook:
    """Write a webhook."""
    return Webhook(
        webhook_id=message.webhook_id,
        url=message.url,
        description=message.description,
        events=[
            word(WebhookEventWord, webhook_pb2.WebhookEvent.Name, "WEBHOOK_EVENT_", each)
            for each in message.events
        ],
        state=word(
            WebhookStateWord, webhook_pb2.WebhookState.Name, "WEBHOOK_STATE_", message.state
        ),
        disabled_reason=message.disabled_reason or None,
        failing_since=time_of(message, "failing_since"),
        create_time=time_of(message, "create_time"),
    )


def new_webhook_from_proto(message: webhook_service_pb2.CreateWebhookResponse) -> NewWebhook:
    """Write a webhook with its secret."""
    made = webhook_from_proto(message.webhook)
    return NewWebhook(**made.model_dump(), secret=message.secret)


def attempt_from_proto(message: webhook_pb2.DeliveryAttempt) -> DeliveryAttempt:
    """Write an attempt."""
    return DeliveryAttempt(
        start_time=time_of(message, "start_time"),
        duration_seconds=message.duration.ToTimedelta().total_seconds(),
        http_status=message.http_status or None,
        error=message.error or None,
    )


def delivery_from_proto(message: webhook_pb2.WebhookDelivery) -> WebhookDelivery:
    """Write a delivery."""
    return WebhookDelivery(
        delivery_id=message.delivery_id,
        job_id=message.job_id,
        sequence=message.sequence,
        state=word(
            DeliveryStateWord, webhook_pb2.DeliveryState.Name, "DELIVERY_STATE_", message.state
        ),
        attempts=[attempt_from_proto(each) for each in message.attempts],
        attempt_count=message.attempt_count,
        next_attempt_time=time_of(message, "next_attempt_time"),
        create_time=time_of(message, "create_time"),
        end_time=time_of(message, "end_time"),
    )


def deliveries_from_proto(message: webhook_service_pb2.ListDeliveriesResponse) -> DeliveryPage:
    """Write a page of deliveries."""
    return DeliveryPage(
        deliveries=[delivery_from_proto(each) for each in message.deliveries],
        next_page_token=message.next_page_token or None,
    )
