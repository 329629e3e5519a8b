"""Refusals over real HTTP: each is a problem that tells enough and no more."""

import json
from collections.abc import AsyncIterator

import grpc
import httpx
import pytest

from babelmill.kit.wire.status_details import ErrorDetails, FieldViolation
from tests.integration.gateway_edge import Edge, assert_problem, running_edge
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


@pytest.mark.matrix(17)
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


@pytest.mark.matrix(28)
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


@pytest.mark.parametrize(
    ("path", "methods"),
    [("/v1/jobs", "GET, POST"), ("/v1/jobs/x", "GET, DELETE"), ("/healthz", "GET")],
)
async def test_all_methods_of_a_path_are_named_when_another_is_asked(
    http: httpx.AsyncClient, path: str, methods: str
) -> None:
    response = await http.request("PATCH", path)
    assert_problem(response, 405, "METHOD_NOT_ALLOWED")
    assert response.headers["allow"] == methods


@pytest.mark.matrix(27)
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


@pytest.mark.matrix(65)
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


@pytest.mark.matrix(65)
async def test_defect_is_hidden_when_gateway_fails(
    http: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("SELECT secret FROM /srv")

    monkeypatch.setattr("gateway.routes.catalog.engines_from_proto", fail)
    response = await http.get("/v1/engines")
    problem = assert_problem(response, 500, "INTERNAL")
    assert "secret" not in json.dumps(problem)
