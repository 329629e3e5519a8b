"""Work that was broken off: by a kill, or by its time limit. None of it is done twice."""

import hashlib
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from babelmill.client import Client
from babelmill.client.errors import InvalidArgument
from babelmill.jobs.v1 import job_pb2
from babelmill.stack.environment import read_environment
from tests.acceptance.conftest import Stack, make_clip, run_stack, stack_environment
from tests.acceptance.test_media import ffmpeg_processes
from tests.acceptance.test_translation import SENTENCES, long_text
from tests.collector import Collector, ReceivedSpan
from tests.deadlines import eventually

pytestmark = pytest.mark.alone

CHUNK_CHARACTERS = 2000
TRANSLATE_SECONDS = 3.0
# A longer text is cut into steps, each of which would have that time.
LONGEST_TEXT_BYTES = 39_000
TRANSCODE_SECONDS = 3


def repetitive_text(size_bytes: int) -> str:
    """Paragraphs that differ, each with sentences that the text has had before."""
    paragraphs = long_text(size_bytes).split("\n\n")
    return "\n\n".join(f"{paragraph} {' '.join(SENTENCES)}" for paragraph in paragraphs)


def children(stack: Stack, member: str) -> list[psutil.Process]:
    """The processes of a worker that run its handlers."""
    found = []
    for each in psutil.Process(stack.pid(member)).children():
        # One that was killed may not have been waited for yet.
        with suppress(psutil.NoSuchProcess):
            if "spawn_main" in " ".join(each.cmdline()):
                found.append(each)
    return found


def digests(client: Client, job: job_pb2.Job, directory: Path) -> dict[str, str]:
    """What each output of a job holds, by its name."""
    found = {}
    for target in job.targets:
        for output in target.outputs:
            path = client.download(output, directory / f"{job.job_id}-{output.filename}")
            found[f"{target.key}/{output.filename}"] = hashlib.sha256(path.read_bytes()).hexdigest()
    return found


def attempts(collector: Collector, job: job_pb2.Job) -> list[ReceivedSpan]:
    """The spans of the attempts that have lived to tell."""
    return [
        span
        for span in collector.trace(job.trace_id)
        if span.name == "step.attempt" and "babelmill.checkpoints_written" in span.attributes
    ]


def counted(spans: list[ReceivedSpan], what: str) -> list[int]:
    return [int(span.attributes[f"babelmill.checkpoints_{what}"]) for span in spans]


@pytest.mark.row("S2.7", "S2.8", "S0.5")
def test_output_is_the_same_and_no_chunk_repeated_when_the_worker_is_killed_in_the_middle(
    client: Client, stack: Stack, collector: Collector, tmp_path: Path
) -> None:
    text = repetitive_text(16_000)
    # Spanish by way of Portuguese: both engines, one of them in processes of its own.
    calm = client.wait(translate(client, text).job_id, timeout_seconds=120)
    job = translate(client, text)
    half = len(text) / 2
    eventually(lambda: client.get_job(job.job_id).progress.done > half, timeout_seconds=120)
    done_before = client.get_job(job.job_id).progress.done
    for child in children(stack, "translation_worker"):
        child.kill()
    killed = client.wait(job.job_id, timeout_seconds=120)

    assert (calm.state, killed.state) == (job_pb2.JOB_STATE_COMPLETED,) * 2
    assert (calm.attempts, killed.attempts) == (1, 2)
    assert digests(client, killed, tmp_path) == digests(client, calm, tmp_path)
    (whole,) = eventually(lambda: attempts(collector, calm))
    (rest,) = eventually(lambda: attempts(collector, killed))
    (chunks,) = counted([whole], "written")
    assert chunks >= len(text) // (2 * CHUNK_CHARACTERS)
    assert counted([whole], "reused") == [0]
    # Every chunk that was reported as done was taken over, and only the rest was made.
    (reused,), (written,) = counted([rest], "reused"), counted([rest], "written")
    assert reused + written == chunks
    assert reused >= done_before // (1.2 * CHUNK_CHARACTERS)


def translate(client: Client, text: str) -> job_pb2.Job:
    """Into Spanish where Apertium is installed, into Portuguese otherwise."""
    try:
        return client.translate_text(text, source="en", targets=["es"])
    except InvalidArgument:
        return client.translate_text(text, source="en", targets=["pt"])


