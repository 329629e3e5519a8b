"""Webhooks of a real stack: told by every process as users run it, received by a real server."""

import json
import subprocess
from collections.abc import Iterator

import httpx
import pytest

from babelmill.client import Client
from babelmill.client.webhooks import check_signature, state_name
from babelmill.jobs.v1 import webhook_pb2
from tests.acceptance.conftest import BIN, Stack
from tests.collector import Collector
from tests.deadlines import eventually
from tests.integration.webhook_receiver import Received, Receiver, Reply, open_receiver


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with open_receiver() as opened:
        yield opened


def url(receiver: Receiver, path: str) -> str:
    # The stack allows the machine under this name; by its number it stays refused.
    return f"http://localhost:{receiver.port}{path}"


def babelmill(stack: Stack, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [BIN / "babelmill", *arguments],
        env=stack.environment(),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def delivered(client: Client, webhook_id: str, count: int) -> list[webhook_pb2.WebhookDelivery]:
    def look() -> list[webhook_pb2.WebhookDelivery]:
        found = list(client.deliveries(webhook_id, ["delivered"]))
        return found if len(found) >= count else []

    return eventually(look, timeout_seconds=30)


@pytest.mark.row("B8")
def test_receiver_is_told_of_a_whole_job_in_order_when_workers_do_it(
    stack: Stack, client: Client, collector: Collector, receiver: Receiver
) -> None:
    refusals = iter([503])
    receiver.answer(
        "/all",
        lambda received: Reply(
            next(refusals, 204) if received.sequence == 2 else 204, {"Retry-After": "0"}
        ),
    )
    made = babelmill(
        stack, "webhooks", "create", url(receiver, "/all"), "-e", "job_state", "-e", "target",
        "-e", "step", "-d", "acceptance",
    )  # fmt: skip
    assert made.returncode == 0, made.stderr
    webhook_id, secret = made.stdout.split()

    text = "The wheel of the mill turns. " * 3
    job = client.translate_text(text, "en", ["pt"], labels={"order": "42"})
    job = client.wait(job.job_id, timeout_seconds=60)
    events = list(client.list_events(job.job_id))
    delivered(client, webhook_id, len(events))

    came = receiver.on("/all")
    ids = [check_signature(secret, each.headers, each.body) for each in came]
    assert list(dict.fromkeys(ids)) == [f"{job.job_id}-{n}" for n in range(1, len(events) + 1)]
    assert [each.sequence for each in came].count(2) == 2, "the refused one came again"
    assert {each.event["data"]["job"]["labels"]["order"] for each in came} == {"42"}
    assert {each.event["traceparent"].split("-")[1] for each in came} == {job.trace_id}
    types = {each.event["type"] for each in came}
    assert types == {
        "babelmill.job.state_changed",
        "babelmill.step.state_changed",
        "babelmill.target.finished",
    }
    # The words are those of the same events over HTTP.
    with httpx.Client(
        base_url=stack.http, headers={"authorization": f"Bearer {stack.token}"}, timeout=30
    ) as http:
        listed = http.get(f"/v1/jobs/{job.job_id}/events:list").json()["events"]
    told = {each.sequence: _without_job(each) for each in came}
    assert [told[n + 1] for n in range(len(listed))] == [_fact(each) for each in listed]

    spans = eventually(
        lambda: [s for s in collector.trace(job.trace_id) if s.name == "webhook.deliver"],
        timeout_seconds=30,
    )
    assert {span.attributes["babelmill.job_id"] for span in spans} == {job.job_id}
    assert babelmill(stack, "webhooks", "delete", webhook_id).returncode == 0


def _without_job(received: Received) -> dict[str, object]:
    return {name: value for name, value in received.event["data"].items() if name != "job"}


def _fact(listed: dict[str, object]) -> dict[str, object]:
    data = listed.get("data", listed)
    assert isinstance(data, dict)
    return data


@pytest.mark.row("B8")
def test_event_is_redelivered_and_the_log_tells_of_it_when_asked_by_http(
    stack: Stack, client: Client, receiver: Receiver
) -> None:
    headers = {"authorization": f"Bearer {stack.token}"}
    with httpx.Client(base_url=stack.http, headers=headers, timeout=60) as http:
        asked = {"url": url(receiver, "/log"), "events": ["job_ended"]}
        created = http.post("/v1/webhooks", json=asked)
        assert created.status_code == 201, created.text
        assert created.headers["cache-control"] == "no-store"
        webhook, secret = created.json(), created.json()["secret"]
        place = f"/v1/webhooks/{webhook['webhook_id']}"
        assert created.headers["location"] == place
        assert "secret" not in http.get(place).json()

        ping = http.post(f"{place}/ping").json()
        assert (ping["http_status"], ping["error"]) == (204, None)
        (pinged,) = receiver.on("/log")
        assert pinged.event["type"] == "babelmill.ping"
        check_signature(secret, pinged.headers, pinged.body)

        job = client.wait(client.translate_text("Hello.", "en", ["pt"]).job_id)
        (delivery,) = delivered(client, webhook["webhook_id"], 1)
        again = {"job_id": job.job_id, "sequence": delivery.sequence}
        assert http.post(f"{place}/redeliver", json=again).status_code == 200
        receiver.wait("/log", 3)

        def twice() -> bool:
            (found,) = http.get(f"{place}/deliveries").json()["deliveries"]
            return (found["attempt_count"], found["state"]) == (2, "delivered")

        eventually(twice)
        _, first, second = receiver.on("/log")
        assert first.body == second.body
        assert first.headers["webhook-id"] == second.headers["webhook-id"]

        assert http.post(f"{place}/disable").json()["disabled_reason"] == "BY_REQUEST"
        refused = http.post(f"{place}/redeliver", json=again)
        assert (refused.status_code, refused.json()["reason"]) == (409, "WEBHOOK_DISABLED")
        assert http.post(f"{place}/enable").json()["state"] == "enabled"
        assert http.post(f"{place}/disable").status_code == 200
        missed = client.wait(client.translate_text("Hello again.", "en", ["pt"]).job_id)
        assert http.post(f"{place}/enable").status_code == 200
        began = job.create_time.ToJsonString()
        recovered = http.post(f"{place}/recover", json={"start_time": began}).json()
        assert recovered == {"event_count": 1, "next_time": None}
        *_, last = receiver.wait("/log", 4)
        assert last.event["subject"] == missed.job_id
        repeated = http.post(f"{place}/recover", json={"start_time": began}).json()
        assert repeated["event_count"] == 0
        # Also what happened before there was this webhook, if somebody wants it.
        by_command = babelmill(stack, "webhooks", "recover", webhook["webhook_id"])
        assert by_command.stderr.startswith("events on their way: "), by_command.stderr
        assert http.delete(place).status_code == 204
        assert http.get(place).json()["reason"] == "WEBHOOK_NOT_FOUND"


@pytest.mark.matrix(41, 45)
@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("http://127.0.0.1:9999/", "NOT_PUBLIC"),
        ("http://169.254.169.254/latest/meta-data", "NOT_PUBLIC"),
        ("http://0x7f000001/", "MALFORMED"),
        ("http://user:pw@example.com/", "CREDENTIALS_IN_URL"),
        ("gopher://example.com/", "UNSUPPORTED_SCHEME"),
    ],
)
def test_webhook_is_refused_when_its_address_is_not_of_the_public_web(
    stack: Stack, address: str, reason: str
) -> None:
    headers = {"authorization": f"Bearer {stack.token}"}
    answer = httpx.post(
        f"{stack.http}/v1/webhooks", json={"url": address}, headers=headers, timeout=30
    )
    assert answer.status_code == 400
    assert [(v["field"], v["reason"]) for v in answer.json()["violations"]] == [("url", reason)]


