"""What happens to jobs after their end, through every process: brought back, deleted, expired."""

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import imageio_ffmpeg
import pytest

from babelmill.client import Client
from babelmill.client.errors import FailedPrecondition, NotFound, ResultExpired
from babelmill.jobs.v1 import job_pb2, step_pb2
from babelmill.stack.environment import read_environment
from tests.acceptance.conftest import Stack, run_stack, stack_environment
from tests.acceptance.test_cli import babelmill
from tests.deadlines import eventually

RESULT_SECONDS = 8.0
FIVE_ATTEMPTS_SECONDS = 120.0


@dataclass(frozen=True)
class Workshop:
    """A stack that keeps results for seconds, with an encoder that can be taken away."""

    stack: Stack
    encoder: Path

    def take_encoder_away(self) -> None:
        self.encoder.rename(self.encoder.with_suffix(".away"))

    def bring_encoder_back(self) -> None:
        self.encoder.with_suffix(".away").rename(self.encoder)

    def files(self, place: str) -> list[Path]:
        """The files of the artifact store below a place."""
        start = self.stack.home / "artifacts" / place
        # A walk, unlike a glob, takes it well when folders vanish on the way.
        return [Path(folder, name) for folder, _, names in os.walk(start) for name in names]


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workshop]:
    home = tmp_path_factory.mktemp("workshop")
    encoder = tmp_path_factory.mktemp("encoder") / "ffmpeg"
    shutil.copy(imageio_ffmpeg.get_ffmpeg_exe(), encoder)
    environment = stack_environment(
        home,
        BABELMILL_FFMPEG=str(encoder),
        BABELMILL_RESULT_TTL_HOURS=str(RESULT_SECONDS / 3600),
    )
    started = run_stack("up", environment)
    try:
        assert started.returncode == 0, started.stdout + started.stderr
        yield Workshop(Stack(home, read_environment(home)), encoder)
    finally:
        stopped = run_stack("down", environment)
    assert stopped.returncode == 0, stopped.stdout + stopped.stderr


@pytest.fixture
def mill(workshop: Workshop) -> Iterator[Client]:
    with Client(workshop.stack.grpc, workshop.stack.token) as client:
        yield client


@pytest.fixture
def http(workshop: Workshop) -> Iterator[httpx.Client]:
    headers = {"authorization": f"Bearer {workshop.stack.token}"}
    with httpx.Client(base_url=workshop.stack.http, headers=headers, timeout=60) as http:
        yield http


def _waits_seconds(mill: Client, job_id: str) -> list[float]:
    """How long each failed attempt of a job's only step waited for the next."""
    waits: list[float] = []
    since = 0.0
    for event in mill.list_events(job_id):
        state = event.step_state_changed.state
        moment = event.event_time.ToDatetime().timestamp()
        if state == step_pb2.STEP_STATE_RETRY_WAIT:
            since = moment
        elif since and state == step_pb2.STEP_STATE_PENDING:
            waits.append(moment - since)
            since = 0.0
    return waits


@pytest.mark.row("S1.4", "S2.6")
def test_dead_letter_comes_back_when_its_encoder_is_there_again(
    workshop: Workshop, mill: Client, http: httpx.Client, clip: Path, tmp_path: Path
) -> None:
    workshop.take_encoder_away()
    job = mill.transcode(clip, "mp3", labels={"shelf": "a"}, priority="urgent")
    dead = mill.wait(job.job_id, timeout_seconds=FIVE_ATTEMPTS_SECONDS)
    assert dead.state == job_pb2.JOB_STATE_DEAD_LETTERED
    assert (dead.error.reason, dead.attempts) == ("ENGINE_UNAVAILABLE", 5)
    waits = _waits_seconds(mill, job.job_id)
    # At random up to a bound that doubles; the reaper may look a moment later.
    assert len(waits) == 4
    assert all(wait <= 2 * 2**number + 5 for number, wait in enumerate(waits)), waits

    (letter,) = mill.dead_letters()
    assert (letter.job_id, letter.kind, letter.attempts) == (job.job_id, "transcode", 5)
    assert letter.error == dead.error
    (over_http,) = http.get("/v1/dead-letters").json()["dead_letters"]
    assert over_http["error"]["reason"] == "ENGINE_UNAVAILABLE"
    listed = babelmill(workshop.stack, "dead-letters")
    assert listed.returncode == 0, listed.stderr
    assert listed.stdout.split("\t")[:3] == [job.job_id, "transcode", "5"]

    workshop.bring_encoder_back()
    replayed = babelmill(workshop.stack, "dead-letters", "replay", job.job_id)
    assert replayed.returncode == 0, replayed.stderr
    parent_id, replay_id, _ = replayed.stdout.split("\t")
    assert parent_id == job.job_id
    done = mill.wait(replay_id, timeout_seconds=60)
    assert done.state == job_pb2.JOB_STATE_COMPLETED
    assert (done.parent_job_id, done.labels["shelf"]) == (job.job_id, "a")
    assert done.priority == job_pb2.PRIORITY_URGENT
    sound = mill.download(done.targets[0].outputs[0], tmp_path / "sound.mp3")
    assert sound.stat().st_size > 10_000

    again = http.post("/v1/dead-letters:replay", json={"job_ids": [job.job_id]})
    assert [each["job_id"] for each in again.json()["jobs"]] == [replay_id]
    assert mill.get_job(job.job_id) == dead
    (letter,) = mill.dead_letters()
    assert list(letter.replay_job_ids) == [replay_id]
    with pytest.raises(FailedPrecondition) as refusal:
        mill.replay_dead_letters([replay_id])
    assert refusal.value.reason == "NOT_A_DEAD_LETTER"


