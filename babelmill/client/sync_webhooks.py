"""The WebhookService through blocking calls."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from babelmill.client.sync_calls import SyncCalls
from babelmill.client.webhooks import (
    DeliveryStateName,
    EventName,
    creation,
    delivery_page,
    recovery,
)
from babelmill.jobs.v1 import webhook_pb2, webhook_service_pb2


class SyncWebhooks(SyncCalls):
    """Keeps webhooks: addresses that are told of the events of jobs."""

    def create_webhook(
        self, url: str, events: Sequence[EventName] = (), *, description: str = ""
    ) -> tuple[webhook_pb2.Webhook, str]:
        """Keep a webhook and return it with its secret, which is not shown again.

        Without `events` it is told of states of jobs and of targets. Check what it receives by
        `webhooks.check_signature`. A repeat makes another. Raises InvalidArgument when the
        address must not be called.
        """
        request = creation(url, events, description)
        made = self._call(self._webhooks.CreateWebhook, request)
        return made.webhook, made.secret

    def get_webhook(self, webhook_id: str) -> webhook_pb2.Webhook:
        """Get a webhook. Raises NotFound."""
        request = webhook_service_pb2.GetWebhookRequest(webhook_id=webhook_id)
        return self._call(self._webhooks.GetWebhook, request).webhook

    def webhooks(self) -> list[webhook_pb2.Webhook]:
        """List the webhooks, oldest first."""
        request = webhook_service_pb2.ListWebhooksRequest()
        return list(self._call(self._webhooks.ListWebhooks, request).webhooks)

    def delete_webhook(self, webhook_id: str) -> None:
        """Remove a webhook with its deliveries. Raises NotFound."""
        request = webhook_service_pb2.DeleteWebhookRequest(webhook_id=webhook_id)
        self._call(self._webhooks.DeleteWebhook, request)

    def enable_webhook(self, webhook_id: str) -> webhook_pb2.Webhook:
        """Let a webhook be told of events again. Raises NotFound."""
        request = webhook_service_pb2.EnableWebhookRequest(webhook_id=webhook_id)
        return self._call(self._webhooks.EnableWebhook, request).webhook

    def disable_webhook(self, webhook_id: str) -> webhook_pb2.Webhook:
        """Let a webhook be told of nothing until it is enabled. Raises NotFound."""
        request = webhook_service_pb2.DisableWebhookRequest(webhook_id=webhook_id)
        return self._call(self._webhooks.DisableWebhook, request).webhook

    def rotate_webhook_secret(self, webhook_id: str) -> str:
        """Make a new secret and return it; for a day events bear both signatures."""
        request = webhook_service_pb2.RotateWebhookSecretRequest(webhook_id=webhook_id)
        return self._call(self._webhooks.RotateWebhookSecret, request).secret

    def ping_webhook(self, webhook_id: str) -> webhook_pb2.DeliveryAttempt:
        """Send an event that tells of nothing, now, and return what came of it."""
        request = webhook_service_pb2.PingWebhookRequest(webhook_id=webhook_id)
        return self._call(self._webhooks.PingWebhook, request).attempt

    def deliveries(
        self,
        webhook_id: str,
        states: Sequence[DeliveryStateName] = (),
        *,
        page_size: int = 0,
    ) -> Iterator[webhook_pb2.WebhookDelivery]:
        """List deliveries to a webhook, newest first, page by page. Raises NotFound."""
        page_token = ""
        while True:
            request = delivery_page(webhook_id, states, page_size, page_token)
            page = self._call(self._webhooks.ListDeliveries, request)
            yield from page.deliveries
            page_token = page.next_page_token
            if not page_token:
                return

    def redeliver_event(
        self, webhook_id: str, job_id: str, sequence: int
    ) -> webhook_pb2.WebhookDelivery:
        """Send an event again, or for the first time; may be made again.

        Raises NotFound, OutOfRange when the job has no such event, and FailedPrecondition
        when the webhook is disabled.
        """
        request = webhook_service_pb2.RedeliverEventRequest(
            webhook_id=webhook_id, job_id=job_id, sequence=sequence
        )
        return self._call(self._webhooks.RedeliverEvent, request).delivery

    def recover_events(self, webhook_id: str, since: datetime) -> int:
        """Send what a webhook has missed of jobs created since then; return how many events.

        May be made again: nothing is sent twice for it. Raises NotFound, and
        FailedPrecondition when the webhook is disabled.
        """
        total = 0
        request = recovery(webhook_id, since)
        while True:
            answer = self._call(self._webhooks.RecoverEvents, request)
            total += answer.event_count
            if not answer.HasField("next_time"):
                return total
            request.start_time.CopyFrom(answer.next_time)
