"""WebhookService for clients: check, map, call the use case, map back."""

# The stubs' context type exists for type checkers only.
from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from uuid import UUID

from typing_extensions import override

from babelmill.jobs.v1 import webhook_pb2, webhook_service_pb2, webhook_service_pb2_grpc
from job_service.api import checks, spec_checks
from job_service.api.auth import current_caller
from job_service.api.job_answers import duration, timestamp
from job_service.api.page_tokens import seal, unseal
from job_service.api.threads import BoundedThreads
from job_service.api.validation import Violations, field
from job_service.application.webhook_ports import Sends
from job_service.application.webhooks import Webhooks
from job_service.domain.principal import Principal
from job_service.domain.webhook import (
    Attempt,
    Delivery,
    DeliveryState,
    EventSort,
    Webhook,
)

_LONGEST_DESCRIPTION = 200
_DEFAULT_DELIVERIES, _MOST_DELIVERIES = 50, 500
# Stands for an id that was found wrong; the request is refused before it is used.
_NO_ID = UUID(int=0)


class WebhookServicer(webhook_service_pb2_grpc.WebhookServiceServicer):
    """Serves clients."""

    def __init__(self, *, webhooks: Webhooks, sender: Sends, threads: BoundedThreads) -> None:
        self._webhooks = webhooks
        self._sender = sender
        self._threads = threads

    @override
    async def CreateWebhook(
        self,
        request: webhook_service_pb2.CreateWebhookRequest,
        context: webhook_service_pb2_grpc._ServicerContext,
    ) -> webhook_service_pb2.CreateWebhookResponse:
        """Keep a webhook."""
        violations = Violations()
        url = violations.check("url", lambda: spec_checks.web_address(request.url), "")
        description = violations.check(
            "description",
            lambda: spec_checks.label(request.description, longest=_LONGEST_DESCRIPTION),
            "",
        )
        events = _events(request.events, violations)
        violations.raise_if_any()
        await self._sender.check(url)
        made, secret = await self._threads.run(
            self._webhooks.create, _tenant_id(), url, events, description, _actor()
        )
        return webhook_service_pb2.CreateWebhookResponse(webhook=_webhook(made), secret=secret)

    @override
    async def GetWebhook(
        self,
        request: webhook_service_pb2.GetWebhookRequest,
        context: webhook_service_pb2_grpc._ServicerContext,
    ) -> webhook_service_pb2.GetWebhookResponse:
        """Return a webhook."""
        webhook_id = _webhook_id(request.webhook_id)
        found = await self._threads.run(self._webhooks.get, _tenant_id(), webhook_id)
        return webhook_service_pb2.GetWebhookResponse(webhook=_webhook(found))

    @override
    async def ListWebhooks(
        self,
        request: webhook_service_pb2.ListWebhooksRequest,
        context: webhook_service_pb2_grpc._ServicerContext,
    ) -> webhook_service_pb2.ListWebhooksResponse:
        """Return the tenant's webhooks."""
        found = await self._threads.run(self._webhooks.list_all, _tenant_id())
        return webhook_service_pb2.ListWebhooksResponse(webhooks=[_webhook(each) for each in found])

    @override
    async def DeleteWebhook(
        self,
        request: webhook_service_pb2.DeleteWebhookRequest,
        context: webhook_service_pb2_grpc._ServicerContext,
    ) -> webhook_service_pb2.DeleteWebhookResponse:
        """Remove a webhook."""
        webhook_id = _webhook_id(request.webhook_id)
        await self._threads.run(self._webhooks.delete, _tenant_id(), webhook_id, _actor())
        return webhook_service_pb2.DeleteWebhookResponse()

    @override
    async def EnableWebhook(
        self,
        request: webhook_service_pb2.EnableWebhookRequest,
        context: webhook_service_pb2_grpc._ServicerContext,
    ) -> webhook_service_pb2.EnableWebhookResponse:
        """Let a webhook be told of events."""
        webhook_id = _webhook_id(request.webhook_id)
        found = await self._threads.run(self._webhooks.enable, _tenant_id(), webhook_id, _actor())
        return webhook_service_pb2.EnableWebhookResponse(webhook=_webhook(found))

    @override
    async def DisableWebhook(
        self,
        request: webhook_service_pb2.DisableWebhookRequest,
        context: webhook_service_pb2_grpc._ServicerContext,
    ) -> webhook_service_pb2.DisableWebhookResponse:
        """Let a webhook be told of nothing."""
        webhook_id = _webhook_id(request.webhook_id)
        found = await self._threads.run(self._webhooks.disable, _tenant_id(), webhook_id, _actor())
        return webhook_service_pb2.DisableWebhookResponse(webhook=_webhook(found))

    @override
    async def RotateWebhookSecret(
        self,
        request: webhook_service_pb2.RotateWebhookSecretRequest,
        context: webhook_service_pb2_grpc._ServicerContext,
    ) -> webhook_service_pb2.RotateWebhookSecretResponse:
        """Make a new secret."""
        webhook_id = _webhook_id(request.webhook_id)
        secret = await self._threads.run(
            self._webhooks.rotate_secret, _tenant_id(), webhook_id, _actor()
        )
        return webhook_service_pb2.RotateWebhookSecretResponse(secret=secret)

    @override
    async def PingWebhook(
        self,
        request: webhook_service_pb2.PingWebhookRequest,
        context: webhook_service_pb2_grpc._ServicerContext,
    ) -> webhook_service_pb2.PingWebhookResponse:
        """Try a webhook once, now."""
        webhook_id = _webhook_id(request.webhook_id)
        url, headers, body, begun = await self._threads.run(
            self._webhooks.prepare_ping, _tenant_id(), webhook_id
        )
        answer = await self._sender.send(url, headers, body)
        made = replace(
            begun, duration=answer.duration, http_status=answer.http_status, error=answer.error
        )
        return webhook_service_pb2.PingWebhookResponse(attempt=_attempt(made))

    @override
    async def ListDeliveries(
        self,
        request: webhook_service_pb2.ListDeliveriesRequest,
        context: webhook_service_pb2_grpc._ServicerContext,
    ) -> webhook_service_pb2.ListDeliveriesResponse:
        """Return a page of deliveries."""
        violations = Violations()
        webhook_id = violations.check(
            "webhook_id", lambda: checks.uuid_of(request.webhook_id), _NO_ID
        )
        size = violations.check(
            "page_size",
            lambda: checks.count(
                request.page_size, default=_DEFAULT_DELIVERIES, largest=_MOST_DELIVERIES
            ),
            0,
        )
        if webhook_pb2.DELIVERY_STATE_UNSPECIFIED in request.states:
            violations.add("states", "UNSPECIFIED is no state.", "UNKNOWN_VALUE")
        violations.raise_if_any()
        states = frozenset(
            DeliveryState(webhook_pb2.DeliveryState.Name(each).removeprefix("DELIVERY_STATE_"))
            for each in request.states
        )
        caller = current_caller()
        wanted = f"deliveries {webhook_id} {sorted(states)}".encode()
        found, rest = await self._threads.run(
            self._webhooks.list_deliveries,
            caller.principal.tenant_id,
            webhook_id,
            states,
            size,
            unseal(request.page_token, caller, wanted),
        )
        return webhook_service_pb2.ListDeliveriesResponse(
            deliveries=[_delivery(each) for each in found],
            next_page_token="" if rest is None else seal(rest, caller, wanted),
        )

    @override
    async def RedeliverEvent(
        self,
        request: webhook_service_pb2.RedeliverEventRequest,
        context: webhook_service_pb2_grpc._ServicerContext,
    ) -> webhook_service_pb2.RedeliverEventResponse:
        """Let an event be sent again."""
        violations = Violations()
        webhook_id = violations.check(
            "webhook_id", lambda: checks.uuid_of(request.webhook_id), _NO_ID
        )
        job_id = violations.check("job_id", lambda: checks.uuid_of(request.job_id), _NO_ID)
        if request.sequence < 1:
            violations.add("sequence", "It counts from 1.")
        violations.raise_if_any()
        delivery = await self._threads.run(
            self._webhooks.redeliver, _tenant_id(), webhook_id, job_id, request.sequence
        )
        return webhook_service_pb2.RedeliverEventResponse(delivery=_delivery(delivery))

    @override
    async def RecoverEvents(
        self,
        request: webhook_service_pb2.RecoverEventsRequest,
        context: webhook_service_pb2_grpc._ServicerContext,
    ) -> webhook_service_pb2.RecoverEventsResponse:
        """Send what a webhook has missed."""
        webhook_id = _webhook_id(request.webhook_id)
        with field("start_time"):
            if not request.HasField("start_time"):
                raise checks.Fault("It is required.", "REQUIRED")
            since = checks.timestamp(request.start_time)
        count, rest = await self._threads.run(
            self._webhooks.recover, _tenant_id(), webhook_id, since
        )
        return webhook_service_pb2.RecoverEventsResponse(
            event_count=count, next_time=timestamp(rest)
        )


