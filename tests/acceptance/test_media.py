"""Transcoding through every process, with real files in and out."""

import time
from contextlib import suppress
from functools import partial
from pathlib import Path

import psutil
import pytest

from babelmill.client import Client, ProgressTick
from babelmill.jobs.v1 import job_pb2, progress_pb2
from tests.acceptance.conftest import Stack, make_clip
from tests.deadlines import eventually
from tests.unit.media_worker.media_clips import probe_clip

CANCELS = 12


def gone(processes: list[psutil.Process]) -> bool:
    return not any(process.is_running() for process in processes)


def ffmpeg_processes(stack: Stack) -> list[psutil.Process]:
    worker = psutil.Process(stack.pid("media_worker"))
    found = []
    for process in worker.children(recursive=True):
        # It may end while it is looked at.
        with suppress(psutil.NoSuchProcess):
            if process.name().startswith("ffmpeg"):
                found.append(process)
    return found


@pytest.mark.row("S4.3", "S4.4", "B2")
def test_clip_becomes_a_playable_mp4_when_transcoded(
    client: Client, clip: Path, tmp_path: Path
) -> None:
    job = client.transcode(clip, preset="mp4-h264")
    ticks = [u.progress for u in client.watch_job(job.job_id) if isinstance(u, ProgressTick)]
    done = client.get_job(job.job_id)

    assert done.state == job_pb2.JOB_STATE_COMPLETED
    media = probe_clip(client.download(done.targets[0].outputs[0], tmp_path / "out.mp4"))
    assert {stream.codec for stream in media.streams} == {"h264", "aac"}
    assert media.duration_seconds == pytest.approx(6, abs=0.1)
    assert done.targets[0].outputs[0].filename == "clip.mp4"
    assert done.targets[0].outputs[0].media_type == "video/mp4"
    assert done.usage.peak_cpu_percent > 0
    assert done.usage.peak_rss_bytes > 10 << 20
    assert done.usage.processing_seconds > 0
    assert done.usage.output_bytes == (tmp_path / "out.mp4").stat().st_size
    assert all(t.unit == progress_pb2.PROGRESS_UNIT_MEDIA_SECONDS for t in ticks if t.total)
    assert [t.percent for t in ticks] == sorted(t.percent for t in ticks)


def test_clip_becomes_a_playable_mp3_when_transcoded(
    client: Client, clip: Path, tmp_path: Path
) -> None:
    job = client.transcode(clip, preset="mp3")
    done = client.wait(job.job_id, timeout_seconds=60)

    assert done.state == job_pb2.JOB_STATE_COMPLETED
    media = probe_clip(client.download(done.targets[0].outputs[0], tmp_path / "out.mp3"))
    assert [stream.codec for stream in media.streams] == ["mp3"]
    assert media.duration_seconds == pytest.approx(6, abs=0.15)


@pytest.mark.matrix(33)
def test_job_fails_with_a_reason_when_file_is_no_media(client: Client, tmp_path: Path) -> None:
    text = tmp_path / "movie.mp4"
    text.write_text("This is not a film.\n" * 200)

    job = client.transcode(text, preset="mp4-h264")
    done = client.wait(job.job_id, timeout_seconds=60)

    assert done.state == job_pb2.JOB_STATE_FAILED
    assert done.error.reason in {"NOT_MEDIA", "MEDIA_REFUSED"}
    assert not done.error.retryable
    assert done.attempts == 1
    assert str(tmp_path) not in done.error.message


@pytest.mark.alone
@pytest.mark.row("B3")
def test_process_group_is_gone_when_cancelled(client: Client, stack: Stack, tmp_path: Path) -> None:
    make_clip(tmp_path / "long.mkv", seconds=120, size="1280x720")
    job = client.transcode(tmp_path / "long.mkv", preset="mp4-h264")
    eventually(lambda: client.get_job(job.job_id).progress.speed > 0, timeout_seconds=60)
    told = client.get_job(job.job_id).progress
    assert told.done > 0
    assert told.frames_per_second > 0
    assert ffmpeg_processes(stack)

    client.cancel_job(job.job_id)
    done = client.wait(job.job_id, timeout_seconds=20)

    assert done.state == job_pb2.JOB_STATE_CANCELLED
    assert ffmpeg_processes(stack) == []
    assert not done.targets[0].outputs
    assert not done.progress.HasField("speed")


@pytest.mark.alone
@pytest.mark.row("B3")
def test_encoder_is_gone_within_half_a_second_when_cancelled(
    client: Client, stack: Stack, tmp_path: Path
) -> None:
    make_clip(tmp_path / "long.mkv", seconds=120, size="1280x720")
    source = client.upload(tmp_path / "long.mkv")
    took: list[float] = []
    for _ in range(CANCELS):
        job = client.transcode(source, preset="mp4-h264")
        encoders = eventually(lambda: ffmpeg_processes(stack), timeout_seconds=60)
        asked = time.monotonic()
        client.cancel_job(job.job_id)
        eventually(partial(gone, encoders), interval_seconds=0.005)
        took.append(time.monotonic() - asked)
        # Nothing comes after it: neither the next program of the same step, nor a retry.
        assert client.wait(job.job_id, timeout_seconds=20).state == job_pb2.JOB_STATE_CANCELLED
        assert ffmpeg_processes(stack) == []
    took.sort()
    # The 95th percentile; the heartbeat that would tell of it anyway comes every second.
    assert took[round(0.95 * CANCELS) - 1] <= 0.5, took
