"""The job routes over real HTTP and real gRPC, against a protocol peer."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import grpc
import httpx
import pytest

from babelmill.jobs.v1 import job_pb2
from babelmill.kit.wire.status_details import ErrorDetails, FieldViolation
from tests.integration.gateway_edge import DEADLINE_SECONDS, Edge, running_edge
from tests.integration.gateway_peer import TOKEN, Peer, running_peer

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
            while (await anonymous.get("/readyz")).status_code != 200:  # noqa: ASYNC110 - remote
                await asyncio.sleep(0.1)


@pytest.mark.parametrize("token", [None, "wrong", "x" * 5000])
async def test_caller_is_refused_when_token_is_not_valid(
    edge: Edge, peer: Peer, token: str | None
) -> None:
    async with edge.client(token) as stranger:
        response = await stranger.get("/v1/jobs")
    assert_problem(response, 401, "UNAUTHENTICATED")
    assert response.headers["www-authenticate"] == "Bearer"


async def test_token_travels_when_scheme_is_in_other_case(edge: Edge, peer: Peer) -> None:
    async with edge.client(token=None) as client:
        response = await client.get("/v1/jobs", headers={"Authorization": f"bearer {TOKEN}"})
    assert response.status_code == 200
    assert peer.metadata[-1]["authorization"] == f"Bearer {TOKEN}"


@pytest.mark.parametrize(
    ("body", "field", "reason"),
    [
        ({}, "spec", "MISSING"),
        (TRANSLATE | {"spek": 1}, "spek", "UNKNOWN_FIELD"),
        ({"spec": {"translate_text": {"text": 7}}}, "spec.translate_text.text", "INVALID"),
        ({"spec": {"translate_text": {"tone": "x"}}}, "spec.translate_text.tone", "UNKNOWN_FIELD"),
        (
            {"spec": {"translate_text": {"text": "a", "artifact_id": "b"}}},
            "spec.translate_text",
            "INVALID",
        ),
        ({"spec": {"translate_text": {}, "transcode": {}}}, "spec", "INVALID"),
        (
            {"spec": {"translate_text": {"target_languages": ["pt", 3]}}},
            "spec.translate_text.target_languages[1]",
            "INVALID",
        ),
        (TRANSLATE | {"priority": "URGENT"}, "priority", "INVALID"),
        (TRANSLATE | {"deadline": 1893456000}, "deadline", "INVALID"),
        (TRANSLATE | {"deadline": "2030-01-01"}, "deadline", "INVALID"),
        (TRANSLATE | {"deadline": "2030-01-01T00:00:00"}, "deadline", "INVALID"),
        (TRANSLATE | {"labels": {"a": 1}}, "labels.a", "INVALID"),
        ([], "body", "INVALID"),
    ],
)
async def test_body_is_refused_when_shape_is_wrong(
    http: httpx.AsyncClient, peer: Peer, body: object, field: str, reason: str
) -> None:
    response = await http.post("/v1/jobs", json=body)
    problem = assert_problem(response, 400, "INVALID_REQUEST", field)
    assert problem["violations"][0]["reason"] == reason
    assert peer.requests == []


@pytest.mark.parametrize(
    "raw",
    [
        b"{",
        b"\xff\xfe",
        b"nonsense",
        b"[" * 100_000,
        b'{"spec": {"translate_text": {"text": "\\ud800"}}}',
    ],
)
async def test_body_is_refused_when_json_is_broken(http: httpx.AsyncClient, raw: bytes) -> None:
    response = await http.post(
        "/v1/jobs", content=raw, headers={"Content-Type": "application/json"}
    )
    assert response.status_code == 400
    assert response.headers["content-type"] == "application/problem+json"
    assert "nonsense" not in response.text


@pytest.mark.parametrize("media_type", ["text/plain", "application/xml", ""])
async def test_body_is_refused_when_it_is_not_json(
    http: httpx.AsyncClient, media_type: str
) -> None:
    headers = {"Content-Type": media_type} if media_type else {}
    response = await http.post("/v1/jobs", content=b"{}", headers=headers)
    assert_problem(response, 415, "UNSUPPORTED_MEDIA_TYPE")


async def test_body_is_refused_when_it_is_compressed(http: httpx.AsyncClient) -> None:
    headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
    response = await http.post("/v1/jobs", content=b"\x1f\x8b", headers=headers)
    assert_problem(response, 415, "UNSUPPORTED_CONTENT_ENCODING")


@pytest.mark.parametrize("chunked", [False, True])
async def test_body_is_refused_when_it_is_too_large(http: httpx.AsyncClient, chunked: bool) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(5):
            yield b" " * 512 * 1024

    content = pieces() if chunked else b" " * 2_600_000
    response = await http.post(
        "/v1/jobs", content=content, headers={"Content-Type": "application/json"}
    )
    problem = assert_problem(response, 413, "TOO_LARGE")
    assert problem["metadata"] == {"largest_bytes": str(2 * 1024 * 1024)}
    assert response.headers["connection"] == "close"


@pytest.mark.parametrize(
    ("method", "path", "status", "reason"),
    [
        ("GET", "/v1/nothing", 404, "NO_SUCH_PATH"),
        ("GET", "/v1/jobs/", 404, "NO_SUCH_PATH"),
        ("DELETE", "/v1/jobs", 405, "METHOD_NOT_ALLOWED"),
        ("GET", "/v1/jobs?stat=queued", 400, "INVALID_REQUEST"),
        ("GET", "/v1/jobs?state=sleeping", 400, "INVALID_REQUEST"),
        ("GET", "/v1/jobs?page_size=x", 400, "INVALID_REQUEST"),
        ("GET", "/v1/jobs?label=novalue", 400, "INVALID_REQUEST"),
        ("GET", "/v1/jobs?label=a=1&label=a=2", 400, "INVALID_REQUEST"),
        ("GET", "/v1/jobs?created_after=1893456000", 400, "INVALID_REQUEST"),
        ("GET", "/v1/engines?x=1", 400, "INVALID_REQUEST"),
        ("GET", "/v1/jobs/none", 404, "JOB_NOT_FOUND"),
        ("GET", "/v1/jobs/none/result", 404, "JOB_NOT_FOUND"),
        ("POST", "/v1/jobs/none/cancel", 404, "JOB_NOT_FOUND"),
        ("GET", "/v1/artifacts/none", 404, "ARTIFACT_NOT_FOUND"),
    ],
)
async def test_request_is_refused_with_problem_when_wrong(
    http: httpx.AsyncClient, method: str, path: str, status: int, reason: str
) -> None:
    assert_problem(await http.request(method, path), status, reason)


async def test_refusal_is_passed_on_when_job_service_refuses(
    http: httpx.AsyncClient, peer: Peer
) -> None:
    peer.refusals["CreateJob"] = ErrorDetails(
        grpc.StatusCode.RESOURCE_EXHAUSTED,
        "Too many jobs wait.",
        "TOO_MANY_WAITING_JOBS",
        metadata={"limit": "10"},
        violations=(FieldViolation("spec", "no room", "LIMIT"),),
        retry_after_seconds=2.3,
    )
    response = await http.post("/v1/jobs", json=TRANSLATE)
    problem = assert_problem(response, 429, "TOO_MANY_WAITING_JOBS", "spec")
    assert problem["detail"] == "Too many jobs wait."
    assert problem["metadata"] == {"limit": "10"}
    assert problem["type"] == "urn:babelmill:problem:TOO_MANY_WAITING_JOBS"
    assert response.headers["retry-after"] == "3"


@pytest.mark.parametrize(
    ("code", "status"),
    [
        (grpc.StatusCode.CANCELLED, 503),
        (grpc.StatusCode.UNKNOWN, 500),
        (grpc.StatusCode.INVALID_ARGUMENT, 400),
        (grpc.StatusCode.DEADLINE_EXCEEDED, 504),
        (grpc.StatusCode.NOT_FOUND, 404),
        (grpc.StatusCode.ALREADY_EXISTS, 409),
        (grpc.StatusCode.PERMISSION_DENIED, 403),
        (grpc.StatusCode.RESOURCE_EXHAUSTED, 429),
        (grpc.StatusCode.FAILED_PRECONDITION, 409),
        (grpc.StatusCode.ABORTED, 409),
        (grpc.StatusCode.OUT_OF_RANGE, 400),
        (grpc.StatusCode.UNIMPLEMENTED, 501),
        (grpc.StatusCode.INTERNAL, 500),
        (grpc.StatusCode.UNAVAILABLE, 503),
        (grpc.StatusCode.DATA_LOSS, 500),
        (grpc.StatusCode.UNAUTHENTICATED, 401),
    ],
)
async def test_text_is_replaced_when_error_was_not_written_for_clients(
    http: httpx.AsyncClient, peer: Peer, code: grpc.StatusCode, status: int
) -> None:
    inner = "psycopg2 SELECT /srv/secret ipv4:10.0.0.1"
    peer.refusals["CreateJob"] = ErrorDetails(code, inner)
    response = await http.post("/v1/jobs", json=TRANSLATE)
    assert_problem(response, status, code.name)
    assert "SELECT" not in response.text
    assert "10.0.0.1" not in response.text


async def test_defect_is_hidden_when_gateway_fails(
    http: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("SELECT secret FROM /srv")

    monkeypatch.setattr("gateway.routes.catalog.engines_from_proto", fail)
    response = await http.get("/v1/engines")
    problem = assert_problem(response, 500, "INTERNAL")
    assert "secret" not in json.dumps(problem)


def assert_problem(
    response: httpx.Response, status: int, reason: str, field: str = ""
) -> dict[str, Any]:
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    assert response.headers["x-content-type-options"] == "nosniff"
    problem: dict[str, Any] = response.json()
    assert problem["status"] == status
    assert problem["reason"] == reason
    assert problem["type"].endswith(reason)
    assert problem["title"]
    assert problem["detail"]
    if field:
        assert [each["field"] for each in problem["violations"]] == [field]
    return problem
