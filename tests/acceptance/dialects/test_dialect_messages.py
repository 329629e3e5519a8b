"""The messages dialect, whole: its curl lines, its queues, and a key that is told to nobody."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.acceptance.dialects.conftest import Edge, ended
from tests.engine_stubs.stub_server import Reply

ADD = """curl -X POST "http://localhost:8000/messages" \\
  -H "Content-Type: application/json" \\
  -d '{
    "content": "Hello world! This text needs to be translated.",
    "model_name": "gpt-4",
    "api_key": "your-api-key-here",
    "priority": 10,
    "metadata": {
      "source_language": "en",
      "target_language": "fr",
      "domain": "general"
    }
  }'
"""
CHECK = 'curl -X GET "http://localhost:8000/messages/{message_id}"\n'
SENTENCE = "The wheel of the mill turns day and night. "


@pytest.fixture
def http(edge: Edge) -> Iterator[httpx.Client]:
    with edge.client() as http:
        yield http


def files_of(edge: Edge) -> list[Path]:
    """Logs, artifacts, and what PostgreSQL and Valkey have written."""
    found = [each for each in edge.stack.home.rglob("*") if each.is_file()]
    assert len(found) > 100
    return found


def message(content: str, **more: object) -> dict[str, object]:
    return {
        "content": content,
        "metadata": {"source_language": "en", "target_language": "pt"},
        **more,
    }


@pytest.mark.row("S1.1", "S1.8")
def test_message_is_translated_by_its_model_when_the_curl_lines_are_run(
    edge: Edge, http: httpx.Client
) -> None:
    status, added = edge.curl(ADD)
    assert status == 200, added
    done = ended(http, f"/messages/{added['id']}", "completed", "failed")
    assert done["status"] == "completed", done
    status, checked = edge.curl(CHECK, message_id=added["message_id"])
    assert (status, checked) == (200, done)
    assert checked["queue"] == "high_priority"
    assert checked["priority"] == 10
    assert checked["model_name"] == "gpt-4"
    assert checked["content"] == "Hello world! This text needs to be translated."
    assert checked["metadata"] == {
        "source_language": "en",
        "target_language": "fr",
        "domain": "general",
    }
    assert "«" in checked["result"]
    assert "your-api-key-here" not in str(added) + str(checked)
    asked = edge.chat.posts()[-1]
    assert asked.headers["authorization"] == "Bearer your-api-key-here"
    assert asked.json["model"] == "gpt-4"
    # The key was for the model alone.
    assert [str(path) for path in files_of(edge) if b"your-api-key-here" in path.read_bytes()] == []
    assert '"general"' in asked.json["messages"][-1]["content"]


@pytest.mark.row("S1.3")
@pytest.mark.parametrize(
    ("priority", "queue", "native"),
    [(0, "default", "normal"), (4, "default", "normal"), (5, "high_priority", "urgent")],
)
def test_message_waits_in_the_queue_of_its_priority_when_added(
    edge: Edge, http: httpx.Client, priority: int, queue: str, native: str
) -> None:
    added = http.post("/messages", json=message("The mill.", priority=priority)).json()
    assert added["queue"] == queue
    with edge.client(f"Bearer {edge.stack.token}") as owner:
        assert owner.get(f"/v1/jobs/{added['id']}").json()["priority"] == native
    assert ended(http, f"/messages/{added['id']}", "completed")["priority"] == priority


@pytest.mark.row("S1.2")
def test_every_route_tells_what_is_so_when_messages_wait_and_run(http: httpx.Client) -> None:
    assert http.get("/").json()["status"] == "healthy"
    # Two worker processes are busy with these; what comes after them waits.
    busy = [
        http.post("/messages", json=message(SENTENCE * 800, priority=9)).json()["id"]
        for _ in range(4)
    ]
    first, second = (
        http.post("/messages", json=message(f"The mill number {number}.")).json()["id"]
        for number in (1, 2)
    )
    upcoming = http.get("/messages/next").json()
    assert upcoming["status"] == "pending"
    # It was shown, not taken.
    assert upcoming["id"] in {*busy, first}
    running = http.post("/messages/process").json()
    assert running["status"] in {"processing", "pending"}
    assert http.post("/messages/process", json={"message_id": second}).json()["id"] == second
    stats = http.get("/queue/stats").json()
    assert stats["queues"].keys() == {"high_priority", "default"}
    assert stats["total_pending"] + stats["total_processing"] >= 1

    cancelled = http.post(f"/messages/{second}/status", json={"status": "cancelled"})
    assert cancelled.json()["status"] == "cancelled", cancelled.text
    for word in ("completed", "failed", "processing"):
        refused = http.post(f"/messages/{second}/status", json={"status": word})
        assert refused.status_code == 409
        assert refused.json()["reason"] == "STATUS_NOT_SETTABLE"
    again = http.post(f"/messages/{second}/status", json={"status": "pending"}).json()
    assert again["id"] != second
    for each in busy:
        http.post(f"/messages/{each}/status", json={"status": "cancelled"})
    assert ended(http, f"/messages/{again['id']}", "completed", "failed")["result"]
    assert ended(http, f"/messages/{first}", "completed", "failed")["result"]
    refused = http.get("/messages/next")
    assert refused.status_code == 404
    assert refused.json()["reason"] == "NO_PENDING_MESSAGE"


def test_error_is_told_when_the_model_refuses_the_key(edge: Edge, http: httpx.Client) -> None:
    edge.chat.script(lambda request: Reply(401, body=b'{"error": {"message": "no"}}'))
    added = http.post("/messages", json=message("A refused one.", model_name="m", api_key="k"))
    failed = ended(http, f"/messages/{added.json()['id']}", "completed", "failed")
    assert failed["status"] == "failed"
    assert failed["result"] is None
    assert failed["error"]
    again = f"/messages/{failed['id']}/status"
    # The key went with the message's end.
    assert http.post(again, json={"status": "pending"}).json()["reason"] == "SECRET_GONE"
    renewed = http.post(again, json={"status": "pending", "api_key": "k2"}).json()
    assert ended(http, f"/messages/{renewed['id']}", "completed", "failed")["result"]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"priority": 11}, "priority"),
        ({"priority": -1}, "priority"),
        ({"content": ""}, "content"),
        ({"metadata": {"target_language": "en-en-en-en-en"}}, "metadata.target_language"),
        ({"metadata": {}}, "metadata.target_language"),
        ({"metadata": {"target_language": "pt", "note": "x" * 300}}, "metadata.note"),
        ({"api_key": "k"}, "model_name"),
        ({"sender": "me"}, "sender"),
    ],
)
def test_field_is_named_in_the_dialects_words_when_it_is_wrong(
    http: httpx.Client, change: dict[str, object], field: str
) -> None:
    refused = http.post("/messages", json={**message("The mill."), **change})
    assert refused.status_code == 400, refused.text
    assert field in {each["field"] for each in refused.json()["violations"]}, refused.text


def test_guest_is_refused_when_a_page_of_another_site_sends_the_request(
    edge: Edge, http: httpx.Client
) -> None:
    for headers in (
        {"origin": "https://elsewhere.example"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site", "origin": edge.stack.http},
    ):
        refused = http.post("/messages", json=message("The mill."), headers=headers)
        assert refused.status_code == 401, headers
    assert http.get("/v1/jobs").status_code == 401
