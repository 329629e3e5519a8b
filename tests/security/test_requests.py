"""Requests at the HTTP door that no client library of ours would make."""

import json
import uuid
from contextlib import ExitStack

import httpx
import pytest

from tests.security.doors import Doors
from tests.security.raw_http import head, problem, talk, text_job
from tests.security.test_calls import SQL

WATCHERS = 3
ENVIRONMENT = {
    "BABELMILL_MAX_WAITING_JOBS": "60",
    "BABELMILL_MAX_WATCHERS_PER_TENANT": str(WATCHERS),
}
ESCAPES = "a\r\nb\x1b[31mred\x1b[0m\x07\u2028forged"


@pytest.mark.matrix(17, 18)
@pytest.mark.parametrize("path", ["/v1/jobs", "/v1/artifacts/x", "/v1/engines", "/v1/queues"])
def test_caller_is_refused_when_it_has_no_clients_token(
    doors: Doors, http: httpx.Client, path: str
) -> None:
    for header in ("", "Bearer", "Bearer wrong", "Token x", "Basic eDp5", "Bearer a b"):
        response = http.get(path, headers={"Authorization": header})
        problem(response, 401, "UNAUTHENTICATED")
        assert response.headers["www-authenticate"] == "Bearer"
    refused = http.get(path, headers={"Authorization": f"Bearer {doors.worker_token}"})
    problem(refused, 403, "WRONG_ROLE")


@pytest.mark.matrix(19)
def test_nothing_is_there_when_it_is_another_tenants(doors: Doors, http: httpx.Client) -> None:
    job = http.post("/v1/jobs", json=text_job()).json()
    artifact = http.post("/v1/artifacts", content=b"private").json()
    terms = {"display_name": "x", "source_language": "en", "terms": [{"source": "mill"}]}
    glossary = http.post("/v1/glossaries", json=terms).json()
    job_path = f"/v1/jobs/{job['job_id']}"
    artifact_path = f"/v1/artifacts/{artifact['artifact_id']}"
    glossary_path = f"/v1/glossaries/{glossary['glossary_id']}"
    with doors.http(doors.other_token) as stranger:
        for method, path in (
            ("GET", job_path),
            ("DELETE", job_path),
            ("POST", f"{job_path}/cancel"),
            ("POST", f"{job_path}/retry"),
            ("GET", f"{job_path}/result"),
            ("GET", f"{job_path}/events"),
            ("GET", f"{job_path}/events:list"),
            ("GET", artifact_path),
            ("GET", f"{artifact_path}/content"),
            ("GET", glossary_path),
            ("DELETE", glossary_path),
        ):
            found = problem(stranger.request(method, path), 404)
            other = path.replace(path.split("/")[3], str(uuid.uuid4()))
            missing = problem(stranger.request(method, other), 404)
            for name in ("type", "title", "status", "detail", "reason", "violations"):
                assert found[name] == missing[name], "it can be told apart"
        assert stranger.get("/v1/jobs").json()["jobs"] == []
        assert stranger.get("/v1/glossaries").json()["glossaries"] == []
        spec = {"artifact_id": artifact["artifact_id"], "target_languages": ["pt"]}
        stolen = stranger.post("/v1/jobs", json={"spec": {"translate_document": spec}})
        problem(stolen, 404)
    assert http.get(job_path).json()["state"] in ("pending", "queued")


@pytest.mark.matrix(24)
@pytest.mark.parametrize("sql", SQL)
def test_sql_is_taken_literally_when_it_stands_in_a_query(http: httpx.Client, sql: str) -> None:
    for name in ("page_token", "kind", "state", "priority", "created_after"):
        problem(http.get("/v1/jobs", params={name: sql}), 400, "INVALID_REQUEST")
    found = http.get("/v1/jobs", params={"label": f"sql={sql}"})
    assert found.json()["jobs"] == []
    missing = http.get("/v1/jobs/" + sql.replace("/", "%2f"))
    assert missing.status_code in (400, 404)


@pytest.mark.matrix(25)
def test_page_token_is_refused_when_it_is_changed_or_anothers(
    doors: Doors, http: httpx.Client
) -> None:
    for _ in range(3):
        assert http.post("/v1/jobs", json=text_job()).status_code == 201
    token = http.get("/v1/jobs", params={"page_size": 1}).json()["next_page_token"]
    for place in range(0, len(token), 7):
        changed = token[:place] + ("A" if token[place] != "A" else "B") + token[place + 1 :]
        problem(http.get("/v1/jobs", params={"page_size": 1, "page_token": changed}), 400)
    with doors.http(doors.other_token) as stranger:
        problem(stranger.get("/v1/jobs", params={"page_size": 1, "page_token": token}), 400)
    filtered = {"page_size": 1, "page_token": token, "label": "a=b"}
    problem(http.get("/v1/jobs", params=filtered), 400)


@pytest.mark.matrix(26)
def test_job_is_its_own_when_another_tenant_has_used_the_key(
    doors: Doors, http: httpx.Client
) -> None:
    headers = {"Idempotency-Key": "greeting"}
    ours = http.post("/v1/jobs", json=text_job(), headers=headers)
    with doors.http(doors.other_token) as stranger:
        theirs = stranger.post("/v1/jobs", json=text_job(labels={"a": "b"}), headers=headers)
    assert (ours.status_code, theirs.status_code) == (201, 201)
    assert ours.json()["job_id"] != theirs.json()["job_id"]


