"""What was done once is not done again, through every process and every door."""

import json
import subprocess
from pathlib import Path

import httpx
import pytest

from babelmill.client import Client
from babelmill.client.errors import BabelmillError
from babelmill.jobs.v1 import job_pb2
from tests.acceptance.conftest import BIN, Stack
from tests.unit.media_worker.media_clips import make_clip, sound

JOB_SECONDS = 60.0


@pytest.mark.row("B9")
def test_same_work_is_not_done_twice_when_its_results_may_be_reused(
    client: Client, stack: Stack, tmp_path: Path
) -> None:
    clip = make_clip(tmp_path / "tone.wav", *sound(2))
    first = client.wait(client.transcode(clip, preset="mp3").job_id, timeout_seconds=JOB_SECONDS)
    assert first.state == job_pb2.JOB_STATE_COMPLETED

    # By gRPC: completed when the call returns, and nothing has run for it.
    again = client.transcode(clip, preset="mp3", reuse_results=True)
    assert (again.state, again.reused_job_id) == (job_pb2.JOB_STATE_COMPLETED, first.job_id)
    assert (len(again.steps), again.attempts, again.HasField("usage")) == (0, 0, False)
    assert client.wait(again.job_id, timeout_seconds=5).progress.percent == 100
    other = client.transcode(clip, preset="mp3")
    assert not other.reused_job_id

    # By HTTP.
    source = client.upload(clip)
    spec = {"transcode": {"artifact_id": source.artifact_id, "preset": "mp3"}}
    answer = httpx.post(
        f"{stack.http}/v1/jobs",
        json={"spec": spec, "reuse_results": True},
        headers={"Authorization": f"Bearer {stack.token}"},
    )
    assert answer.status_code == 201, answer.text
    by_http = answer.json()
    assert by_http["state"] == "completed"
    assert by_http["reused_job_id"]

    # By the command line.
    said = subprocess.run(
        [
            *(BIN / "babelmill", "transcode", clip, "--preset", "mp3", "--reuse"),
            *("--json", "--output", tmp_path / "out.mp3"),
        ],
        env=stack.environment(),
        capture_output=True,
        text=True,
        check=True,
        timeout=JOB_SECONDS,
    )
    assert json.loads(said.stdout)["reused_job_id"]

    # Whoever deletes the first job, the others' files stay.
    client.wait(other.job_id, timeout_seconds=JOB_SECONDS)
    client.delete_job(first.job_id)
    with pytest.raises(BabelmillError):
        client.download(first.targets[0].outputs[0], tmp_path / "gone.mp3")
    (output,) = again.targets[0].outputs
    assert output.digest == first.targets[0].outputs[0].digest
    kept = client.download(output, tmp_path / "kept.mp3")
    assert kept.read_bytes() == (tmp_path / "out.mp3").read_bytes()
