"""The job routes over real HTTP and real gRPC, against a protocol peer."""

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest

from babelmill.jobs.v1 import job_pb2
from tests.integration.gateway_edge import DEADLINE_SECONDS, Edge, assert_problem, running_edge
from tests.integration.gateway_peer import Peer, running_peer

TRANSLATE = {
    "spec": {
        "translate_text": {
            "text": "Good morning.",
            "source_language": "en",
            "target_languages": ["pt", "es"],
        }
    }
}


@pytest.fixture
async def peer() -> AsyncIterator[Peer]:
    async with running_peer() as running:
        yield running


@pytest.fixture
async def edge(peer: Peer) -> AsyncIterator[Edge]:
    async with running_edge(peer.address) as running:
        yield running


@pytest.fixture
async def http(edge: Edge) -> AsyncIterator[httpx.AsyncClient]:
    async with edge.client() as client:
        yield client


async def test_job_is_created_when_spec_is_right(http: httpx.AsyncClient, peer: Peer) -> None:
    body = TRANSLATE | {
        "priority": "urgent",
        "labels": {"project": "x"},
        "deadline": "2031-01-31T12:00:00.25+01:00",
    }
    response = await http.post("/v1/jobs", json=body)
    assert response.status_code == 201, response.text
    job = response.json()
    assert response.headers["location"] == f"/v1/jobs/{job['job_id']}"
    assert job["state"] == "pending"
    assert job["priority"] == "urgent"
    assert job["spec"] == TRANSLATE["spec"] | {
        "translate_text": TRANSLATE["spec"]["translate_text"] | {"engine": ""}
    }
    assert job["deadline"] == "2031-01-31T11:00:00.250000Z"
    _, sent = peer.requests[-1]
    assert sent.spec.translate_text.target_languages == ["pt", "es"]
    assert sent.priority == job_pb2.PRIORITY_URGENT
    assert dict(sent.labels) == {"project": "x"}


async def test_same_job_is_given_when_idempotency_key_repeats(http: httpx.AsyncClient) -> None:
    headers = {"Idempotency-Key": "once"}
    first = await http.post("/v1/jobs", json=TRANSLATE, headers=headers)
    again = await http.post("/v1/jobs", json=TRANSLATE | {"request_id": "once"})
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json()["job_id"] == again.json()["job_id"]
    assert again.headers["location"] == first.headers["location"]


async def test_key_is_refused_when_header_and_body_differ(http: httpx.AsyncClient) -> None:
    body = TRANSLATE | {"request_id": "one"}
    response = await http.post("/v1/jobs", json=body, headers={"Idempotency-Key": "two"})
    assert_problem(response, 400, "INVALID_REQUEST", "request_id")


async def test_batch_is_created_when_all_are_right(http: httpx.AsyncClient) -> None:
    response = await http.post("/v1/jobs:batch", json={"requests": [TRANSLATE, TRANSLATE]})
    assert response.status_code == 200, response.text
    answers = response.json()["responses"]
    assert [each["created"] for each in answers] == [True, True]
    assert len({each["job"]["job_id"] for each in answers}) == 2


async def test_jobs_are_listed_when_filtered(http: httpx.AsyncClient, peer: Peer) -> None:
    peer.add_job()
    response = await http.get(
        "/v1/jobs",
        params=[
            ("state", "in_progress"),
            ("state", "queued"),
            ("kind", "transcode"),
            ("priority", "low"),
            ("label", "a=1=2"),
            ("created_after", "2030-01-01T00:00:00Z"),
            ("created_before", "2031-01-01T00:00:00+02:00"),
            ("page_size", "7"),
            ("page_token", "t"),
        ],
    )
    assert response.status_code == 200, response.text
    assert response.json()["next_page_token"] == "next"
    assert len(response.json()["jobs"]) == 1
    _, sent = peer.requests[-1]
    assert (sent.page_size, sent.page_token) == (7, "t")
    assert list(sent.filter.states) == [job_pb2.JOB_STATE_IN_PROGRESS, job_pb2.JOB_STATE_QUEUED]
    assert list(sent.filter.kinds) == ["transcode"]
    assert list(sent.filter.priorities) == [job_pb2.PRIORITY_LOW]
    assert dict(sent.filter.labels) == {"a": "1=2"}
    assert sent.filter.created_after.ToJsonString() == "2030-01-01T00:00:00Z"
    assert sent.filter.created_before.ToJsonString() == "2030-12-31T22:00:00Z"


