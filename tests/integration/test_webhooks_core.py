"""Keeping webhooks on a real database: whose they are, their secrets, their addresses."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from babelmill.kit.wire.webhook_signatures import check_signature
from job_service.api.threads import BoundedThreads
from job_service.application import webhooks
from job_service.application.limits import Limits
from job_service.application.submission import NewJob
from job_service.application.webhooks import Webhooks
from job_service.dispatch.webhook_sender import WebhookSender
from job_service.domain.errors import (
    InvalidRequest,
    SecretsDisabled,
    TooManyWebhooks,
    WebhookNotFound,
)
from job_service.domain.spec import TranslateText
from job_service.domain.webhook import (
    AttemptError,
    DeliveryState,
    EventSort,
)
from tests.integration.webhook_house import ALL, House, open_webhooks


@pytest.fixture
def house(database_url: str, tmp_path: Path) -> Iterator[House]:
    with open_webhooks(database_url, tmp_path / "artifacts") as opened:
        yield opened


def test_no_delivery_is_made_when_the_event_is_not_committed(house: House) -> None:
    webhook, _ = house.create("/all")
    bad = NewJob(spec=TranslateText("en", ("pt",), text="x"), request_id="same")
    house.core.submission.create(house.core.tenant, bad)
    made = len(house.deliveries(webhook))
    assert house.core.submission.create(house.core.tenant, bad).created is False
    assert len(house.deliveries(webhook)) == made == 1


@pytest.mark.matrix(19)
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


@pytest.mark.matrix(52)
def test_secret_is_nowhere_in_clear_in_the_database(house: House) -> None:
    _, secret = house.create("/all")
    with house.core.database.engine.connect() as connection:
        rows = str(connection.execute(text("SELECT webhooks::text FROM webhooks")).all())
    assert secret not in rows
    assert secret.encode().hex() not in rows


def test_deliveries_go_with_their_job_and_their_webhook(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    webhook, _ = house.create("/all")
    job = house.finished_job()
    assert house.deliveries(webhook)
    house.core.execute("DELETE FROM jobs WHERE job_id = :job_id", job_id=job.job_id)
    assert house.deliveries(webhook) == []
    house.finished_job()
    monkeypatch.setattr(webhooks, "_DELIVERIES_A_REMOVAL", 3)
    house.webhooks.delete(house.core.tenant, webhook.webhook_id)
    with pytest.raises(WebhookNotFound):
        house.deliveries(webhook)
    with house.core.units.read() as uow:
        assert uow.delivery_log.page(webhook.webhook_id, (), 10, None) == []


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
    places = [(each.created_at, each.sequence) for each in seen]
    assert places == sorted(places, reverse=True)
    assert {each.delivery_id.version for each in seen} == {8}
    delivered, _ = house.webhooks.list_deliveries(
        tenant, webhook.webhook_id, [DeliveryState.DELIVERED], 50, None
    )
    assert delivered == []


@pytest.mark.matrix(40, 41, 45)
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


@pytest.mark.matrix(43)
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


def test_audit_log_tells_of_every_change_and_of_no_secret(house: House) -> None:
    tenant = house.core.tenant
    webhook, secret = house.create("/path-of-the-receiver")
    house.webhooks.disable(tenant, webhook.webhook_id)
    house.webhooks.enable(tenant, webhook.webhook_id)
    new_secret = house.webhooks.rotate_secret(tenant, webhook.webhook_id)
    house.webhooks.delete(tenant, webhook.webhook_id)
    with house.core.units.read() as uow:
        told = uow.audit.page(tenant="", action="", occurred_after=None, limit=50, after=None)
    of_webhook = [each for each in told if each.subject == f"webhook/{webhook.webhook_id}"]
    assert [each.action for each in reversed(of_webhook)] == [
        "webhook.create",
        "webhook.disable",
        "webhook.enable",
        "webhook.rotate_secret",
        "webhook.delete",
    ]
    assert of_webhook[-1].details == {"host": "127.0.0.1"}
    for word in (secret, new_secret, "path-of-the-receiver"):
        assert word not in str(told)
