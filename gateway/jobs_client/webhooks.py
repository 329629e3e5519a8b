"""Calls of the webhook service on behalf of many callers."""

from collections.abc import Awaitable
from typing import TypeVar

import grpc

from babelmill.client.errors import error_from_rpc
from babelmill.jobs.v1 import webhook_pb2, webhook_service_pb2, webhook_service_pb2_grpc
from gateway.jobs_client.caller import Caller

T = TypeVar("T")

# A ping waits for its receiver, on top of everything else.
_PING_EXTRA_SECONDS = 300.0


class WebhooksClient:
    """Speaks to the webhook service. Every method raises BabelmillError for a failed call."""

    def __init__(self, channel: grpc.aio.Channel, *, deadline_seconds: float) -> None:
        self._stub = webhook_service_pb2_grpc.WebhookServiceStub(channel)
        self._deadline_seconds = deadline_seconds

    async def create(
        self, caller: Caller, request: webhook_service_pb2.CreateWebhookRequest
    ) -> webhook_service_pb2.CreateWebhookResponse:
        """Keep a webhook."""
        return await _answered(
            self._stub.CreateWebhook(
                request, metadata=caller.metadata, timeout=self._deadline_seconds
            )
        )

    async def get(self, caller: Caller, webhook_id: str) -> webhook_pb2.Webhook:
        """Get a webhook."""
        request = webhook_service_pb2.GetWebhookRequest(webhook_id=webhook_id)
        call = self._stub.GetWebhook(
            request, metadata=caller.metadata, timeout=self._deadline_seconds
        )
        return (await _answered(call)).webhook

    async def list(self, caller: Caller) -> webhook_service_pb2.ListWebhooksResponse:
        """Get all webhooks."""
        request = webhook_service_pb2.ListWebhooksRequest()
        return await _answered(
            self._stub.ListWebhooks(
                request, metadata=caller.metadata, timeout=self._deadline_seconds
            )
        )

    async def delete(self, caller: Caller, webhook_id: str) -> None:
        """Remove a webhook."""
        request = webhook_service_pb2.DeleteWebhookRequest(webhook_id=webhook_id)
        await _answered(
            self._stub.DeleteWebhook(
                request, metadata=caller.metadata, timeout=self._deadline_seconds
            )
        )

    async def enable(self, caller: Caller, webhook_id: str) -> webhook_pb2.Webhook:
        """Let a webhook be told of events."""
        request = webhook_service_pb2.EnableWebhookRequest(webhook_id=webhook_id)
        call = self._stub.EnableWebhook(
            request, metadata=caller.metadata, timeout=self._deadline_seconds
        )
        return (await _answered(call)).webhook

    async def disable(self, caller: Caller, webhook_id: str) -> webhook_pb2.Webhook:
        """Let a webhook be told of nothing."""
        request = webhook_service_pb2.DisableWebhookRequest(webhook_id=webhook_id)
        call = self._stub.DisableWebhook(
            request, metadata=caller.metadata, timeout=self._deadline_seconds
        )
        return (await _answered(call)).webhook

    async def rotate_secret(self, caller: Caller, webhook_id: str) -> str:
        """Make a new secret."""
        request = webhook_service_pb2.RotateWebhookSecretRequest(webhook_id=webhook_id)
        call = self._stub.RotateWebhookSecret(
            request, metadata=caller.metadata, timeout=self._deadline_seconds
        )
        return (await _answered(call)).secret

    async def ping(self, caller: Caller, webhook_id: str) -> webhook_pb2.DeliveryAttempt:
        """Try a webhook now."""
        request = webhook_service_pb2.PingWebhookRequest(webhook_id=webhook_id)
        call = self._stub.PingWebhook(
            request,
            metadata=caller.metadata,
            timeout=self._deadline_seconds + _PING_EXTRA_SECONDS,
        )
        return (await _answered(call)).attempt

    async def deliveries(
        self, caller: Caller, request: webhook_service_pb2.ListDeliveriesRequest
    ) -> webhook_service_pb2.ListDeliveriesResponse:
        """Get a page of deliveries."""
        return await _answered(
            self._stub.ListDeliveries(
                request, metadata=caller.metadata, timeout=self._deadline_seconds
            )
        )

    async def redeliver(
        self, caller: Caller, request: webhook_service_pb2.RedeliverEventRequest
    ) -> webhook_pb2.WebhookDelivery:
        """Let an event be sent again."""
        call = self._stub.RedeliverEvent(
            request, metadata=caller.metadata, timeout=self._deadline_seconds
        )
        return (await _answered(call)).delivery

    async def recover(
        self, caller: Caller, request: webhook_service_pb2.RecoverEventsRequest
    ) -> webhook_service_pb2.RecoverEventsResponse:
        """Let be sent what was missed."""
        return await _answered(
            self._stub.RecoverEvents(
                request, metadata=caller.metadata, timeout=self._deadline_seconds
            )
        )


async def _answered(call: Awaitable[T]) -> T:
    try:
        return await call
    except grpc.RpcError as error:
        raise error_from_rpc(error) from error