def _tenant_id() -> UUID:
    return current_caller().principal.tenant_id


def _actor() -> Principal:
    return current_caller().principal


def _webhook_id(text: str) -> UUID:
    with field("webhook_id"):
        return checks.uuid_of(text)


def _events(
    given: Iterable[webhook_pb2.WebhookEvent.ValueType], violations: Violations
) -> list[EventSort]:
    events = []
    for index, each in enumerate(given):
        if each == webhook_pb2.WEBHOOK_EVENT_UNSPECIFIED:
            violations.add(f"events[{index}]", "UNSPECIFIED is no sort of events.", "UNKNOWN_VALUE")
        else:
            name = webhook_pb2.WebhookEvent.Name(each).removeprefix("WEBHOOK_EVENT_")
            events.append(EventSort(name))
    return events


def _webhook(found: Webhook) -> webhook_pb2.Webhook:
    return webhook_pb2.Webhook(
        webhook_id=str(found.webhook_id),
        url=found.url,
        description=found.description,
        events=[webhook_pb2.WebhookEvent.Value(f"WEBHOOK_EVENT_{each}") for each in found.events],
        state=webhook_pb2.WebhookState.Value(f"WEBHOOK_STATE_{found.state}"),
        disabled_reason=found.disabled_reason or "",
        failing_since=timestamp(found.failing_since),
        create_time=timestamp(found.created_at),
    )


def _delivery(found: Delivery) -> webhook_pb2.WebhookDelivery:
    return webhook_pb2.WebhookDelivery(
        delivery_id=str(found.delivery_id),
        job_id=str(found.job_id),
        sequence=found.sequence,
        state=webhook_pb2.DeliveryState.Value(f"DELIVERY_STATE_{found.state}"),
        attempts=[_attempt(each) for each in found.attempts],
        attempt_count=found.attempt_count,
        next_attempt_time=timestamp(found.due_at if found.state is DeliveryState.PENDING else None),
        create_time=timestamp(found.created_at),
        end_time=timestamp(found.ended_at),
    )


def _attempt(made: Attempt) -> webhook_pb2.DeliveryAttempt:
    return webhook_pb2.DeliveryAttempt(
        start_time=timestamp(made.started_at),
        duration=duration(made.duration),
        http_status=made.http_status,
        error=made.error or "",
    )