@pytest.mark.matrix(19)
def test_nothing_of_a_webhook_is_there_for_another_tenant(
    stack: Stack, client: Client, stranger_token: str, receiver: Receiver
) -> None:
    webhook, secret = client.create_webhook(url(receiver, "/ours"))
    with httpx.Client(
        base_url=stack.http, headers={"authorization": f"Bearer {stranger_token}"}, timeout=30
    ) as http:
        place = f"/v1/webhooks/{webhook.webhook_id}"
        redelivery = {"job_id": webhook.webhook_id, "sequence": 1}
        answers = [
            http.get(place),
            http.delete(place),
            http.post(f"{place}/enable"),
            http.post(f"{place}/disable"),
            http.post(f"{place}/rotate-secret"),
            http.post(f"{place}/ping"),
            http.get(f"{place}/deliveries"),
            http.post(f"{place}/redeliver", json=redelivery),
        ]
        assert [(a.status_code, a.json()["reason"]) for a in answers] == [
            (404, "WEBHOOK_NOT_FOUND")
        ] * len(answers)
        assert http.get("/v1/webhooks").json() == {"webhooks": []}
    assert not receiver.requests
    assert state_name(client.get_webhook(webhook.webhook_id)) == "enabled"
    logs = b"".join(path.read_bytes() for path in stack.home.rglob("*.log"))
    assert secret.encode() not in logs
    shown = babelmill(stack, "webhooks", "list", "--json")
    assert secret not in shown.stdout
    assert json.loads(shown.stdout.splitlines()[-1])["url"] == webhook.url
    client.delete_webhook(webhook.webhook_id)
