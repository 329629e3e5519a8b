"""Videos localized by both workers in one job, and subtitles in and out of real files."""

import subprocess
from collections.abc import Mapping
from pathlib import Path

import httpx
import imageio_ffmpeg
import pytest

from babelmill.client import Client
from babelmill.jobs.v1 import job_pb2, step_pb2
from media_worker.subtitles.cues import Cue, read_cues
from tests.acceptance.conftest import BIN, Stack
from tests.acceptance.test_trace import ancestors, whole_trace
from tests.collector import Collector

pytestmark = pytest.mark.row("B5")

ENGLISH = """1
00:00:00,500 --> 00:00:02,250
Good morning.

2
00:00:02,251 --> 00:00:05,999
The mill is old, but the water
is still clear.

3
00:00:07,000 --> 00:00:09,480
Where is the river?

4
00:00:11,013 --> 00:00:14,027
<i>We will go there tomorrow.</i>

5
00:00:16,000 --> 00:00:19,500
Thank you, my friend.

"""


def ffmpeg(*arguments: object) -> str:
    return subprocess.run(
        [imageio_ffmpeg.get_ffmpeg_exe(), "-nostdin", "-y", "-v", "error", *map(str, arguments)],
        check=True,
        capture_output=True,
        text=True,
        timeout=120,
    ).stdout


def cues(path: Path, track: int) -> tuple[Cue, ...]:
    return read_cues(ffmpeg("-i", path, "-map", f"0:s:{track}", "-f", "srt", "-"))


def streamhash(path: Path) -> str:
    """Hash the packets of pictures and sound."""
    return ffmpeg("-i", path, "-map", "0:v", "-map", "0:a", "-c", "copy", "-f", "streamhash", "-")


def times(found: tuple[Cue, ...]) -> list[tuple[int, int]]:
    return [(cue.start_ms, cue.end_ms) for cue in found]


def languages_of(path: Path) -> list[str]:
    told = subprocess.run(
        [imageio_ffmpeg.get_ffmpeg_exe(), "-hide_banner", "-i", str(path)],
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    ).stderr
    return [line.partition("(")[2][:3] for line in told.splitlines() if ": Subtitle:" in line]


def targets_of(job: job_pb2.Job) -> Mapping[str, job_pb2.Target]:
    return {target.key: target for target in job.targets}


