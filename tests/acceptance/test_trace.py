"""One job, one trace: every hop is there and no span is an orphan."""

from pathlib import Path

import httpx
import pytest

from babelmill.client import Client
from tests.acceptance.conftest import Stack
from tests.collector import Collector, ReceivedSpan
from tests.deadlines import eventually


def whole_trace(collector: Collector, trace_id: str, services: set[str]) -> list[ReceivedSpan]:
    """Wait until the services' spans are there and every parent has arrived."""

    def complete() -> list[ReceivedSpan]:
        spans = collector.trace(trace_id)
        ids = {span.span_id for span in spans}
        assert services <= {span.service for span in spans}
        orphans = [(s.service, s.name) for s in spans if s.parent_id and s.parent_id not in ids]
        assert orphans == []
        return spans

    return eventually(complete, timeout_seconds=30)


def ancestors(span: ReceivedSpan, spans: list[ReceivedSpan]) -> list[ReceivedSpan]:
    by_id = {s.span_id: s for s in spans}
    line = []
    while span.parent_id:
        span = by_id[span.parent_id]
        line.append(span)
    return line


def completions(spans: list[ReceivedSpan]) -> list[ReceivedSpan]:
    """The job service's spans of an outcome that came in."""
    return [s for s in spans if s.service == "job_service" and s.name.endswith("CompleteStep")]


@pytest.mark.row("C6")
def test_trace_joins_every_hop_when_job_enters_by_http(
    stack: Stack, collector: Collector, client: Client
) -> None:
    created = httpx.post(
        f"{stack.http}/v1/jobs",
        headers={"authorization": f"Bearer {stack.token}"},
        json={
            "spec": {
                "translate_text": {
                    "text": "The trace is one line.",
                    "source_language": "en",
                    "target_languages": ["pt"],
                }
            }
        },
        timeout=30,
    )
    assert created.status_code == 201, created.text
    job_id = created.json()["job_id"]
    trace_id = client.wait(job_id, timeout_seconds=30).trace_id

    def reported() -> list[ReceivedSpan]:
        spans = whole_trace(collector, trace_id, {"gateway", "job_service", "translation_worker"})
        return spans if completions(spans) else []

    # A service sends its spans when it has some, so what comes last may be here before others.
    spans = eventually(reported)
    roots = [span for span in spans if not span.parent_id]
    assert [root.service for root in roots] == ["gateway"]
    (attempt,) = [s for s in spans if s.name == "step.attempt"]
    assert attempt.service == "translation_worker"
    line = [(s.service, s.name) for s in ancestors(attempt, spans)]
    assert ("job_service", "step.publish") in line
    assert line[-1][0] == "gateway"
    # The worker's outcome comes back to the job service below the attempt.
    assert attempt in ancestors(completions(spans)[0], spans)


@pytest.mark.row("C6")
def test_trace_is_one_when_cli_submits_media(
    stack: Stack, collector: Collector, client: Client, clip: Path, tmp_path: Path
) -> None:
    import json
    import subprocess

    from tests.acceptance.conftest import BIN

    finished = subprocess.run(
        [
            BIN / "babelmill",
            *("transcode", clip, "--preset", "mp3", "--output", tmp_path / "a.mp3", "--json"),
        ],
        env=stack.environment(),
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert finished.returncode == 0, finished.stderr
    trace_id = json.loads(finished.stdout.strip().splitlines()[-1])["trace_id"]

    spans = whole_trace(collector, trace_id, {"babelmill-cli", "job_service", "media_worker"})

    assert [s.service for s in spans if not s.parent_id] == ["babelmill-cli"]
    assert {"step.publish", "step.attempt"} <= {s.name for s in spans}
