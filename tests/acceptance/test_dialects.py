"""The dialects, driven by the curl lines and bodies of the documents that they come from."""

import json
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from reportlab.pdfgen import canvas  # type: ignore[import-untyped] # published without types

from babelmill.stack.environment import read_environment
from tests.acceptance.conftest import Stack, run_stack, stack_environment
from tests.collector import Collector
from tests.deadlines import eventually
from tests.engine_stubs.chat_stub import ChatStub

_WITH_STATUS = "curl() { command curl -sS -w '\\n%{http_code}' \"$@\"; }\n"


@dataclass(frozen=True)
class Edge:
    """A stack whose gateway speaks the dialects, as its own clients reach it."""

    stack: Stack
    chat: ChatStub

    def curl(self, line: str, **placeholders: str) -> tuple[int, Any]:  # Any: a JSON document
        """Run a line as its document has it, but for the address and what stands in braces."""
        line = line.replace("http://localhost:8000", self.stack.http)
        for name, value in placeholders.items():
            line = line.replace(f"{{{name}}}", value)
        done = subprocess.run(
            ["bash", "-c", _WITH_STATUS + line],
            env={**self.stack.environment(), "TOKEN": self.stack.token},
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert done.returncode == 0, done.stderr
        body, _, status = done.stdout.rpartition("\n")
        return int(status), json.loads(body) if body[:1] in "[{" else body

    def get(self, path: str, **placeholders: str) -> Any:  # Any: a JSON document
        status, body = self.curl(
            f'curl -H "Authorization: Token $TOKEN" "http://localhost:8000{path}"', **placeholders
        )
        assert status == 200, body
        return body


@pytest.fixture(scope="module")
def edge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Edge]:
    home = tmp_path_factory.mktemp("edge")
    collector = Collector()
    with ChatStub() as chat:
        environment = stack_environment(
            home,
            BABELMILL_OTLP_ENDPOINT=collector.endpoint,
            BABELMILL_CHAT_HOSTS=f"127.0.0.1:{chat.port}",
            BABELMILL_FETCH_HOSTS="localhost",
            BABELMILL_GATEWAY_CHAT_BASE_URL=chat.base_url,
            BABELMILL_GATEWAY_GUEST_TOKEN_FILE=str(home / "client.token"),
        )
        started = run_stack("up", environment)
        try:
            assert started.returncode == 0, started.stdout + started.stderr
            yield Edge(Stack(home, read_environment(home)), chat)
        finally:
            stopped = run_stack("down", environment)
            collector.stop()
    assert stopped.returncode == 0, stopped.stdout + stopped.stderr


@pytest.mark.row("S0.2", "S0.3")
def test_django_client_gets_its_translation_when_it_speaks_as_before(edge: Edge) -> None:
    status, created = edge.curl(
        """curl -X POST http://localhost:8000/jobs/ \\
  -H "Authorization: Token $TOKEN" -H "Content-Type: application/json" \\
  -d '{
  "source_type": "text",
  "source_text": "Hello world",
  "source_language": "en",
  "target_languages": ["pt"],
  "priority": "normal"
}'"""
    )
    assert status == 201, created
    assert created.keys() == {"id", "status"}
    assert created["status"] in {"queued", "in_progress"}
    job_id = created["id"]

    def ended() -> Any:
        job = edge.get(f"/jobs/{job_id}/")
        return job if job["status"] == "completed" else None

    job = eventually(ended, timeout_seconds=60)
    assert job["progress"] == 100
    assert job["priority"] == "normal"
    assert job["submitted_at"] <= job["started_at"] <= job["finished_at"]
    assert job["error_message"] is None
    result = edge.get(f"/jobs/{job_id}/result/")
    assert result["job"] == job_id
    assert result["result_data"].keys() == {"pt"}
    assert "mundo" in result["result_data"]["pt"].lower()


def draw(path: Path) -> None:
    page = canvas.Canvas(str(path))
    page.drawString(72, 700, "The miller opens the door.")
    page.save()


def test_document_comes_back_when_it_is_uploaded_in_the_pdf_dialect(
    edge: Edge, tmp_path: Path
) -> None:
    draw(tmp_path / "page.pdf")
    status, created = edge.curl(
        "curl -F file=@{page} -F source_language=en -F target_language=pt -F tone=formal "
        "http://localhost:8000/api/v1/upload",
        page=str(tmp_path / "page.pdf"),
    )
    assert status == 200, created
    seen = []

    def ended() -> Any:
        job = edge.get("/api/v1/status/{job_id}", job_id=created["job_id"])
        seen.append(job["status"])
        return job if job["status"] in {"COMPLETED", "FAILED"} else None

    job = eventually(ended, timeout_seconds=60)
    assert job["status"] == "COMPLETED", job
