"""Translation through every process, watched as a user would."""

import json
from pathlib import Path

import pytest

from babelmill.client import Client
from babelmill.client.errors import InvalidArgument
from babelmill.jobs.v1 import job_pb2, progress_pb2
from tests.deadlines import eventually

SENTENCES = (
    "The mill grinds slowly but it grinds fine.",
    "Every job survives the death of any process.",
    "Please open the file {name} before %d o'clock and visit https://example.org/a?b=c.",
    "Nobody loses a letter when the river rises.",
)


def long_text(size_bytes: int) -> str:
    """Paragraphs that differ, so that no cache makes the work disappear."""
    parts: list[str] = []
    size = 0
    while size < size_bytes:
        number = len(parts)
        paragraph = f"Chapter {number}. " + " ".join(
            f"{sentence[:-1]}, said miller number {number + i}."
            for i, sentence in enumerate(SENTENCES[:2])
        )
        parts.append(paragraph)
        size += len(paragraph) + 2
    return "\n\n".join(parts)


@pytest.mark.row("C3", "C5")
def test_text_comes_back_in_portuguese_when_submitted(client: Client) -> None:
    job = client.translate_text(" ".join(SENTENCES), source="en", targets=["pt"])
    assert job.state in {job_pb2.JOB_STATE_PENDING, job_pb2.JOB_STATE_QUEUED}

    done = client.wait(job.job_id, timeout_seconds=60)

    assert done.state == job_pb2.JOB_STATE_COMPLETED
    text = client.job_text(done, "pt")
    assert "moinho" in text.lower()
    for kept in ("{name}", "%d", "https://example.org/a?b=c"):
        assert kept in text
    assert done.usage.processing_seconds > 0
    assert done.progress.percent == 100
    times = [done.create_time, done.queue_time, done.start_time, done.finish_time]
    assert [t.ToNanoseconds() for t in times] == sorted(t.ToNanoseconds() for t in times)


@pytest.mark.row("S0.4", "B2")
def test_progress_grows_steadily_when_text_is_long(client: Client, tmp_path: Path) -> None:
    source = tmp_path / "long.txt"
    source.write_text(long_text(30_000))
    artifact = client.upload(source, media_type="text/plain")
    job = client.translate_text(artifact=artifact.artifact_id, source="en", targets=["pt"])

    seen = []
    for update in client.watch_job(job.job_id):
        progress = getattr(update, "progress", None)
        if progress is not None and progress.total:
            assert progress.unit == progress_pb2.PROGRESS_UNIT_CHARACTERS
            seen.append((progress.done, progress.percent))
    done = client.get_job(job.job_id)

    assert done.state == job_pb2.JOB_STATE_COMPLETED
    assert len(seen) >= 5
    assert seen == sorted(seen)
    assert all(percent < 100 for _, percent in seen[:-1])
    # The result is an artifact of its own, not a field of the job.
    (target,) = done.targets
    assert not target.HasField("text")
    result = client.download(target.outputs[0], tmp_path / "result.txt").read_text()
    assert result.count("\n\n") == source.read_text().count("\n\n")
    assert len(result) > 0.7 * len(source.read_text())


@pytest.mark.row("B3")
def test_work_stops_when_cancelled_in_the_middle(client: Client) -> None:
    job = client.translate_text(long_text(150_000), source="en", targets=["pt"])
    eventually(lambda: client.get_job(job.job_id).progress.done > 0)

    client.cancel_job(job.job_id)
    done = client.wait(job.job_id, timeout_seconds=20)

    assert done.state == job_pb2.JOB_STATE_CANCELLED
    assert done.progress.percent < 100
    # No worker is busy with it: the next job is not kept waiting.
    after = client.translate_text("The river is free again.", source="en", targets=["pt"])
    assert client.wait(after.job_id, timeout_seconds=20).state == job_pb2.JOB_STATE_COMPLETED


def test_existing_pairs_are_listed_when_pair_is_unknown(client: Client) -> None:
    with pytest.raises(InvalidArgument) as refused:
        client.translate_text("Hello there", source="en", targets=["xh"])

    assert refused.value.reason == "UNSUPPORTED_LANGUAGE_PAIR"
    assert refused.value.violations[0].field == "spec.translate_text.target_languages[0]"
    said = json.dumps(dict(refused.value.metadata)) + str(refused.value)
    assert "en-pt" in said or "en→pt" in said or "en>pt" in said


@pytest.mark.row("S3.2")
def test_job_is_the_same_when_request_id_is_used_again(client: Client) -> None:
    first = client.translate_text("Once only.", source="en", targets=["pt"], request_id="once")
    again = client.translate_text("Once only.", source="en", targets=["pt"], request_id="once")

    assert again.job_id == first.job_id
    assert client.wait(first.job_id, timeout_seconds=30).attempts == 1
