"""Every preset through every process, on one short clip."""

import json
import subprocess
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import pytest

from babelmill.client import Client
from babelmill.client.errors import InvalidArgument
from babelmill.jobs.v1 import job_pb2
from babelmill.media.v1 import media_pb2
from babelmill.media.v1.media_pb2 import TranscodeOptions
from media_worker.ffmpeg.media_info import StreamKind
from tests.acceptance.conftest import BIN, Stack, make_clip
from tests.unit.media_worker.media_clips import FFMPEG, probe_clip

SECONDS = 1.5
FRAME_SECONDS = 1 / 30
BLOCK_SECONDS = 0.05
ALL = job_pb2.JOB_STATE_COMPLETED


@pytest.fixture(scope="module")
def short_clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("presets") / "A short one.mkv"
    make_clip(path, seconds=SECONDS, size="160x120")
    return path


def fetch(client: Client, job: job_pb2.Job, directory: Path) -> dict[str, Path]:
    """Download what a job has made, each under its own name."""
    directory.mkdir()
    return {
        output.filename: client.download(output, directory / output.filename)
        for target in job.targets
        for output in target.outputs
    }


def check_streams(preset: media_pb2.Preset, path: Path) -> None:
    found = probe_clip(path)
    video, audio = found.best(StreamKind.VIDEO), found.best(StreamKind.AUDIO)
    assert (video.codec if video else "") == preset.video_codec, preset.name
    assert (audio.codec if audio else "") == preset.audio_codec, preset.name
    if video is not None and preset.name != "gif":
        assert video.span is not None
        assert video.span.packet_count == round(SECONDS * 30), preset.name
    tolerance = max(FRAME_SECONDS, BLOCK_SECONDS) + (0.09 if preset.name == "gif" else 0.03)
    assert found.duration_seconds == pytest.approx(SECONDS, abs=tolerance), preset.name


@pytest.mark.row("S4.2")
@pytest.mark.timeout(300)
def test_clip_becomes_what_each_preset_promises(
    client: Client, short_clip: Path, tmp_path: Path
) -> None:
    presets = {preset.name: preset for preset in client.presets()}
    wanted = {"avi", "mp4", "webm", "mkv", "mov", "gif", "mp3", "wav", "flac", "ogg", "opus", "m4a"}
    assert wanted <= {preset.file_extension for preset in presets.values()}
    source = client.upload(short_clip)
    jobs = {name: client.transcode(source, preset=name) for name in presets}

    made: dict[str, Mapping[str, Path]] = {}
    for name, job in jobs.items():
        done = client.wait(job.job_id, timeout_seconds=240)
        assert done.state == ALL, (name, done.error)
        made[name] = fetch(client, done, tmp_path / name)

    for name, preset in presets.items():
        if preset.kind in {media_pb2.PRESET_KIND_VIDEO, media_pb2.PRESET_KIND_AUDIO}:
            ((filename, path),) = made[name].items()
            assert filename == f"A short one.{preset.file_extension}"
            check_streams(preset, path)
    check_package(made["hls"], "master.m3u8")
    check_package(made["dash"], "manifest.mpd")
    assert set(made["sprite"]) == {"sprite.vtt", "sprite-001.jpg"}
    assert made["sprite"]["sprite.vtt"].read_text().count("sprite-001.jpg#xywh=") == 2
    assert list(made["poster"]) == ["A short one.jpg"]
    loudness = json.loads(made["loudness"]["A short one.json"].read_text())
    assert loudness["integrated_lufs"] == pytest.approx(-21, abs=3)
    peaks = json.loads(made["waveform"]["A short one.json"].read_text())
    assert peaks["length"] == len(peaks["data"]) / 2 > 1900
    assert made["waveform"]["A short one.png"].read_bytes().startswith(b"\x89PNG")


