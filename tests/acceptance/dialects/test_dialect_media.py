"""The media dialect, whole: its curl lines, its lifecycle, and figures that were measured."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.acceptance.conftest import make_clip
from tests.acceptance.dialects.conftest import Edge, ended

SUBMIT_HIGH = """curl -X POST http://localhost:8000/api/v1/submit_job \\
  -H "Content-Type: application/json" \\
  -d '{"source_file": "video.mp4", "target_format": "avi", "priority": "high"}'
"""
SUBMIT_LOW = """curl -X POST http://localhost:8000/api/v1/submit_job \\
  -H "Content-Type: application/json" \\
  -d '{"source_file": "audio.wav", "target_format": "mp3", "priority": "low"}'
"""
CHECK = "curl http://localhost:8000/api/v1/job/{job_id}/status\n"
SUBMITTED = {
    "job_id",
    "status",
    "priority",
    "source_file",
    "target_format",
    "created_at",
    "queued_at",
    "message",
}
TOLD = {
    "id",
    "source_file",
    "target_format",
    "priority",
    "status",
    "error_message",
    "created_at",
    "queued_at",
    "started_at",
    "completed_at",
    "metrics",
}


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("media") / "clip.mkv"
    make_clip(path, seconds=1, size="160x120")
    return path


@pytest.fixture
def http(edge: Edge) -> Iterator[httpx.Client]:
    with edge.client() as http:
        yield http


@pytest.mark.row("S4.1", "S4.3")
def test_files_are_converted_when_the_curl_lines_are_run(
    edge: Edge, http: httpx.Client, video: Path
) -> None:
    with edge.client(f"Bearer {edge.stack.token}") as owner:
        for name, data in (
            ("video.mp4", b"an older file of this name, which is no video"),
            ("video.mp4", video.read_bytes()),
            ("audio.wav", video.read_bytes()),
        ):
            assert owner.post("/v1/artifacts", files={"file": (name, data)}).status_code == 201

    for line, source, form, priority, media_type in (
        (SUBMIT_HIGH, "video.mp4", "avi", "high", "video/x-msvideo"),
        (SUBMIT_LOW, "audio.wav", "mp3", "low", "audio/mpeg"),
    ):
        status, submitted = edge.curl(line)
        assert status == 201, submitted
        assert submitted.keys() == SUBMITTED
        assert submitted["status"] == "QUEUED"
        assert submitted["created_at"] <= submitted["queued_at"]
        assert submitted["message"] == "Job submitted successfully"
        job_id = submitted["job_id"]
        done = ended(http, f"/api/v1/job/{job_id}/status", "COMPLETED", "FAILED")
        assert done["status"] == "COMPLETED", done
        status, checked = edge.curl(CHECK, job_id=job_id)
        assert (status, checked) == (200, done)
        assert checked.keys() == TOLD
        assert checked["id"] == job_id
        assert (checked["source_file"], checked["target_format"]) == (source, form)
        assert checked["priority"] == submitted["priority"] == priority
        assert checked["error_message"] is None
        assert (
            checked["created_at"]
            <= checked["queued_at"]
            <= checked["started_at"]
            <= checked["completed_at"]
        )
        assert checked["metrics"]["memory_usage_mb"] > 1
        assert checked["metrics"]["processing_time_seconds"] > 0
        assert isinstance(checked["metrics"]["peak_cpu_usage"], int | None)
        made = http.get(f"/api/v1/job/{job_id}/download")
        assert made.status_code == 200
        assert made.headers["content-type"] == media_type
        part = http.get(f"/api/v1/job/{job_id}/download", headers={"range": "bytes=0-3"})
        assert (part.status_code, part.content) == (206, made.content[:4])
        with edge.client(f"Bearer {edge.stack.token}") as owner:
            native = owner.get(f"/v1/jobs/{job_id}").json()["priority"]
        assert native == {"high": "urgent", "low": "low"}[priority]


def test_file_is_converted_when_it_comes_in_the_request(http: httpx.Client, video: Path) -> None:
    submitted = http.post(
        "/api/v1/submit_job",
        files={"source_file": ("clip.mkv", video.read_bytes(), "video/x-matroska")},
        data={"target_format": "flac"},
    )
    assert submitted.status_code == 201, submitted.text
    assert submitted.json()["source_file"] == "clip.mkv"
    path = f"/api/v1/job/{submitted.json()['job_id']}/status"
    assert ended(http, path, "COMPLETED", "FAILED")["status"] == "COMPLETED"


@pytest.mark.row("S4.3")
def test_job_fails_with_its_reason_when_the_file_is_no_media(http: httpx.Client) -> None:
    submitted = http.post(
        "/api/v1/submit_job",
        files={"source_file": ("notes.mp4", b"These are no pictures at all.", "video/mp4")},
        data={"target_format": "mp3", "priority": "high"},
    ).json()
    failed = ended(http, f"/api/v1/job/{submitted['job_id']}/status", "COMPLETED", "FAILED")
    assert failed["status"] == "FAILED"
    assert failed["error_message"].startswith("NOT_MEDIA")
    assert failed["metrics"] is None
    assert http.get(f"/api/v1/job/{submitted['job_id']}/download").status_code == 404


@pytest.mark.parametrize(
    ("change", "status", "reason"),
    [
        ({"source_file": "nothing.mp4"}, 404, "ARTIFACT_NOT_FOUND"),
        ({"source_file": "01890a5d-ac96-774b-bcce-b302099a8057"}, 404, "ARTIFACT_NOT_FOUND"),
        ({"source_file": "../etc/passwd"}, 400, "INVALID_REQUEST"),
        ({"target_format": "exe"}, 400, "UNSUPPORTED_PRESET"),
        ({"target_format": ""}, 400, "INVALID_REQUEST"),
        ({"priority": "medium"}, 400, "INVALID_REQUEST"),
    ],
)
def test_job_is_refused_when_a_field_is_wrong(
    edge: Edge, http: httpx.Client, change: dict[str, str], status: int, reason: str
) -> None:
    with edge.client(f"Bearer {edge.stack.token}") as owner:
        owner.post("/v1/artifacts", files={"file": ("known.mp4", b"x")})
    body = {"source_file": "known.mp4", "target_format": "mp3", "priority": "low"}
    refused = http.post("/api/v1/submit_job", json={**body, **change})
    assert refused.status_code == status, refused.text
    assert refused.json()["reason"] == reason, refused.text
    if status == 400:
        assert {each["field"] for each in refused.json()["violations"]} == set(change), refused.text