@pytest.mark.matrix(55)
def test_log_has_one_line_for_each_entry_when_names_hold_escapes(
    doors: Doors, http: httpx.Client
) -> None:
    http.post("/v1/artifacts", params={"filename": ESCAPES}, content=b"x")
    http.post("/v1/jobs", json=text_job(request_id=ESCAPES, labels={ESCAPES: ESCAPES}))
    http.get("/v1/jobs/" + "%0d%0a%1b[31m")
    http.get("/v1/jobs", params={"page_token": ESCAPES, ESCAPES: ESCAPES})
    http.get("/v1/%7f%0aforged")
    talk(doors, head(doors, "GET /v1/jobs HTTP/1.1", "X-Evil: \x1b[31mforged", "Last: a\x08"))
    for server in (doors.gateway, doors.service):
        log = server.raw_log()
        assert b"\x1b" not in log
        assert b"\r" not in log
        assert b"forged" not in log, "what a client made up is in the log"
        for line in log.splitlines():
            json.loads(line)


@pytest.mark.matrix(56)
@pytest.mark.parametrize(
    "headers",
    [
        {"traceparent": "00-" + "0" * 32 + "-" + "0" * 16 + "-01"},
        {"traceparent": "x" * 8000},
        {"traceparent": "00-" + "a" * 32 + "-" + "b" * 16 + "-01", "tracestate": "k=v," * 4000},
        {"baggage": ",".join(f"key{n}=value" for n in range(1500))},
    ],
)
def test_job_is_made_when_trace_headers_are_hostile(
    doors: Doors, http: httpx.Client, headers: dict[str, str]
) -> None:
    response = http.post("/v1/jobs", json=text_job(), headers=headers)
    assert response.status_code == 201
    assert len(response.json()["trace_id"]) == 32
    assert set(response.json()["trace_id"]) != {"0"}


@pytest.mark.matrix(56, 5)
def test_request_is_refused_when_its_head_is_huge(doors: Doors) -> None:
    answer = talk(doors, head(doors, "GET /v1/jobs HTTP/1.1", "baggage: " + "a=b," * 20_000))
    assert b" 400 " in answer
    assert b"MALFORMED_REQUEST" in answer


@pytest.mark.matrix(61)
@pytest.mark.parametrize("path", ["/v1/jobs", "/docs", "/redoc", "/openapi.json", "/healthz"])
def test_other_sites_get_nothing_when_they_ask_in_a_browser(http: httpx.Client, path: str) -> None:
    headers = {"Origin": "https://evil.example", "Cookie": "token=x"}
    preflight = {"Access-Control-Request-Method": "GET", **headers}
    for response in (http.get(path, headers=headers), http.options(path, headers=preflight)):
        assert not any(name.startswith("access-control-") for name in response.headers)
        assert "set-cookie" not in response.headers
        assert response.headers["x-frame-options"] == "DENY"
        assert response.headers["x-content-type-options"] == "nosniff"
        assert response.headers["referrer-policy"] == "no-referrer"
    no_token = httpx.get(http.base_url.join("/v1/jobs"), headers=headers)
    problem(no_token, 401, "UNAUTHENTICATED")


@pytest.mark.matrix(61)
@pytest.mark.parametrize("media_type", ["text/plain", "application/x-www-form-urlencoded", ""])
def test_job_is_not_made_when_a_form_of_another_site_posts_it(
    http: httpx.Client, media_type: str
) -> None:
    headers = {"Content-Type": media_type} if media_type else {}
    response = http.post("/v1/jobs", content=json.dumps(text_job()), headers=headers)
    problem(response, 415, "UNSUPPORTED_MEDIA_TYPE")


@pytest.mark.matrix(8)
def test_stream_is_refused_at_once_when_the_tenant_has_too_many(
    doors: Doors, http: httpx.Client
) -> None:
    job = http.post("/v1/jobs", json=text_job()).json()["job_id"]
    with ExitStack() as streams:
        for _ in range(WATCHERS):
            # Its lines are not asked for: httpx would close it after the first.
            opened = streams.enter_context(http.stream("GET", f"/v1/jobs/{job}/events"))
            assert opened.status_code == 200
        refused = streams.enter_context(http.stream("GET", f"/v1/jobs/{job}/events"))
        assert refused.status_code == 429
        refused.read()
        problem(refused, 429, "TOO_MANY_WATCHERS")
        assert int(refused.headers["retry-after"]) >= 1
        with doors.http(doors.other_token) as stranger:
            other = stranger.post("/v1/jobs", json=text_job()).json()["job_id"]
            with stranger.stream("GET", f"/v1/jobs/{other}/events") as theirs:
                assert theirs.status_code == 200


@pytest.mark.matrix(65)
@pytest.mark.parametrize("path", ["/v1/jobs/%00", "/v1/jobs/" + "x" * 3000, "/v1/artifacts/%2e%2e"])
def test_answer_tells_nothing_of_the_inside_when_ids_are_nonsense(
    http: httpx.Client, path: str
) -> None:
    response = http.get(path)
    assert response.status_code in (400, 404)
    for word in ("Traceback", "psycopg2", "SELECT", "/work", "site-packages", ".py"):
        assert word not in response.text


@pytest.mark.matrix(27)
def test_client_is_told_to_wait_when_its_jobs_are_too_many(http: httpx.Client) -> None:
    batch = {"requests": [text_job() for _ in range(61)]}
    response = http.post("/v1/jobs:batch", json=batch)
    body = problem(response, 429, "TOO_MANY_WAITING_JOBS")
    assert int(response.headers["retry-after"]) >= 1
    assert body["detail"]