def test_no_program_of_an_engine_runs_on_when_a_frozen_worker_is_killed(
    client: Client, stack: Stack
) -> None:
    job = translate(client, repetitive_text(60_000))
    worker = psutil.Process(stack.pid("translation_worker"))

    def at_work() -> bool:
        # Apertium's programs, where it is installed; the children in any case.
        return client.get_job(job.job_id).progress.done > CHUNK_CHARACTERS

    eventually(at_work, timeout_seconds=60)
    family = worker.children(recursive=True)
    assert len(family) > len(children(stack, "translation_worker"))
    worker.suspend()
    worker.kill()
    eventually(lambda: not any(map(runs, family)), timeout_seconds=2)

    client.cancel_job(job.job_id)
    # The stack has started another; work goes on with it.
    after = client.translate_text("The river is free again.", source="en", targets=["pt"])
    done = client.wait(after.job_id, timeout_seconds=90)
    assert done.state == job_pb2.JOB_STATE_COMPLETED
    assert stack.pid("translation_worker") != worker.pid


def runs(process: psutil.Process) -> bool:
    with suppress(psutil.NoSuchProcess):
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    return False


@pytest.fixture(scope="module")
def hasty_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A stack whose steps may take a few seconds only."""
    home = tmp_path_factory.mktemp("hasty")
    environment = stack_environment(
        home,
        BABELMILL_TRANSLATE_TIMEOUT_SECONDS=str(TRANSLATE_SECONDS),
        BABELMILL_TRANSCODE_TIMEOUT_SECONDS=str(TRANSCODE_SECONDS),
    )
    started = run_stack("up", environment)
    try:
        assert started.returncode == 0, started.stdout + started.stderr
        yield Stack(home, read_environment(home))
    finally:
        run_stack("down", environment)


@pytest.fixture
def hasty_client(hasty_stack: Stack) -> Iterator[Client]:
    with Client(hasty_stack.grpc, hasty_stack.token) as client:
        yield client


def ended_attempts(client: Client, job_id: str) -> list[str]:
    """Why attempts at the job's steps have failed, in order."""
    return [
        event.step_state_changed.error.reason
        for event in client.list_events(job_id)
        if event.WhichOneof("fact") == "step_state_changed"
        and event.step_state_changed.HasField("error")
    ]


@pytest.mark.row("S2.4", "S2.7", "S0.5")
def test_text_is_finished_by_several_attempts_when_one_has_not_the_time(
    hasty_client: Client,
) -> None:
    """Each attempt has a few seconds; without checkpoints none would ever come to the end."""
    # Both children load their engines first.
    warm = [hasty_client.translate_text(f"Mill {n}.", source="en", targets=["pt"]) for n in "12"]
    for each in warm:
        hasty_client.wait(each.job_id, timeout_seconds=60)
    done = eventually(lambda: _done_by_several(hasty_client), timeout_seconds=120)

    assert done.state == job_pb2.JOB_STATE_COMPLETED
    assert set(ended_attempts(hasty_client, done.job_id)) == {"STEP_TIMEOUT"}


def _done_by_several(client: Client) -> job_pb2.Job | None:
    """Translate as much as one attempt and a half can do, by what this machine does now.

    None if it had become so fast that one was enough. It has five before it gives up.
    """
    sample = "\n\n".join(reversed(long_text(6_000).split("\n\n")))
    measured = client.translate_text(sample, source="en", targets=["pt"])
    measured = client.wait(measured.job_id, timeout_seconds=60)
    if measured.attempts > 1:
        # A machine so slow that the sample shows it; its seconds are those of the last attempt.
        return measured
    seconds = measured.usage.processing_seconds
    wanted = int(1.5 * TRANSLATE_SECONDS * len(sample) / seconds)
    text = long_text(min(wanted, LONGEST_TEXT_BYTES))
    job = client.translate_text(text, source="en", targets=["pt"])
    done = client.wait(job.job_id, timeout_seconds=150)
    return done if done.attempts > 1 else None


@pytest.mark.row("S2.4")
def test_encoder_is_stopped_when_the_time_is_up(
    hasty_client: Client, hasty_stack: Stack, tmp_path: Path
) -> None:
    # Of its length not made in segments, each of which would have that time.
    make_clip(tmp_path / "long.mkv", seconds=100, size="1280x720")
    job = hasty_client.transcode(tmp_path / "long.mkv", preset="mp4-h264")
    eventually(lambda: ffmpeg_processes(hasty_stack), timeout_seconds=60)

    eventually(lambda: ended_attempts(hasty_client, job.job_id), timeout_seconds=60)

    assert ended_attempts(hasty_client, job.job_id)[0] == "STEP_TIMEOUT"
    failed = hasty_client.get_job(job.job_id)
    assert failed.state == job_pb2.JOB_STATE_RETRY_WAIT
    assert ffmpeg_processes(hasty_stack) == []
    hasty_client.cancel_job(job.job_id)
    # The slot is free: something short is done in its time.
    make_clip(tmp_path / "short.mkv", seconds=1)
    after = hasty_client.transcode(tmp_path / "short.mkv", preset="mp3")
    done = hasty_client.wait(after.job_id, timeout_seconds=60)
    assert done.state == job_pb2.JOB_STATE_COMPLETED