def check_package(files: Mapping[str, Path], first: str) -> None:
    """Every file that a playlist names is there, under that very name."""
    assert next(iter(files)) == first
    texts = [path.read_text() for name, path in files.items() if not name.endswith(".mp4")]
    for name in files:
        assert name == first or any(name in text for text in texts)
    media = [path for name, path in files.items() if name.endswith(".mp4")]
    for path in media:
        assert len(probe_clip(path).streams) == 1
    # As a player opens it: every rendition and the sound, from beginning to end.
    played = subprocess.run(
        [FFMPEG, *("-v", "error", "-xerror", "-i", first, "-map", "0", "-f", "framecrc", "-")],
        cwd=files[first].parent,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    frames = Counter(
        line.split(",")[0] for line in played.stdout.splitlines() if not line.startswith("#")
    )
    assert len(frames) == len(media)
    assert list(frames.values()).count(round(SECONDS * 30)) == len(media) - 1


def test_options_change_the_output_when_they_are_set(
    client: Client, short_clip: Path, tmp_path: Path
) -> None:
    options = TranscodeOptions(
        max_width=80, frame_rate=10, start_seconds=0.5, duration_seconds=0.6, without_audio=True
    )
    job = client.transcode(short_clip, preset="mp4-h264", options=options)
    done = client.wait(job.job_id, timeout_seconds=60)

    assert done.state == ALL, done.error
    assert done.spec.transcode.options == options
    (path,) = fetch(client, done, tmp_path / "made").values()
    (video,) = probe_clip(path).streams
    assert (video.width, video.height) == (80, 60)
    assert video.span is not None
    assert video.span.packet_count == 6


@pytest.mark.parametrize(
    ("preset", "options", "field", "reason"),
    [
        ("mp3", TranscodeOptions(max_width=80), "max_width", "OPTION_NOT_TAKEN"),
        ("mp4-h264", TranscodeOptions(quality=101), "quality", "OPTION_OUT_OF_RANGE"),
        ("mp4-h264", TranscodeOptions(channels=-1), "channels", "OPTION_OUT_OF_RANGE"),
        ("wav", TranscodeOptions(sample_rate_hz=44_101), "sample_rate_hz", "OPTION_OUT_OF_RANGE"),
        ("hls", TranscodeOptions(heights=[240, 3]), "heights", "OPTION_OUT_OF_RANGE"),
        ("mp3", TranscodeOptions(start_seconds=float("nan")), "start_seconds", "INVALID"),
        (
            "mp4-h264",
            TranscodeOptions(quality=5, video_bitrate_kbps=99),
            "video_bitrate_kbps",
            "CONFLICT",
        ),
    ],
)
def test_option_is_refused_with_its_field_when_the_preset_does_not_allow_it(
    client: Client,
    short_clip: Path,
    preset: str,
    options: TranscodeOptions,
    field: str,
    reason: str,
) -> None:
    source = client.upload(short_clip)
    with pytest.raises(InvalidArgument) as refusal:
        client.transcode(source, preset=preset, options=options)
    (violation,) = refusal.value.violations
    assert violation.field == f"spec.transcode.options.{field}"
    assert violation.reason == reason


def test_package_plays_from_the_directory_that_the_command_has_written(
    stack: Stack, short_clip: Path, tmp_path: Path
) -> None:
    site = tmp_path / "site"
    chosen = ("heights=120,90", "duration-seconds=1", "segment_seconds=1")
    done = subprocess.run(
        [
            *(BIN / "babelmill", "transcode", short_clip, "--preset", "hls", "--output", site),
            *(word for setting in chosen for word in ("--set", setting)),
        ],
        env=stack.environment(),
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )

    assert done.returncode == 0, done.stderr
    listing = ("-map", "0", "-c", "copy", "-f", "framecrc", "-")
    played = subprocess.run(
        [str(FFMPEG), "-v", "error", "-xerror", "-i", str(site / "master.m3u8"), *listing],
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
    )
    lines = [line for line in played.stdout.splitlines() if not line.startswith("#")]
    frames = Counter(line.partition(",")[0] for line in lines)
    # Two renditions of thirty frames each, and the sound.
    assert sorted(frames.values())[:2] == [30, 30]
    assert len(frames) == 3
