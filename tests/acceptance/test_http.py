"""The HTTP edge of a real stack: upload, create, stream, result, refusals."""

import json
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.acceptance.conftest import Stack

SENTENCE = "The wheel of the mill turns day and night. "


@pytest.fixture
def http(stack: Stack) -> Iterator[httpx.Client]:
    headers = {"authorization": f"Bearer {stack.token}"}
    with httpx.Client(base_url=stack.http, headers=headers, timeout=60) as http:
        yield http


def text_job(text: str, *targets: str) -> dict[str, object]:
    spec = {"text": text, "source_language": "en", "target_languages": list(targets)}
    return {"spec": {"translate_text": spec}}


def sse(response: httpx.Response) -> Iterator[tuple[str, str, dict[str, object]]]:
    """Yield (id, event, data) of each Server-Sent Event."""
    fields: dict[str, str] = {}
    for line in response.iter_lines():
        if line:
            name, _, value = line.partition(":")
            fields[name] = fields.get(name, "") + value.removeprefix(" ")
        elif "data" in fields or "event" in fields:
            data = fields.get("data") or "{}"
            yield fields.get("id", ""), fields.get("event", ""), json.loads(data)
            fields = {}


def test_file_goes_in_and_result_comes_out_when_job_is_done(http: httpx.Client, clip: Path) -> None:
    with clip.open("rb") as file:
        uploaded = http.post(
            "/v1/artifacts", files={"file": ("clip.mkv", file, "video/x-matroska")}
        )
    assert uploaded.status_code == 201, uploaded.text
    artifact_id = uploaded.json()["artifact_id"]
    spec = {"transcode": {"artifact_id": artifact_id, "preset": "mp3"}}
    job = http.post("/v1/jobs", json={"spec": spec, "priority": "urgent"}).json()

    with http.stream("GET", f"/v1/jobs/{job['job_id']}/events") as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        names = [event for _, event, _ in sse(stream)]

    assert names[0] == "snapshot"
    assert names[-1] == "end"
    result = http.get(f"/v1/jobs/{job['job_id']}/result")
    assert result.status_code == 200, result.text
    (output,) = http.get(f"/v1/jobs/{job['job_id']}").json()["targets"][0]["outputs"]
    content = http.get(f"/v1/artifacts/{output['artifact_id']}/content")
    assert len(content.content) == output["size_bytes"]
    assert content.headers["content-type"] == "audio/mpeg"
    assert content.headers["content-disposition"].startswith("attachment")


@pytest.mark.row("B1")
def test_stream_resumes_without_gap_when_last_event_id_is_sent(http: httpx.Client) -> None:
    created = http.post("/v1/jobs", json=text_job(SENTENCE * 300, "pt"))
    assert created.status_code == 201, created.text
    path = created.headers["location"]
    seen: list[int] = []
    with http.stream("GET", f"{path}/events", params={"after_sequence": 0}) as stream:
        for number, event, _ in sse(stream):
            if event in {"job_state", "step_state", "target"}:
                seen.append(int(number))
            if len(seen) == 2:
                break
    with http.stream("GET", f"{path}/events", headers={"last-event-id": str(seen[-1])}) as stream:
        for number, event, _ in sse(stream):
            if event in {"job_state", "step_state", "target"}:
                seen.append(int(number))

    assert seen == list(range(1, len(seen) + 1))
    assert http.get(path).json()["state"] == "completed"


def test_job_is_listed_and_cancelled_when_asked(http: httpx.Client) -> None:
    job = http.post("/v1/jobs", json=text_job(SENTENCE * 3000, "pt")).json()

    listed = http.get("/v1/jobs", params={"page_size": 5}).json()
    cancelled = http.post(f"/v1/jobs/{job['job_id']}/cancel")

    assert job["job_id"] in {j["job_id"] for j in listed["jobs"]}
    assert cancelled.status_code == 200
    assert cancelled.json()["state"] in {"cancelling", "cancelled"}


@pytest.mark.parametrize(
    ("request_", "status", "reason"),
    [
        (("POST", "/v1/jobs", text_job("", "pt")), 400, None),
        (("POST", "/v1/jobs", text_job("Hello", "xh")), 400, "UNSUPPORTED_LANGUAGE_PAIR"),
        (("POST", "/v1/jobs", {"nonsense": 1}), 400, None),
        (("GET", "/v1/jobs/01890a5d-ac96-774b-bcce-b302099a8057", None), 404, "JOB_NOT_FOUND"),
        (("GET", "/v1/jobs/not-an-id", None), 400, None),
        (("GET", "/v1/nowhere", None), 404, None),
    ],
)
def test_refusal_is_a_problem_when_request_is_wrong(
    http: httpx.Client, request_: tuple[str, str, object], status: int, reason: str | None
) -> None:
    method, path, body = request_
    refused = http.request(method, path, json=body)

    assert refused.status_code == status, refused.text
    assert refused.headers["content-type"] == "application/problem+json"
    problem = refused.json()
    assert problem["status"] == status
    assert problem["title"]
    if reason:
        assert problem["reason"] == reason


@pytest.mark.matrix(17)
def test_caller_is_refused_when_token_is_missing_or_wrong(stack: Stack) -> None:
    for headers in ({}, {"authorization": "Bearer wrong"}):
        refused = httpx.get(f"{stack.http}/v1/jobs", headers=headers, timeout=30)
        assert refused.status_code == 401
        assert refused.headers["content-type"] == "application/problem+json"


@pytest.mark.row("S1.6")
def test_documentation_needs_no_other_host_when_read(http: httpx.Client) -> None:
    described = http.get("/openapi.json").json()
    assert {"/v1/jobs", "/v1/jobs/{job_id}/events", "/v1/artifacts"} <= set(described["paths"])
    page = http.get("/docs").text
    assert "https://" not in page
    assert "http://" not in page
