"""A worker that dies while several encode one video costs one segment, and not a byte."""

import os
import signal
from contextlib import suppress
from pathlib import Path

import pytest

from babelmill.client import requests
from babelmill.jobs.v1 import job_pb2
from babelmill.media.v1 import segments_pb2
from tests.deadlines import eventually
from tests.faults.history import RecordingClient
from tests.faults.house import FaultHouse
from tests.faults.service import Service
from tests.faults.table import FaultRow
from tests.unit.media_worker.media_clips import make_clip, picture, sound

SECONDS = 8
SEGMENT_SECONDS = 2.0
ENCODES = [f"encode[{number}]" for number in (1, 2, 3, 4)]


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight seconds, with a key picture in each, like those of a camera."""
    return make_clip(
        tmp_path_factory.mktemp("clips") / "clip.mp4",
        *picture(SECONDS, "640x360", "30"),
        *sound(SECONDS),
        *("-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-g", "30"),
        *("-c:a", "aac"),
    )


def in_segments(artifact_id: str) -> job_pb2.JobSpec:
    cut = segments_pb2.Segments(mode=segments_pb2.SEGMENTS_MODE_ON, length_seconds=SEGMENT_SECONDS)
    return requests.transcode_spec(artifact_id, "mp4-h264", segments=cut)


def hold_in_encode(house: FaultHouse, worker: Service) -> bool:
    """Stop the worker's encoder in the middle of a segment; False where there is none."""
    for pid in worker.programs():
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGSTOP)
            if encodes(house, worker):
                return True
            os.kill(pid, signal.SIGCONT)
    return False


def encodes(house: FaultHouse, worker: Service) -> bool:
    """Whether what a worker does now is a segment."""
    return bool(
        house.sql(
            "SELECT 1 FROM steps WHERE state = 'IN_PROGRESS' AND kind = 'encode_segment'"
            " AND worker_id LIKE %s",
            [f"%:{worker.pid}"],
        )
    )


def outcome(house: FaultHouse, client: RecordingClient, job_id: str) -> tuple[str, dict[str, int]]:
    """The digest of a job's output, and the attempts of its steps."""
    house.wait_for_state(job_id, "COMPLETED", timeout_seconds=120)
    job = client.client.get_job(job_id)
    (output,) = job.targets[0].outputs
    attempts = house.sql("SELECT name, attempt FROM steps WHERE job_id = %s", [job_id])
    return output.digest.sha256, {str(name): int(attempt) for name, attempt in attempts}


@pytest.mark.fault(8)
def test_one_segment_is_repeated_and_the_video_is_the_same_when_an_encoding_worker_is_killed(
    house: FaultHouse, row: FaultRow, clip: Path
) -> None:
    """I1, I2, I5: what the others have encoded is kept; the result is that of a calm run."""
    house.job_service(settings={"segments_from_seconds": 4, "segment_seconds": SEGMENT_SECONDS})
    one = {"worker_concurrency": 1}
    victim, heir = house.media_worker(settings=one), house.media_worker(settings=one)
    client, watchers = house.client(), house.watchers()
    artifact_id = client.client.upload(clip).artifact_id

    # Long enough for this service to be cut without being asked for it.
    job_id = client.submit(requests.transcode_spec(artifact_id, "mp4-h264"))
    watchers.watch(job_id)
    eventually(lambda: hold_in_encode(house, victim), timeout_seconds=60, interval_seconds=0.01)
    victim.kill()
    digest, attempts = outcome(house, client, job_id)
    calm_id = client.submit(in_segments(artifact_id))
    watchers.watch(calm_id)
    calm_digest, calm_attempts = outcome(house, client, calm_id)
    watchers.wait_for_all()

    assert heir.alive
    assert calm_attempts == dict.fromkeys(["split", *ENCODES, "join"], 1)
    assert sorted(attempts) == sorted(calm_attempts)
    repeated = [name for name, times in attempts.items() if times > 1]
    assert len(repeated) == 1
    assert repeated[0] in ENCODES
    assert attempts[repeated[0]] == 2
    assert digest == calm_digest
    row.note("of a video in segments, one is encoded again")
    assert row.judge(house).duplicate_executions == 1