@pytest.mark.row("S2.7")
def test_results_expire_and_their_job_is_still_told_of(
    workshop: Workshop, mill: Client, http: httpx.Client, clip: Path
) -> None:
    text = mill.translate_text("Good morning, miller.", "en", ["pt"])
    sound = mill.transcode(clip, "mp3")
    for job in (text, sound):
        assert mill.wait(job.job_id, 60).state == job_pb2.JOB_STATE_COMPLETED
    made = [
        output for job in (text, sound) for output in mill.get_job(job.job_id).targets[0].outputs
    ]
    assert len(made) == 2
    assert workshop.files(f"jobs/{sound.job_id}")

    eventually(
        lambda: not any(mill.get_job(job.job_id).targets[0].outputs for job in (text, sound)),
        timeout_seconds=RESULT_SECONDS + 20,
    )
    eventually(lambda: not workshop.files(f"jobs/{sound.job_id}"))
    for artifact in made:
        gone = http.get(f"/v1/artifacts/{artifact.artifact_id}/content")
        assert (gone.status_code, gone.json()["reason"]) == (410, "ARTIFACT_EXPIRED")
        with pytest.raises(NotFound) as refusal:
            mill.get_artifact(artifact.artifact_id)
        assert refusal.value.reason == "ARTIFACT_EXPIRED"
    with pytest.raises(ResultExpired):
        mill.job_text(text.job_id, "pt")
    download = babelmill(workshop.stack, "download", sound.job_id)
    assert download.returncode == 4
    assert "kept for its time" in download.stderr
    still_there = mill.get_job(sound.job_id)
    assert still_there.state == job_pb2.JOB_STATE_COMPLETED
    assert still_there.usage.processing_seconds > 0
    assert workshop.files("uploads")


def test_cancelled_job_is_made_anew_when_retried(stack: Stack, client: Client) -> None:
    text = "The wheel of the mill turns day and night. " * 4000
    job = client.translate_text(text, "en", ["pt"])
    client.cancel_job(job.job_id)
    assert client.wait(job.job_id, 60).state == job_pb2.JOB_STATE_CANCELLED

    retried = babelmill(stack, "retry", job.job_id)
    assert retried.returncode == 0, retried.stderr
    new_id = retried.stdout.strip()
    made = client.get_job(new_id)
    assert made.parent_job_id == job.job_id
    assert made.spec == client.get_job(job.job_id).spec
    babelmill(stack, "cancel", new_id, "--wait")

    short = client.translate_text("Good night.", "en", ["pt"])
    client.wait(short.job_id, 60)
    refused = babelmill(stack, "retry", short.job_id)
    assert (refused.returncode, "JOB_SUCCEEDED" in refused.stderr) == (4, True)


def test_nothing_is_left_when_a_job_is_deleted(stack: Stack, client: Client, clip: Path) -> None:
    job = client.transcode(clip, "mp3")
    with pytest.raises(FailedPrecondition) as refusal:
        client.delete_job(job.job_id)
    assert refusal.value.reason == "JOB_ACTIVE"
    done = client.wait(job.job_id, 60)
    place = stack.home / "artifacts" / "jobs" / job.job_id
    assert place.exists()

    deleted = babelmill(stack, "delete", job.job_id)
    assert deleted.returncode == 0, deleted.stderr
    assert not place.exists()
    with pytest.raises(NotFound):
        client.get_job(job.job_id)
    with pytest.raises(NotFound):
        client.get_artifact(done.targets[0].outputs[0].artifact_id)
    input_id = done.spec.transcode.artifact_id
    assert client.get_artifact(input_id).artifact_id == input_id
    assert babelmill(stack, "delete", job.job_id).returncode == 4


def test_queues_are_told_by_name(stack: Stack) -> None:
    listed = babelmill(stack, "queues")
    assert listed.returncode == 0, listed.stderr
    rows = [line.split("\t") for line in listed.stdout.splitlines()]
    names = [row[0] for row in rows]
    assert names == sorted(names)
    assert {"translation.urgent", "media.low"} <= set(names)
    assert all(row[1].isdigit() and row[2].isdigit() and float(row[4]) >= 0 for row in rows)
