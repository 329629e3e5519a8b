"""A tenant's webhooks on a real database, with a receiver and what tells it."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from datetime import timedelta
from pathlib import Path

from job_service.api.threads import BoundedThreads
from job_service.application.limits import Limits
from job_service.application.secret_box import SecretBox
from job_service.application.webhook_delivery import WebhookDelivery
from job_service.application.webhooks import Webhooks
from job_service.dispatch.webhook_loop import WebhookLoop
from job_service.dispatch.webhook_sender import WebhookSender
from job_service.domain.job import Job
from job_service.domain.webhook import (
    Delivery,
    DeliveryRules,
    DeliveryState,
    EventSort,
    Webhook,
)
from tests.integration.core import Core, open_core
from tests.integration.webhook_receiver import Receiver, open_receiver

SECRETS = SecretBox(b"k" * 32)
ALL = tuple(EventSort)
RULES = DeliveryRules(first_wait=timedelta(seconds=0.2), claim=timedelta(seconds=30))


class House:
    """Webhooks of one tenant, a receiver, and loops that take events there."""

    def __init__(self, core: Core, receiver: Receiver) -> None:
        self.core = core
        self.receiver = receiver
        self.threads = BoundedThreads("webhooks", 4)
        self.sender = WebhookSender(
            allowed_hosts=("127.0.0.1",), timeout_seconds=2, threads=self.threads
        )
        self.webhooks = Webhooks(units=core.units, limits=core.limits, secrets=SECRETS)

    def create(self, path: str, *events: EventSort) -> tuple[Webhook, str]:
        url = self.receiver.url(path)
        return self.webhooks.create(self.core.tenant, url, events or ALL, "")

    def delivery(self, rules: DeliveryRules = RULES) -> WebhookDelivery:
        return WebhookDelivery(
            units=self.core.units, secrets=SECRETS, rules=rules, jitter=lambda: 0.0
        )

    def loop(self, rules: DeliveryRules = RULES, slots: int = 8) -> WebhookLoop:
        return WebhookLoop(
            delivery=self.delivery(rules),
            sender=self.sender,
            threads=self.threads,
            slots=slots,
            poll_seconds=0.05,
            least_wait_seconds=0.01,
        )

    def deliveries(self, webhook: Webhook) -> list[Delivery]:
        found, _ = self.webhooks.list_deliveries(
            self.core.tenant, webhook.webhook_id, (), 500, None
        )
        return sorted(found, key=lambda each: each.sequence)

    def finished_job(self) -> Job:
        job = self.core.create()
        self.core.publish()
        self.core.complete(self.core.start(job))
        return job

    async def until(self, condition: Callable[[], bool], timeout_seconds: float = 20) -> None:
        async with asyncio.timeout(timeout_seconds):
            while not await asyncio.to_thread(condition):
                await asyncio.sleep(0.02)

    async def until_ended(self, webhook: Webhook, count: int) -> list[Delivery]:
        await self.until(
            lambda: (
                sum(d.state is not DeliveryState.PENDING for d in self.deliveries(webhook)) >= count
            )
        )
        return self.deliveries(webhook)


@contextmanager
def open_webhooks(database_url: str, artifacts: Path) -> Iterator[House]:
    with (
        open_core(database_url, artifacts, Limits(max_webhooks=3), SECRETS) as core,
        open_receiver() as receiver,
    ):
        yield House(core, receiver)


@asynccontextmanager
async def running(*loops: WebhookLoop) -> AsyncIterator[None]:
    async with AsyncExitStack() as stack:
        for loop in loops:
            task = asyncio.create_task(loop.run())
            stack.push_async_callback(asyncio.wait, [task])
            stack.callback(task.cancel)
        yield
