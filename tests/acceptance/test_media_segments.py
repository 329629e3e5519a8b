"""A video in segments through every process: by program, by HTTP, by the command."""

import json
import subprocess
from pathlib import Path

import httpx
import pytest

from babelmill.client import Client, ProgressTick
from babelmill.jobs.v1 import job_pb2
from babelmill.media.v1 import segments_pb2
from media_worker.ffmpeg.media_info import StreamKind
from tests.acceptance.conftest import BIN, Stack, make_clip
from tests.unit.media_worker.media_clips import probe_clip

SECONDS = 6
FRAMES = SECONDS * 30
EVERY_TWO = segments_pb2.Segments(mode=segments_pb2.SEGMENTS_MODE_ON, length_seconds=2)
STEPS = ["split", "encode[1]", "encode[2]", "encode[3]", "join"]


@pytest.fixture(scope="module")
def small_clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("segments") / "small.mkv"
    make_clip(path, seconds=SECONDS, size="160x120")
    return path


def check_video(path: Path) -> None:
    """All frames of the clip, and its sound beside them."""
    media = probe_clip(path)
    video, audio = media.best(StreamKind.VIDEO), media.best(StreamKind.AUDIO)
    assert video is not None
    assert audio is not None
    assert video.span is not None
    assert audio.span is not None
    assert video.span.packet_count == FRAMES
    assert video.span.start_seconds == pytest.approx(audio.span.start_seconds, abs=0.05)
    assert media.duration_seconds == pytest.approx(SECONDS, abs=0.1)


def test_video_is_whole_and_progress_grows_when_made_in_segments(
    client: Client, small_clip: Path, tmp_path: Path
) -> None:
    job = client.transcode(small_clip, "mp4-h264", segments=EVERY_TWO)
    ticks = [u.progress for u in client.watch_job(job.job_id) if isinstance(u, ProgressTick)]
    done = client.get_job(job.job_id)

    assert done.state == job_pb2.JOB_STATE_COMPLETED, done.error
    assert [step.name for step in done.steps] == STEPS
    assert done.attempts == len(STEPS)
    # What the steps put out for each other is no result.
    (output,) = done.targets[0].outputs
    assert output.filename == "small.mp4"
    check_video(client.download(output, tmp_path / "out.mp4"))
    assert [tick.percent for tick in ticks] == sorted(tick.percent for tick in ticks)
    assert done.progress.total == pytest.approx(SECONDS, abs=0.05)
    assert done.usage.cpu_seconds > 0
    # What the steps hand to each other is neither input nor output.
    assert done.usage.input_bytes == small_clip.stat().st_size
    assert done.usage.output_bytes == output.digest.size_bytes


def test_video_is_made_in_one_piece_when_there_is_but_one_segment(
    client: Client, small_clip: Path, tmp_path: Path
) -> None:
    whole = segments_pb2.Segments(mode=segments_pb2.SEGMENTS_MODE_ON, length_seconds=60)
    job = client.transcode(small_clip, "webm-vp9", segments=whole)
    done = client.wait(job.job_id, timeout_seconds=120)

    assert done.state == job_pb2.JOB_STATE_COMPLETED, done.error
    assert [step.name for step in done.steps] == ["split", "transcode"]
    check_video(client.download(done.targets[0].outputs[0], tmp_path / "out.webm"))


def test_job_fails_with_the_cause_when_the_file_is_no_video(client: Client, tmp_path: Path) -> None:
    (tmp_path / "film.mp4").write_text("This is not a film.\n" * 200)
    job = client.transcode(tmp_path / "film.mp4", "mp4-h264", segments=EVERY_TWO)
    done = client.wait(job.job_id, timeout_seconds=60)

    assert done.state == job_pb2.JOB_STATE_FAILED
    assert done.error.reason in {"NOT_MEDIA", "MEDIA_REFUSED"}
    assert [step.name for step in done.steps] == ["split"]


def test_segments_are_kept_in_the_spec_when_asked_for_over_http(
    stack: Stack, client: Client, small_clip: Path
) -> None:
    artifact_id = client.upload(small_clip).artifact_id
    headers = {"authorization": f"Bearer {stack.token}"}
    with httpx.Client(base_url=stack.http, headers=headers, timeout=60) as http:

        def create(preset: str, **more: object) -> httpx.Response:
            wanted = {
                "artifact_id": artifact_id,
                "preset": preset,
                "segments": {"mode": "on", "length_seconds": 2},
                **more,
            }
            return http.post("/v1/jobs", json={"spec": {"transcode": wanted}})

        made = create("mp4-h264")
        assert made.status_code == 201, made.text
        job_id = made.json()["job_id"]
        found = http.get(f"/v1/jobs/{job_id}").json()["spec"]["transcode"]["segments"]
        assert found == {"mode": "on", "length_seconds": 2.0}
        assert client.wait(job_id, timeout_seconds=60).state == job_pb2.JOB_STATE_COMPLETED

        for refused in (create("mp3"), create("mp4-h264", options={"frame_rate": 10})):
            assert refused.status_code == 400, refused.text
            assert "SEGMENTS_NOT_POSSIBLE" in refused.text
        presets = {each["name"]: each for each in http.get("/v1/presets").json()["presets"]}
    assert presets["mp4-hevc"]["takes_segments"]
    assert not presets["gif"]["takes_segments"]


def test_file_is_written_when_the_command_asks_for_segments(
    stack: Stack, small_clip: Path, tmp_path: Path
) -> None:
    output = tmp_path / "out.mov"
    done = subprocess.run(
        [
            *(BIN / "babelmill", "transcode", small_clip, "--preset", "mov-h264"),
            *("--segments", "on", "--segment-length", "2", "--output", output, "--json"),
        ],
        env=stack.environment(),
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    job = json.loads(done.stdout.splitlines()[-1])
    assert [step["name"] for step in job["steps"]] == STEPS
    check_video(output)
