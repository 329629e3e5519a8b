"""Dialects against a scripted job service: what they say when things take long or are away."""

from collections.abc import AsyncIterator

import httpx
import pytest

from babelmill.jobs.v1 import job_pb2
from babelmill.translation.v1 import translation_pb2
from gateway.dialects import django, media
from tests.integration.dialect_operations import DIALECT_OPERATIONS
from tests.integration.gateway_edge import assert_problem, running_edge
from tests.integration.gateway_peer import Peer, running_peer


@pytest.fixture
async def peer() -> AsyncIterator[Peer]:
    async with running_peer() as running:
        yield running


@pytest.fixture
async def http(peer: Peer) -> AsyncIterator[httpx.AsyncClient]:
    async with running_edge(peer.address) as edge, edge.client() as client:
        yield client


async def test_media_job_is_pending_when_nothing_publishes_it(
    http: httpx.AsyncClient, peer: Peer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(media, "_QUEUED_SECONDS", 0.2)
    artifact = peer.add_artifact(b"x")
    body = {"source_file": "clip.mp4", "target_format": "mp3", "priority": "low"}
    answer = await http.post("/api/v1/submit_job", json=body)
    assert answer.status_code == 201, answer.text
    assert answer.json()["status"] == "PENDING"
    assert answer.json()["queued_at"] is None
    (stored,) = peer.jobs.values()
    assert stored.job.spec.transcode.artifact_id == artifact.artifact_id
    assert stored.job.priority == job_pb2.PRIORITY_LOW


async def test_same_job_is_meant_when_a_request_is_repeated_with_its_key(
    http: httpx.AsyncClient, peer: Peer
) -> None:
    body = {"source_text": "Hello", "target_languages": ["pt"]}
    ids = {
        (await http.post("/jobs/", json=body, headers={"idempotency-key": "once"})).json()["id"]
        for _ in range(2)
    }
    assert len(ids) == len(peer.jobs) == 1


async def test_cancel_says_that_it_goes_on_when_a_job_does_not_stop(
    http: httpx.AsyncClient, peer: Peer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(django, "_CANCEL_SECONDS", 0.2)
    text = translation_pb2.TranslateTextSpec(text="x", target_languages=["pt"])
    stored = peer.add_job(spec=job_pb2.JobSpec(translate_text=text))
    await peer.change(stored, job_pb2.JOB_STATE_IN_PROGRESS)
    answer = await http.post(f"/jobs/{stored.job.job_id}/cancel/")
    assert (answer.status_code, answer.json()) == (202, {"status": "in_progress"})


async def test_job_of_another_kind_is_not_there_when_asked_in_a_dialect(
    http: httpx.AsyncClient, peer: Peer
) -> None:
    text = translation_pb2.TranslateTextSpec(text="x", target_languages=["pt"])
    job_id = peer.add_job(spec=job_pb2.JobSpec(translate_text=text)).job.job_id
    assert (await http.get(f"/jobs/{job_id}/")).status_code == 200
    assert (await http.get(f"/messages/{job_id}")).status_code == 200
    for path in (
        f"/api/v1/status/{job_id}",
        f"/api/v1/translation-jobs/{job_id}",
        f"/api/v1/job/{job_id}/status",
    ):
        assert_problem(await http.get(path), 404, "JOB_NOT_FOUND")


async def test_no_dialect_is_there_when_none_is_spoken(peer: Peer) -> None:
    async with running_edge(peer.address, gateway_dialects="none") as edge, edge.client() as http:
        for method, path in DIALECT_OPERATIONS:
            answer = await http.request(method, path)
            assert_problem(answer, 404, "NO_SUCH_PATH")
        assert "dialect" not in (await http.get("/openapi.json")).text


async def test_health_is_told_when_the_job_service_is_away(
    http: httpx.AsyncClient, peer: Peer
) -> None:
    assert (await http.get("/")).json()["status"] == "healthy"
    await peer.stop()
    for path in ("/", "/api/v1/translation-jobs/health"):
        assert_problem(await http.get(path), 503, "UNAVAILABLE")
