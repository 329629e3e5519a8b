"""Events on their way to webhooks: from a real database, over real connections."""

import asyncio
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest

from babelmill.kit.wire.webhook_signatures import check_signature
from job_service.domain.errors import (
    SequenceBeyondEnd,
    WebhookDisabled,
    WebhookNotFound,
)
from job_service.domain.webhook import (
    Answer,
    AttemptError,
    DeliveryState,
    DisabledReason,
    EventSort,
    Webhook,
    WebhookState,
)
from tests.integration.webhook_house import RULES, House, open_webhooks, running
from tests.integration.webhook_receiver import Received, Reply


@pytest.fixture
def house(database_url: str, tmp_path: Path) -> Iterator[House]:
    with open_webhooks(database_url, tmp_path / "artifacts") as opened:
        yield opened


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


@pytest.mark.matrix(42)
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


async def test_attempt_is_noted_when_the_loop_is_stopped_meanwhile(house: House) -> None:
    release = threading.Event()
    house.receiver.answer("/slow", lambda _: Reply(hold=release))
    webhook, _ = house.create("/slow", EventSort.JOB_ENDED)
    house.finished_job()
    async with running(house.loop()):
        await asyncio.to_thread(house.receiver.wait, "/slow", 1)
        asyncio.get_running_loop().call_later(0.2, release.set)
    (delivery,) = house.deliveries(webhook)
    assert delivery.state is DeliveryState.DELIVERED


async def test_one_event_need_not_wait_when_another_webhook_is_told_much(house: House) -> None:
    house.create("/much")
    for _ in range(5):
        house.finished_job()
    late, _ = house.create("/late", EventSort.JOB_ENDED)
    house.finished_job()
    async with running(house.loop(slots=1)):
        await house.until_ended(late, 1)
    assert len(house.receiver.on("/much")) < 30


@pytest.mark.matrix(44)
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


async def test_missed_events_arrive_in_order_when_they_are_recovered(house: House) -> None:
    webhook, _ = house.create("/all", EventSort.JOB_STATE, EventSort.TARGET)
    tenant, begin = house.core.tenant, webhook.created_at
    told = house.finished_job()
    async with running(house.loop()):
        known = await house.until_ended(webhook, 1)
        await house.until(lambda: all(each.ended_at for each in house.deliveries(webhook)))
    known = house.deliveries(webhook)
    house.webhooks.disable(tenant, webhook.webhook_id)
    missed = house.finished_job()
    house.core.create()
    with pytest.raises(WebhookDisabled):
        house.webhooks.recover(tenant, webhook.webhook_id, begin)
    house.webhooks.enable(tenant, webhook.webhook_id)
    other = house.core.tokens.create_tenant("other")
    with pytest.raises(WebhookNotFound):
        house.webhooks.recover(other, webhook.webhook_id, begin)

    count, rest = house.webhooks.recover(tenant, webhook.webhook_id, begin)
    assert rest is None
    # Those of the second job, and of the third, which is not done: none twice.
    assert count == len(known) + 1
    assert house.webhooks.recover(tenant, webhook.webhook_id, begin) == (0, None)
    async with running(house.loop()):
        await house.until_ended(webhook, 2 * len(known) + 1)
    came = house.receiver.on("/all")
    assert len(came) == 2 * len(known) + 1
    of_missed = [e.sequence for e in came if e.event["subject"] == str(missed.job_id)]
    assert of_missed == [e.sequence for e in came if e.event["subject"] == str(told.job_id)]


def test_recovery_goes_on_where_it_ended_when_there_are_many_jobs(house: House) -> None:
    first = house.core.create()
    jobs = [house.core.create() for _ in range(4)]
    webhook, _ = house.create("/all", EventSort.JOB_STATE)
    with house.core.units.write() as uow:
        recover = partial(uow.delivery_log.recover, house.core.tenant, webhook.webhook_id)
        count, rest = recover(first.created_at, 3)
        assert (count, rest) == (3, jobs[2].created_at)
        assert recover(jobs[2].created_at, 3) == (2, None)
