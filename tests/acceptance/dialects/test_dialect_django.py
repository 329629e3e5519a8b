"""The Django dialect, whole: its bodies word for word, and texts, files and addresses."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import pytest

from tests.acceptance.dialects.conftest import Edge, Part, ended

SENTENCE = "The wheel of the mill turns day and night. "
PAGE = b"<!doctype html><html><body><p>The miller opens the door.</p></body></html>"


@pytest.fixture
def http(edge: Edge) -> Iterator[httpx.Client]:
    with edge.client(f"Token {edge.stack.token}") as http:
        yield http


@pytest.fixture(scope="module")
def page() -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Length", str(len(PAGE)))
            self.end_headers()
            self.wfile.write(PAGE)

        def log_message(self, *args: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://localhost:{server.server_port}/page.html"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.row("S0.2", "S0.3", "S0.4")
def test_text_is_translated_when_a_client_speaks_as_its_document_shows(
    edge: Edge, http: httpx.Client
) -> None:
    status, created = edge.curl(
        """curl -X POST http://localhost:8000/jobs/ \\
  -H "Authorization: Token $TOKEN" -H "Content-Type: application/json" -d '{
  "source_type": "text",
  "source_text": "Hello world",
  "target_languages": ["fr"],
  "priority": "normal"
}'"""
    )
    assert status == 201, created
    assert created.keys() == {"id", "status"}
    assert created["status"] == "queued"

    job = ended(http, f"/jobs/{created['id']}/", "completed", "failed")
    assert job["status"] == "completed", job
    assert (job["id"], job["priority"], job["progress"]) == (created["id"], "normal", 100)
    assert job["submitted_at"] <= job["started_at"] <= job["finished_at"]
    assert job["error_message"] is None
    result = http.get(f"/jobs/{created['id']}/result/").json()
    assert result.keys() == {"job", "result_data"}
    assert result["job"] == created["id"]
    assert "monde" in result["result_data"]["fr"].lower()


@pytest.mark.row("S0.1")
@pytest.mark.parametrize("priority", ["urgent", "low"])
def test_every_kind_of_source_is_taken_when_given_with_a_priority(
    http: httpx.Client, page: str, priority: str
) -> None:
    languages = ["pt", "es"]
    text = {"source_type": "text", "source_text": "The mill is old.", "source_language": "en"}
    address = {"source_type": "url", "source_text": page, "source_language": "en"}
    more = {"target_languages": languages, "priority": priority}
    created = [http.post("/jobs/", json={**each, **more}) for each in (text, address)]
    # The order of the parts is the client's: here the file comes first.
    form: list[Part] = [
        ("source_file", ("mill.txt", b"The mill is old.", "text/plain")),
        ("source_type", (None, "file")),
        *(("target_languages", (None, each)) for each in languages),
        ("priority", (None, priority)),
        ("source_language", (None, "en")),
    ]
    created.append(http.post("/jobs/", files=form))
    for answer, source_type in zip(created, ("text", "url", "file"), strict=True):
        assert answer.status_code == 201, answer.text
        job = ended(http, f"/jobs/{answer.json()['id']}/", "completed", "failed")
        assert job["status"] == "completed", job
        assert (job["source_type"], job["priority"]) == (source_type, priority)
        data = http.get(f"/jobs/{job['id']}/result/").json()["result_data"]
        assert data.keys() == set(languages)
        if source_type == "url":
            # A page is no text: the answer says where it is.
            downloaded = http.get(data["pt"])
            assert downloaded.headers["content-disposition"].startswith("attachment")
            assert "<p>" in downloaded.text
        else:
            assert "moinho" in data["pt"].lower()


@pytest.mark.row("S0.3")
def test_job_fails_with_its_reason_when_the_file_is_damaged(http: httpx.Client) -> None:
    form: list[Part] = [
        ("source_file", ("letter.docx", b"PK\x03\x04 and nothing more", "application/zip")),
        ("target_languages", (None, "pt")),
    ]
    job_id = http.post("/jobs/", files=form).json()["id"]
    failed = ended(http, f"/jobs/{job_id}/", "completed", "failed")
    assert failed["status"] == "failed"
    assert failed["error_message"].startswith("DOCUMENT_DAMAGED"), failed
    assert failed["finished_at"] is not None
    assert http.get(f"/jobs/{job_id}/result/").json()["reason"] == "NO_RESULT"


@pytest.mark.row("S0.3")
def test_job_is_cancelled_when_asked_while_it_runs(http: httpx.Client) -> None:
    body = {
        "source_text": SENTENCE * 3000,
        "source_language": "en",
        "target_languages": ["pt"],
    }
    job_id = http.post("/jobs/", json=body).json()["id"]
    ended(http, f"/jobs/{job_id}/", "in_progress")
    cancelled = http.post(f"/jobs/{job_id}/cancel/")
    assert cancelled.status_code == 200, cancelled.text
    assert cancelled.json() == {"status": "cancelled"}
    assert http.get(f"/jobs/{job_id}/").json()["status"] == "cancelled"
    assert http.get(f"/jobs/{job_id}/result/").status_code == 404
    assert http.post(f"/jobs/{job_id}/cancel/").json() == {"status": "cancelled"}


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"source_text": "Hello", "target_languages": []}, "target_languages"),
        ({"source_text": "", "target_languages": ["pt"]}, "source_text"),
        ({"source_type": "url", "target_languages": ["pt"]}, "source_url"),
        ({"source_type": "file", "target_languages": ["pt"]}, "source_file"),
        ({"source_type": "fax", "target_languages": ["pt"]}, "source_type"),
        ({"source_text": "Hello", "target_languages": ["pt"], "priority": "high"}, "priority"),
        ({"source_text": "Hello"}, "target_languages"),
    ],
)
def test_field_is_named_in_the_dialects_words_when_it_is_wrong(
    http: httpx.Client, body: dict[str, object], field: str
) -> None:
    refused = http.post("/jobs/", json=body)
    assert refused.status_code == 400, refused.text
    # What clients of that framework look at.
    assert refused.json()["detail"]
    assert any(field in each["field"] for each in refused.json()["violations"]), refused.text


def test_caller_is_refused_when_the_token_is_missing_wrong_or_anothers(
    edge: Edge, http: httpx.Client, tmp_path_factory: pytest.TempPathFactory
) -> None:
    body = {"source_text": "Hello", "source_language": "en", "target_languages": ["pt"]}
    job_id = http.post("/jobs/", json=body).json()["id"]
    stranger = edge.stack.new_token("stranger", tmp_path_factory.mktemp("tokens") / "token")
    # The guest's token is not for dialects that have credentials of their own.
    for authorization, status in (
        ("", 401),
        ("Token wrong", 401),
        ("Basic eDp5", 401),
        (f"Token {stranger}", 404),
        (f"Bearer {edge.stack.token}", 200),
    ):
        with edge.client(authorization) as caller:
            assert caller.get(f"/jobs/{job_id}/").status_code == status
