"""The media worker's settings and what it announces."""

import os
from pathlib import Path

import pytest

from babelmill.kit.process.settings import load_settings
from babelmill.media.v1 import media_pb2
from media_worker.app import DEFINITION, describe
from media_worker.settings import MediaWorkerSettings


@pytest.fixture(autouse=True)
def worker_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("BABELMILL_WORKER_TOKEN", "token")
    monkeypatch.setenv("BABELMILL_REDIS_URL", "redis://127.0.0.1:1")
    monkeypatch.setenv("BABELMILL_ARTIFACTS", str(tmp_path))


def test_ffmpeg_of_the_wheel_is_used_when_none_is_named() -> None:
    found = load_settings(MediaWorkerSettings).find_ffmpeg()
    assert found.is_absolute()
    assert os.access(found, os.X_OK)


def test_ffmpeg_is_the_named_one_when_given(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    program = tmp_path / "ffmpeg"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    monkeypatch.setenv("BABELMILL_FFMPEG", str(program))
    assert load_settings(MediaWorkerSettings).find_ffmpeg() == program


def test_start_is_refused_with_every_error_when_settings_are_wrong(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("BABELMILL_FFMPEG", "/nowhere/ffmpeg")
    monkeypatch.setenv("BABELMILL_MEDIA_MAX_MEMORY_BYTES", "1000")
    with pytest.raises(SystemExit) as stop:
        load_settings(MediaWorkerSettings)
    assert stop.value.code == 78
    said = capsys.readouterr().err
    assert "BABELMILL_FFMPEG" in said
    assert "BABELMILL_MEDIA_MAX_MEMORY_BYTES" in said


@pytest.mark.parametrize(("concurrency", "threads"), [("1", 8), ("3", 2), ("50", 1)])
def test_cores_are_shared_among_slots_when_threads_are_not_set(
    monkeypatch: pytest.MonkeyPatch, concurrency: str, threads: int
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)))
    monkeypatch.setenv("BABELMILL_WORKER_CONCURRENCY", concurrency)
    assert load_settings(MediaWorkerSettings).media_limits().threads == threads


def test_presets_are_announced_when_described() -> None:
    announced = describe(load_settings(MediaWorkerSettings))
    assert "transcode" in announced.step_kinds
    presets = {preset.name: preset for preset in announced.presets}
    assert presets["mp4-h264"].kind == media_pb2.PRESET_KIND_VIDEO
    assert presets["mp3"].media_type == "audio/mpeg"
    assert presets["mp3"].file_extension == "mp3"
    assert (DEFINITION.service, DEFINITION.queue_families) == ("media_worker", ("media",))