async def test_job_is_cancelled_when_asked(http: httpx.AsyncClient, peer: Peer) -> None:
    job_id = peer.add_job().job.job_id
    response = await http.post(f"/v1/jobs/{job_id}/cancel")
    assert response.status_code == 200
    assert response.json()["state"] == "cancelling"
    assert (await http.get(f"/v1/jobs/{job_id}")).json()["state"] == "cancelling"


async def test_result_waits_when_nothing_is_ready(http: httpx.AsyncClient, peer: Peer) -> None:
    stored = peer.add_job(state=job_pb2.JOB_STATE_IN_PROGRESS)
    stored.job.targets.add(key="pt", state=job_pb2.TARGET_STATE_ACTIVE)
    response = await http.get(f"/v1/jobs/{stored.job.job_id}/result")
    assert_problem(response, 409, "RESULT_NOT_READY")
    assert int(response.headers["retry-after"]) > 0


async def test_result_is_partial_when_one_target_is_done(
    http: httpx.AsyncClient, peer: Peer
) -> None:
    stored = peer.add_job(state=job_pb2.JOB_STATE_IN_PROGRESS)
    done = stored.job.targets.add(key="pt", state=job_pb2.TARGET_STATE_COMPLETED, text="Bom dia.")
    done.outputs.append(peer.add_artifact(b"Bom dia."))
    stored.job.targets.add(key="es", state=job_pb2.TARGET_STATE_ACTIVE)
    response = await http.get(f"/v1/jobs/{stored.job.job_id}/result")
    assert response.status_code == 200
    result = response.json()
    assert result["final"] is False
    assert result["targets"]["pt"]["text"] == "Bom dia."
    content = await http.get(result["targets"]["pt"]["outputs"][0]["content_url"])
    assert content.content == b"Bom dia."
    assert result["targets"]["es"] == {
        "state": "active",
        "text": None,
        "outputs": [],
        "error": None,
    }


async def test_result_tells_errors_when_job_failed(http: httpx.AsyncClient, peer: Peer) -> None:
    stored = peer.add_job(state=job_pb2.JOB_STATE_FAILED)
    target = stored.job.targets.add(key="pt", state=job_pb2.TARGET_STATE_FAILED)
    target.error.reason = "ENGINE_FAILED"
    target.error.retry_after.FromMilliseconds(1500)
    result = (await http.get(f"/v1/jobs/{stored.job.job_id}/result")).json()
    assert result["final"] is True
    assert result["targets"]["pt"]["error"]["reason"] == "ENGINE_FAILED"
    assert result["targets"]["pt"]["error"]["retry_after_seconds"] == 1.5


@pytest.mark.parametrize(
    ("path", "key"), [("languages", "pairs"), ("engines", "engines"), ("presets", "presets")]
)
async def test_catalogue_is_given_when_asked(http: httpx.AsyncClient, path: str, key: str) -> None:
    response = await http.get(f"/v1/{path}")
    assert response.status_code == 200
    assert len(response.json()[key]) == 1


async def test_health_follows_job_service_when_it_goes_and_returns(edge: Edge, peer: Peer) -> None:
    async with edge.client(token=None) as anonymous:
        assert (await anonymous.get("/healthz")).json() == {"status": "ok"}
        assert (await anonymous.get("/readyz")).status_code == 200
        await peer.stop()
        away = await anonymous.get("/readyz")
        assert_problem(away, 503, "UNAVAILABLE")
        assert (await anonymous.get("/healthz")).status_code == 200
        await peer.start()
        async with asyncio.timeout(DEADLINE_SECONDS):
            while (await anonymous.get("/readyz")).status_code != 200:
                await asyncio.sleep(0.1)
