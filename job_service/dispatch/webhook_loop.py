"""Takes events to webhooks; several replicas may do so at once.

The database says what is due; the loop looks when something has changed, when an attempt has
ended, and now and then. A receiver that hangs holds its own few slots and no others.
"""

import asyncio
import contextlib
from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from opentelemetry import trace
from opentelemetry.trace import SpanKind, StatusCode

from babelmill.kit.process.failpoints import failpoint
from babelmill.kit.process.logs import get_logger
from babelmill.kit.wire.trace_headers import context_from_traceparent, without_tracing
from job_service.application.webhook_delivery import WebhookDelivery
from job_service.application.webhook_ports import Claimed, Sends
from job_service.dispatch.relay import Threads
from job_service.domain.errors import Refusal
from job_service.domain.webhook import Answer, AttemptError

_log = get_logger(__name__)
_tracer = trace.get_tracer(__name__)

_PER_WEBHOOK = 4
_LONGEST_WAIT_SECONDS = 30.0
_NO_TIME = timedelta()
_LAST_SECONDS = 2.0


class WebhookLoop:
    """Runs until cancelled; a database that is away makes the looks rarer."""

    def __init__(
        self,
        *,
        delivery: WebhookDelivery,
        sender: Sends,
        threads: Threads,
        slots: int,
        poll_seconds: float = 1.0,
        least_wait_seconds: float = 0.05,
    ) -> None:
        self._delivery = delivery
        self._sender = sender
        self._threads = threads
        self._slots = slots
        self._poll_seconds = poll_seconds
        self._least_wait_seconds = least_wait_seconds
        self._woken = asyncio.Event()
        self._anybody = True
        self._has_ended = False
        self._under_way: dict[asyncio.Task[None], Claimed] = {}

    def wake(self, _job_id: UUID) -> None:
        """Look soon: a job has changed. For the event loop's thread."""
        self._woken.set()

    async def run(self) -> None:
        """Deliver until cancelled."""
        wait_seconds = self._poll_seconds
        try:
            while True:
                try:
                    await self._round()
                except Refusal as refusal:
                    wait_seconds = min(_LONGEST_WAIT_SECONDS, wait_seconds * 2)
                    _log.warning("webhooks_wait", cause=refusal.reason, seconds=wait_seconds)
                    await asyncio.sleep(wait_seconds)
                else:
                    wait_seconds = self._poll_seconds
                    await self._pause()
        finally:
            await self._finish()

    async def _finish(self) -> None:
        """Let what is under way end, for a moment.

        The claims of the rest end by themselves, and another replica goes on.
        """
        if not self._under_way:
            return
        _, left = await asyncio.wait(self._under_way, timeout=_LAST_SECONDS)
        for task in left:
            task.cancel()

    async def _pause(self) -> None:
        # Many changes at once make one look, and none where there is nobody to tell. What
        # comes next after an attempt need not wait for others.
        if not self._has_ended:
            await asyncio.sleep(self._least_wait_seconds if self._anybody else self._poll_seconds)
        self._has_ended = False
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._poll_seconds if self._anybody else 0):
                await self._woken.wait()
        self._woken.clear()

    async def _round(self) -> None:
        free = self._slots - len(self._under_way)
        if free <= 0:
            return
        with without_tracing():
            claimed = await self._threads.run(
                self._delivery.claim, free, _PER_WEBHOOK, self._busy()
            )
        self._anybody = claimed is not None
        failpoint("webhooks.claimed")
        for each in claimed or ():
            task = asyncio.create_task(self._deliver(each), name="webhook")
            self._under_way[task] = each
            task.add_done_callback(self._ended)

    def _busy(self) -> Sequence[UUID]:
        """Name the webhooks that must get nothing more just now."""
        counts = Counter(claimed.webhook_id for claimed in self._under_way.values())
        failing = {each.webhook_id for each in self._under_way.values() if each.failing}
        return [w for w, count in counts.items() if count >= _PER_WEBHOOK or w in failing]

    def _ended(self, task: asyncio.Task[None]) -> None:
        del self._under_way[task]
        # What came behind it in its job may be next.
        self._has_ended = True
        self._woken.set()
        if not task.cancelled() and (error := task.exception()) is not None:
            _log.error("webhook_failed", exc_info=error)

    async def _deliver(self, claimed: Claimed) -> None:
        with (
            _tracer.start_as_current_span(
                "webhook.deliver",
                context=context_from_traceparent(claimed.traceparent),
                kind=SpanKind.PRODUCER,
                attributes={
                    "babelmill.job_id": str(claimed.event.job_id),
                    "babelmill.sequence": claimed.event.sequence,
                    "babelmill.webhook_id": str(claimed.webhook_id),
                },
                record_exception=False,
            ) as span,
            without_tracing(),
        ):
            answer = await self._send(claimed)
            span.set_attribute("http.response.status_code", answer.http_status)
            if answer.error is not None:
                span.set_status(StatusCode.ERROR, answer.error)
            failpoint("webhooks.sent")
            await self._settle(claimed, answer)

    async def _send(self, claimed: Claimed) -> Answer:
        message = await self._threads.run(self._delivery.message, claimed)
        if message is None:
            return Answer(_NO_TIME, error=AttemptError.INTERNAL)
        return await self._sender.send(claimed.url, message.headers, message.body)

    async def _settle(self, claimed: Claimed, answer: Answer) -> None:
        about = {
            "webhook_id": str(claimed.webhook_id),
            "job_id": str(claimed.event.job_id),
            "sequence": claimed.event.sequence,
        }
        try:
            verdict = await self._threads.run(self._delivery.settle, claimed, answer)
        except Refusal as refusal:
            _log.warning("webhook_unsettled", cause=refusal.reason, **about)
            return
        if verdict is None:
            _log.info("webhook_claim_lost", **about)
            return
        _log.info(
            "webhook_tried",
            state=verdict.state,
            http_status=answer.http_status,
            error=answer.error,
            **about,
        )
        if verdict.disable is not None:
            _log.warning("webhook_disabled", cause=verdict.disable, **about)