@pytest.fixture(scope="module")
def talk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twenty seconds of picture and sound with an English track."""
    folder = tmp_path_factory.mktemp("talk")
    (folder / "en.srt").write_text(ENGLISH)
    ffmpeg(
        *("-f", "lavfi", "-i", "testsrc2=size=320x180:rate=25:duration=20"),
        *("-f", "lavfi", "-i", "sine=b=4:duration=20", "-i", folder / "en.srt"),
        *("-map", "0", "-map", "1", "-map", "2", "-c:v", "libx264", "-preset", "veryfast"),
        *("-c:a", "aac", "-c:s", "mov_text", "-metadata:s:s:0", "language=eng"),
        folder / "talk.mp4",
    )
    return folder / "talk.mp4"


def test_video_has_every_language_that_succeeded_when_localized(
    client: Client, collector: Collector, talk: Path, tmp_path: Path
) -> None:
    # Klingon is translated by no engine; nobody has said what the source language is,
    # so it is found out only on the way.
    job = client.localize_video(talk, targets=["pt", "tlh", "es"], burn_in="pt")
    done = client.wait(job.job_id, timeout_seconds=120)

    targets = targets_of(done)
    assert list(targets) == ["pt", "tlh", "es", "video", "burned_in"]
    assert done.state == job_pb2.JOB_STATE_PARTIALLY_COMPLETED
    assert targets["tlh"].error.reason == "UNSUPPORTED_LANGUAGE_PAIR"
    completed = [
        key for key, each in targets.items() if each.state == job_pb2.TARGET_STATE_COMPLETED
    ]
    assert "pt" in completed
    assert completed[-2:] == ["video", "burned_in"]
    languages = completed[:-2]

    video = client.download(targets["video"].outputs[0], tmp_path / "video.mp4")
    assert targets["video"].outputs[0].filename == "talk.subtitled.mp4"
    assert streamhash(video) == streamhash(talk)
    assert languages_of(video) == ["eng", *({"pt": "por", "es": "spa"}[key] for key in languages)]
    assert cues(video, 0) == read_cues(ENGLISH)
    for number, language in enumerate(languages, start=1):
        made = client.download(targets[language].outputs[0], tmp_path / f"{language}.srt")
        assert targets[language].outputs[0].filename == f"talk.{language}.srt"
        translated = cues(video, number)
        assert times(translated) == times(read_cues(ENGLISH))
        assert translated == read_cues(made.read_text())
        assert all(
            found.words != given.words
            for found, given in zip(translated, read_cues(ENGLISH), strict=True)
        )
    assert "moinho" in cues(video, 1)[1].words

    burned = client.download(targets["burned_in"].outputs[0], tmp_path / "burned.mp4")
    assert targets["burned_in"].outputs[0].filename == "talk.burned-in.pt.mp4"
    assert streamhash(burned).splitlines()[1] == streamhash(talk).splitlines()[1]
    assert streamhash(burned).splitlines()[0] != streamhash(talk).splitlines()[0]

    steps = {step.name: step for step in done.steps}
    assert list(steps["mux_tracks"].awaits) == [
        "reconstruct[pt]",
        "reconstruct[tlh]",
        "reconstruct[es]",
    ]
    assert steps["mux_tracks"].state == step_pb2.STEP_STATE_COMPLETED

    spans = whole_trace(
        collector, done.trace_id, {"job_service", "media_worker", "translation_worker"}
    )
    attempts = [s for s in spans if s.name == "step.attempt"]
    assert {s.service for s in attempts} == {"media_worker", "translation_worker"}
    (root,) = {ancestors(attempt, spans)[-1].span_id for attempt in attempts}
    assert root in {s.span_id for s in spans if not s.parent_id}


def test_given_file_is_translated_and_muxed_when_video_has_no_track(
    client: Client, talk: Path, tmp_path: Path
) -> None:
    mute = tmp_path / "mute.mkv"
    ffmpeg("-i", talk, "-map", "0:v", "-map", "0:a", "-c", "copy", mute)
    text = ENGLISH.replace("Thank you, my friend.", "Thank you, señor.")

    job = client.localize_video(
        mute, "en", ["pt"], subtitles=text.encode("latin-1"), container="mkv"
    )
    done = client.wait(job.job_id, timeout_seconds=120)

    assert done.state == job_pb2.JOB_STATE_COMPLETED, done
    video = client.download(targets_of(done)["video"].outputs[0], tmp_path / "video.mkv")
    assert languages_of(video) == ["eng", "por"]
    assert cues(video, 0) == read_cues(text)
    assert times(cues(video, 1)) == times(read_cues(text))


def test_job_fails_with_a_reason_when_there_is_nothing_to_translate(
    client: Client, talk: Path, tmp_path: Path
) -> None:
    mute = tmp_path / "mute.mkv"
    ffmpeg("-i", talk, "-map", "0:v", "-c", "copy", mute)
    done = client.wait(client.localize_video(mute, "en", ["pt"]).job_id, timeout_seconds=60)
    assert done.state == job_pb2.JOB_STATE_FAILED
    assert done.error.reason == "NO_SUCH_STREAM"
    assert {target.state for target in done.targets} == {job_pb2.TARGET_STATE_FAILED}


def babelmill(stack: Stack, *words: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(BIN / "babelmill"), *map(str, words)],
        env=stack.environment(),
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def test_command_localizes_a_video_and_says_which_language_failed(
    stack: Stack, talk: Path, tmp_path: Path
) -> None:
    ran = babelmill(stack, "localize", talk, "--to", "pt,tlh", "-o", tmp_path, "--container", "mkv")

    assert ran.returncode == 1, ran.stderr
    assert "tlh" in ran.stderr
    assert ran.stdout.split() == [
        str(tmp_path / "talk.pt.srt"),
        str(tmp_path / "talk.subtitled.mkv"),
    ]
    assert languages_of(tmp_path / "talk.subtitled.mkv") == ["eng", "por"]


def test_command_takes_subtitles_out_changes_them_and_puts_them_in(
    stack: Stack, talk: Path, tmp_path: Path
) -> None:
    out = babelmill(stack, "subtitles", "extract", talk, "--format", "vtt", "-o", tmp_path)
    assert out.returncode == 0, out.stderr
    vtt = tmp_path / "talk.en.vtt"
    assert vtt.read_text().startswith("WEBVTT")

    changed = babelmill(stack, "subtitles", "convert", vtt, "--format", "srt", "-o", tmp_path)
    assert changed.returncode == 0, changed.stderr
    assert read_cues((tmp_path / "talk.en.srt").read_text()) == read_cues(ENGLISH)

    added = babelmill(
        stack, "subtitles", "mux", talk, "--add", f"en-GB={vtt}", "--replace", "-o", tmp_path
    )
    assert added.returncode == 0, added.stderr
    assert streamhash(tmp_path / "talk.subtitled.mp4") == streamhash(talk)
    assert cues(tmp_path / "talk.subtitled.mp4", 0) == read_cues(ENGLISH)

    drawn = babelmill(stack, "subtitles", "burn-in", talk, "--track", 0, "-o", tmp_path)
    assert drawn.returncode == 0, drawn.stderr
    assert (
        streamhash(tmp_path / "talk.burned-in.en.mp4").splitlines()[1:]
        == (streamhash(talk).splitlines()[1:])
    )


def test_localized_video_is_told_of_as_it_was_asked_for_over_http(
    stack: Stack, client: Client, talk: Path
) -> None:
    spec = {
        "localize_video": {
            "artifact_id": client.upload(talk).artifact_id,
            "target_languages": ["pt"],
            "container": "mkv",
            "track": {"language": "en"},
        }
    }
    created = httpx.post(
        f"{stack.http}/v1/jobs",
        headers={"authorization": f"Bearer {stack.token}"},
        json={"spec": spec},
        timeout=30,
    )
    assert created.status_code == 201, created.text
    done = client.wait(created.json()["job_id"], timeout_seconds=60)
    assert done.state == job_pb2.JOB_STATE_COMPLETED, done
    told = created.json()["spec"]["localize_video"]
    assert told.items() >= spec["localize_video"].items()


def test_job_is_refused_when_its_words_make_no_sense(stack: Stack, client: Client) -> None:
    refused = httpx.post(
        f"{stack.http}/v1/jobs",
        headers={"authorization": f"Bearer {stack.token}"},
        json={
            "spec": {
                "localize_video": {
                    "artifact_id": "x",
                    "target_languages": ["pt", "video"],
                    "burn_in_language": "es",
                    "file": {"artifact_id": "", "charset": "zip"},
                }
            }
        },
        timeout=30,
    )
    assert refused.status_code == 400, refused.text
    fields = {each["field"] for each in refused.json()["violations"]}
    assert fields == {
        "spec.localize_video.artifact_id",
        "spec.localize_video.target_languages[1]",
        "spec.localize_video.burn_in_language",
        "spec.localize_video.file.artifact_id",
        "spec.localize_video.file.charset",
    }
