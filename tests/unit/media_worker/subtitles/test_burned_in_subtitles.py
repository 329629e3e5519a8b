"""Subtitles drawn into real pictures."""

import subprocess
from pathlib import Path

import pytest

from babelmill.jobs.v1 import lease_pb2
from babelmill.kit.wire.failure_reasons import FailureReason
from babelmill.kit.worker.handler import Output, StepFailure
from tests.unit.media_worker.media_clips import FFMPEG, make_clip, probe_clip
from tests.unit.media_worker.subtitles.subtitle_runs import (
    ENGLISH,
    PORTUGUESE,
    SubtitleBench,
    make_video,
)


@pytest.fixture(scope="module")
def black(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A black video with an English track, so that whatever is bright was drawn."""
    folder = tmp_path_factory.mktemp("videos")
    (folder / "en.srt").write_text(ENGLISH, encoding="utf-8")
    return make_clip(
        folder / "black.mp4",
        *("-f", "lavfi", "-t", "6", "-i", "color=c=black:s=319x181:r=10"),
        *("-f", "lavfi", "-t", "6", "-i", "sine", "-i", str(folder / "en.srt")),
        *("-map", "0", "-map", "1", "-map", "2", "-c:a", "aac", "-c:s", "mov_text"),
        *("-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv444p"),
        *("-metadata:s:s:0", "language=eng"),
    )


def burn(
    bench: SubtitleBench, video: Path, text: str = "", language: str = "", **track: object
) -> Output:
    work = lease_pb2.Work()
    order = work.burn_in_subtitles
    order.source.CopyFrom(bench.file(video))
    for name, value in track.items():
        setattr(order.track, name, value)
    if text:
        order.file.subtitles.CopyFrom(bench.put("subtitles.srt", text.encode()))
        order.file.language = language
    (output,) = bench.run(work).outputs
    return output


def brightest(path: Path, seconds: float) -> int:
    """Return the brightest value of a picture."""
    command = [str(FFMPEG), "-v", "error", "-ss", str(seconds), "-i", str(path), "-frames:v", "1"]
    command += ["-f", "rawvideo", "-pix_fmt", "gray", "-"]
    return max(subprocess.run(command, check=True, capture_output=True, timeout=60).stdout)


def test_words_are_in_the_pictures_at_their_time_and_only_then(black: Path, tmp_path: Path) -> None:
    bench = SubtitleBench(tmp_path)

    output = burn(bench, black, PORTUGUESE, "pt")

    made = bench.path(output)
    assert output.filename == "black.burned-in.pt.mp4"
    assert [brightest(made, at) > 150 for at in (0.2, 1.0, 3.5, 4.5, 5.5)] == [
        False,
        True,
        False,
        True,
        False,
    ]
    info = probe_clip(made)
    assert [s.codec for s in info.streams] == ["h264", "aac"]
    assert (info.streams[0].width, info.streams[0].height) == (320, 182)
    assert info.streams[0].span is not None
    assert info.streams[0].span.packet_count == 60


def test_a_track_of_the_video_itself_is_drawn_when_it_is_chosen(
    black: Path, tmp_path: Path
) -> None:
    bench = SubtitleBench(tmp_path)
    output = burn(bench, black, index=0)
    assert output.filename == "black.burned-in.en.mp4"
    assert brightest(bench.path(output), 1.0) > 150


def test_east_asian_words_are_drawn_with_a_font_that_has_them(black: Path, tmp_path: Path) -> None:
    bench = SubtitleBench(tmp_path)
    output = burn(bench, black, ENGLISH.replace("Where is", "水車はどこ"), "ja")
    assert brightest(bench.path(output), 2.0) > 150


def test_job_fails_with_the_letters_when_no_font_has_them(black: Path, tmp_path: Path) -> None:
    """A script that no free font in use has: Khitan."""
    with pytest.raises(StepFailure) as refusal:
        burn(SubtitleBench(tmp_path), black, ENGLISH.replace("Where", "\U00018b00"), "und")
    assert refusal.value.reason is FailureReason.FONT_MISSING
    assert refusal.value.metadata["characters"] == "U+18B00"


def test_burning_in_fails_when_file_is_no_video(tmp_path: Path) -> None:
    with pytest.raises(StepFailure) as refusal:
        burn(
            SubtitleBench(tmp_path),
            make_clip(tmp_path / "a.mp3", "-f", "lavfi", "-t", "1", "-i", "sine"),
            ENGLISH,
            "en",
        )
    assert refusal.value.reason is FailureReason.NO_SUCH_STREAM


def test_every_frame_is_kept_when_pictures_go_backwards_in_the_file(tmp_path: Path) -> None:
    """B-frames, and a sound that begins late."""
    video = make_video(tmp_path / "a.mkv", late=0.3)
    bench = SubtitleBench(tmp_path)
    info = probe_clip(bench.path(burn(bench, video, ENGLISH, "en")))
    assert info.streams[0].span is not None
    assert info.streams[0].span.packet_count == 150
