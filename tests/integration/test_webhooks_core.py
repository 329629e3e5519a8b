"""Webhooks on a real database, told over real connections."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from babelmill.kit.wire.webhook_signatures import check_signature
from job_service.api.threads import BoundedThreads
from job_service.application.limits import Limits
from job_service.application.secret_box import SecretBox
from job_service.application.submission import NewJob
from job_service.application.webhook_delivery import WebhookDelivery
from job_service.application.webhooks import Webhooks
from job_service.dispatch.webhook_loop import WebhookLoop
from job_service.dispatch.webhook_sender import WebhookSender
from job_service.domain.errors import (
    InvalidRequest,
    SecretsDisabled,
    SequenceBeyondEnd,
    TooManyWebhooks,
    WebhookDisabled,
    WebhookNotFound,
)
from job_service.domain.job import Job
from job_service.domain.spec import TranslateText
from job_service.domain.webhook import (
    Answer,
    AttemptError,
    Delivery,
    DeliveryRules,
    DeliveryState,
    DisabledReason,
    EventSort,
    Webhook,
    WebhookState,
)
from tests.integration.core import Core, open_core
from tests.integration.webhook_receiver import Received, Receiver, Reply, open_receiver

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

    def loop(self, rules: DeliveryRules = RULES) -> WebhookLoop:
        return WebhookLoop(
            delivery=self.delivery(rules),
            sender=self.sender,
            threads=self.threads,
            slots=8,
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


@pytest.fixture
def house(database_url: str, tmp_path: Path) -> Iterator[House]:
    with (
        open_core(database_url, tmp_path / "artifacts", Limits(max_webhooks=3), SECRETS) as core,
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


async def test_every_event_arrives_in_order_and_signed_when_a_job_runs(house: House) -> None:
    webhook, secret = house.create("/all")
    async with running(house.loop()):
        job = await asyncio.to_thread(house.finished_job)
        events = house.core.events(job)
        deliveries = await house.until_ended(webhook, len(events))
    came = house.receiver.on("/all")
    assert [each.sequence for each in came] == [event.sequence for event in events]
    assert {each.state for each in deliveries} == {DeliveryState.DELIVERED}
    assert {each.attempts[0].http_status for each in deliveries} == {204}
    for each in came:
        assert check_signature(secret, each.headers, each.body) == (f"{job.job_id}-{each.sequence}")
        assert each.headers["content-type"].startswith("application/cloudevents+json")
    first, last = came[0].event, came[-1].event
    assert (first["specversion"], first["type"]) == ("1.0", "babelmill.job.state_changed")
    assert (first["subject"], first["data"]["previous"]) == (str(job.job_id), None)
    assert last["data"]["state"] == "completed"
    assert last["data"]["job"] == {"kind": "translate_text", "labels": {}}
    assert first["sequence"] < last["sequence"]


async def test_only_wanted_events_arrive_when_a_webhook_names_them(house: House) -> None:
    ended, _ = house.create("/ended", EventSort.JOB_ENDED)
    targets, _ = house.create("/targets", EventSort.TARGET)
    async with running(house.loop()):
        await asyncio.to_thread(house.finished_job)
        await house.until_ended(ended, 1)
        await house.until_ended(targets, 1)
    (end,) = house.receiver.on("/ended")
    assert end.event["data"]["state"] == "completed"
    (target,) = house.receiver.on("/targets")
    assert (target.event["type"], target.event["data"]["key"]) == (
        "babelmill.target.finished",
        "pt",
    )


def test_no_delivery_is_made_when_the_event_is_not_committed(house: House) -> None:
    webhook, _ = house.create("/all")
    bad = NewJob(spec=TranslateText("en", ("pt",), text="x"), request_id="same")
    house.core.submission.create(house.core.tenant, bad)
    made = len(house.deliveries(webhook))
    assert house.core.submission.create(house.core.tenant, bad).created is False
    assert len(house.deliveries(webhook)) == made == 1


def test_nothing_is_told_of_another_tenants_jobs(house: House) -> None:
    webhook, _ = house.create("/all")
    other = house.core.tokens.create_tenant("other")
    spec = TranslateText("en", ("pt",), text="secret")
    theirs = house.core.submission.create(other, NewJob(spec=spec)).job
    assert house.deliveries(webhook) == []
    calls: list[Callable[[UUID, UUID], object]] = [
        house.webhooks.get,
        house.webhooks.delete,
        house.webhooks.rotate_secret,
        house.webhooks.enable,
        house.webhooks.disable,
        house.webhooks.prepare_ping,
    ]
    for call in calls:
        with pytest.raises(WebhookNotFound):
            call(other, webhook.webhook_id)
    with pytest.raises(WebhookNotFound):
        house.webhooks.redeliver(other, webhook.webhook_id, theirs.job_id, 1)
    assert house.webhooks.list_all(other) == []


async def test_later_events_wait_when_the_receiver_refuses_an_earlier_one(house: House) -> None:
    refusals = iter([500, 503])

    def reply(received: Received) -> Reply:
        return Reply(next(refusals, 204) if received.sequence == 2 else 204)

    house.receiver.answer("/all", reply)
    webhook, _ = house.create("/all")
    async with running(house.loop(), house.loop()):
        job = await asyncio.to_thread(house.finished_job)
        events = house.core.events(job)
        deliveries = await house.until_ended(webhook, len(events))
    came = [each.sequence for each in house.receiver.on("/all")]
    assert came == [1, 2, 2, *range(2, len(events) + 1)]
    (second,) = [each for each in deliveries if each.sequence == 2]
    assert [(a.http_status, a.error) for a in second.attempts] == [
        (500, AttemptError.HTTP_STATUS),
        (503, AttemptError.HTTP_STATUS),
        (204, None),
    ]
    assert house.webhooks.get(house.core.tenant, webhook.webhook_id).failing_since is None
    ids = {each.headers["webhook-id"] for each in house.receiver.on("/all") if each.sequence == 2}
    assert ids == {f"{job.job_id}-2"}


async def test_each_event_is_sent_once_when_two_replicas_deliver(house: House) -> None:
    webhook, _ = house.create("/all")
    jobs = [house.finished_job() for _ in range(8)]
    total = sum(len(house.core.events(job)) for job in jobs)
    async with running(house.loop(), house.loop()):
        await house.until_ended(webhook, total)
    came = house.receiver.on("/all")
    assert len(came) == total
    for job in jobs:
        of_job = [e.sequence for e in came if e.event["subject"] == str(job.job_id)]
        assert of_job == list(range(1, len(of_job) + 1))


async def test_retry_after_holds_for_every_event_when_the_receiver_is_busy(house: House) -> None:
    replies = iter([Reply(429, {"Retry-After": "1"})])
    house.receiver.answer("/all", lambda _: next(replies, Reply()))
    webhook, _ = house.create("/all", EventSort.JOB_ENDED)
    house.finished_job()
    async with running(house.loop()):
        await asyncio.to_thread(house.receiver.wait, "/all", 1)
        await asyncio.to_thread(house.finished_job)
        await house.until_ended(webhook, 2)
    first, *later = house.receiver.on("/all")
    assert all(each.at - first.at >= 0.95 for each in later)


async def test_event_is_given_up_and_redelivered_when_the_receiver_recovers(house: House) -> None:
    well = threading.Event()
    house.receiver.answer("/all", lambda _: Reply(204 if well.is_set() else 500))
    webhook, _ = house.create("/all", EventSort.JOB_ENDED)
    job = house.finished_job()
    rules = replace(RULES, max_attempts=2)
    async with running(house.loop(rules)):
        (given_up,) = await house.until_ended(webhook, 1)
        assert (given_up.state, given_up.attempt_count) == (DeliveryState.FAILED, 2)
        well.set()
        again = await asyncio.to_thread(
            house.webhooks.redeliver,
            house.core.tenant,
            webhook.webhook_id,
            job.job_id,
            given_up.sequence,
        )
        assert again.state is DeliveryState.PENDING
        (delivered,) = await house.until_ended(webhook, 1)
    assert (delivered.state, delivered.attempt_count) == (DeliveryState.DELIVERED, 3)
    assert [each.http_status for each in delivered.attempts] == [500, 500, 204]


async def test_event_is_sent_for_the_first_time_when_the_webhook_is_newer(house: House) -> None:
    job = house.finished_job()
    webhook, _ = house.create("/all")
    house.webhooks.redeliver(house.core.tenant, webhook.webhook_id, job.job_id, 1)
    async with running(house.loop()):
        await house.until_ended(webhook, 1)
    assert [each.sequence for each in house.receiver.on("/all")] == [1]
    with pytest.raises(SequenceBeyondEnd):
        house.webhooks.redeliver(house.core.tenant, webhook.webhook_id, job.job_id, 99)


async def test_redirect_to_a_private_place_is_not_followed(house: House) -> None:
    target = house.receiver.url("/inner")
    house.receiver.answer("/all", lambda _: Reply(302, {"Location": target}))
    webhook, _ = house.create("/all", EventSort.JOB_ENDED)
    house.finished_job()
    async with running(house.loop(replace(RULES, max_attempts=1))):
        (refused,) = await house.until_ended(webhook, 1)
    assert refused.attempts[0].error is AttemptError.REDIRECT
    assert not house.receiver.on("/inner")
    assert not house.receiver.on("GET /inner")


async def test_others_are_told_when_one_receiver_hangs(house: House) -> None:
    release = threading.Event()
    house.receiver.answer("/hangs", lambda _: Reply(hold=release))
    house.create("/hangs")
    well, _ = house.create("/well")
    jobs = [house.finished_job() for _ in range(6)]
    total = sum(len(house.core.events(job)) for job in jobs)
    try:
        async with running(house.loop()):
            await house.until_ended(well, total)
    finally:
        release.set()
    assert 1 <= house.receiver.most_at_once["/hangs"] <= 4


async def test_attempt_ends_when_the_receiver_hangs(house: House) -> None:
    release = threading.Event()
    house.receiver.answer("/hangs", lambda _: Reply(hold=release))
    webhook, _ = house.create("/hangs", EventSort.JOB_ENDED)
    house.finished_job()
    try:
        async with running(house.loop(replace(RULES, max_attempts=1))):
            (ended,) = await house.until_ended(webhook, 1)
    finally:
        release.set()
    (attempt,) = ended.attempts
    assert attempt.error is AttemptError.TIMEOUT
    assert timedelta(seconds=1.9) <= attempt.duration < timedelta(seconds=10)


async def test_webhook_is_disabled_when_it_fails_for_long_or_says_so(house: House) -> None:
    house.receiver.answer("/gone", lambda _: Reply(410))
    house.receiver.answer("/fails", lambda _: Reply(500))
    gone, _ = house.create("/gone", EventSort.JOB_ENDED)
    fails, _ = house.create("/fails", EventSort.JOB_ENDED)
    job = house.finished_job()
    tenant = house.core.tenant

    def state_of(webhook: Webhook) -> Webhook:
        return house.webhooks.get(tenant, webhook.webhook_id)

    async with running(house.loop(replace(RULES, disable_after=timedelta(seconds=0.3)))):
        await house.until(lambda: state_of(gone).state is WebhookState.DISABLED)
        await house.until(lambda: state_of(fails).state is WebhookState.DISABLED)
    assert state_of(gone).disabled_reason is DisabledReason.GONE
    assert state_of(fails).disabled_reason is DisabledReason.FAILING
    assert state_of(fails).failing_since is not None
    with pytest.raises(WebhookDisabled):
        house.webhooks.redeliver(tenant, fails.webhook_id, job.job_id, 1)
    house.finished_job()
    assert len(house.deliveries(fails)) == 1
    enabled = house.webhooks.enable(tenant, fails.webhook_id)
    assert (enabled.state, enabled.disabled_reason) == (WebhookState.ENABLED, None)
    house.receiver.answer("/fails", lambda _: Reply())
    async with running(house.loop()):
        (delivered,) = await house.until_ended(fails, 1)
    assert delivered.state is DeliveryState.DELIVERED


def test_stale_outcome_is_refused_when_another_replica_has_claimed_since(house: House) -> None:
    webhook, _ = house.create("/all", EventSort.JOB_ENDED)
    house.finished_job()
    frozen, other = house.delivery(), house.delivery()
    (lost,) = frozen.claim(8, 4, ()) or ()
    assert other.claim(8, 4, ()) == ()
    house.core.execute(
        "UPDATE webhook_deliveries SET due_at = clock_timestamp() WHERE claim_id IS NOT NULL"
    )
    (taken,) = other.claim(8, 4, ()) or ()
    failed = Answer(timedelta(), 500, AttemptError.HTTP_STATUS)
    assert frozen.settle(lost, failed) is None
    verdict = other.settle(taken, Answer(timedelta(), 200))
    assert verdict is not None
    assert verdict.state is DeliveryState.DELIVERED
    assert frozen.settle(lost, failed) is None
    (delivery,) = house.deliveries(webhook)
    assert (delivery.state, delivery.attempt_count) == (DeliveryState.DELIVERED, 1)


def test_both_secrets_sign_when_one_was_rotated(house: House) -> None:
    webhook, old = house.create("/all", EventSort.JOB_ENDED)
    new = house.webhooks.rotate_secret(house.core.tenant, webhook.webhook_id)
    house.finished_job()
    delivery = house.delivery()
    (claimed,) = delivery.claim(1, 1, ()) or ()
    message = delivery.message(claimed)
    assert message is not None
    assert new != old
    for secret in (old, new):
        assert check_signature(secret, message.headers, message.body)
    later = replace(claimed, claimed_at=claimed.claimed_at + timedelta(hours=25))
    message = delivery.message(later)
    assert message is not None
    assert message.headers["webhook-signature"].count("v1,") == 1


def test_secret_is_nowhere_in_clear_in_the_database(house: House) -> None:
    _, secret = house.create("/all")
    with house.core.database.engine.connect() as connection:
        rows = str(connection.exec_driver_sql("SELECT webhooks::text FROM webhooks").all())
    assert secret not in rows
    assert secret.encode().hex() not in rows


def test_deliveries_go_with_their_job_and_their_webhook(house: House) -> None:
    webhook, _ = house.create("/all")
    job = house.finished_job()
    assert house.deliveries(webhook)
    house.core.execute("DELETE FROM jobs WHERE job_id = :job_id", job_id=job.job_id)
    assert house.deliveries(webhook) == []
    house.finished_job()
    house.webhooks.delete(house.core.tenant, webhook.webhook_id)
    with pytest.raises(WebhookNotFound):
        house.deliveries(webhook)


def test_deliveries_are_listed_in_pages_and_by_state(house: House) -> None:
    webhook, _ = house.create("/all")
    for _ in range(3):
        house.finished_job()
    tenant, total = house.core.tenant, len(house.deliveries(webhook))
    seen, after = [], None
    while True:
        page, after = house.webhooks.list_deliveries(tenant, webhook.webhook_id, (), 4, after)
        seen += page
        if after is None:
            break
    assert len({each.delivery_id for each in seen}) == len(seen) == total
    assert [each.created_at for each in seen] == sorted(
        (each.created_at for each in seen), reverse=True
    )
    delivered, _ = house.webhooks.list_deliveries(
        tenant, webhook.webhook_id, [DeliveryState.DELIVERED], 50, None
    )
    assert delivered == []


@pytest.mark.parametrize(
    ("url", "word"),
    [
        ("http://10.0.0.1/", "NOT_PUBLIC"),
        ("http://169.254.169.254/latest/meta-data/", "NOT_PUBLIC"),
        ("http://[::ffff:127.0.0.1]/", "NOT_PUBLIC"),
        ("http://2130706433/", "MALFORMED"),
        ("http://user:pw@example.com/", "CREDENTIALS"),
        ("file:///etc/passwd", "SCHEME"),
        ("http://8.8.8.8:25/", "PORT"),
    ],
)
async def test_webhook_is_refused_when_its_address_must_not_be_called(url: str, word: str) -> None:
    threads = BoundedThreads("addresses", 1)
    sender = WebhookSender(allowed_hosts=("127.0.0.2",), timeout_seconds=2, threads=threads)
    with pytest.raises(InvalidRequest) as refused:
        await sender.check(url)
    threads.shutdown()
    assert [(v.field, v.reason) for v in refused.value.violations] == [("url", word)]


async def test_attempt_is_refused_when_a_name_leads_elsewhere_by_then(house: House) -> None:
    answers = iter([("93.184.215.14",), ("127.0.0.1",)])
    sender = WebhookSender(
        allowed_hosts=(),
        timeout_seconds=2,
        threads=house.threads,
        resolver=lambda _host, _port: next(answers),
    )
    url = f"http://rebinding.example:{house.receiver.port}/all"
    await sender.check(url)
    answer = await sender.send(url, {}, b"{}")
    assert answer.error is AttemptError.URL_REFUSED
    assert not house.receiver.requests


def test_webhook_is_refused_when_there_are_many_or_no_key(house: House) -> None:
    for number in range(3):
        house.create(f"/{number}")
    with pytest.raises(TooManyWebhooks):
        house.create("/more")
    keyless = Webhooks(units=house.core.units, limits=Limits(), secrets=None)
    with pytest.raises(SecretsDisabled):
        keyless.create(house.core.tenant, house.receiver.url("/all"), ALL, "")
    with pytest.raises(WebhookNotFound):
        keyless.get(house.core.tenant, uuid4())
