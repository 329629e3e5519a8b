"""Tracks put into real files, and taken out of them again."""

import subprocess
from pathlib import Path

import pytest

from babelmill.kit.wire.failure_reasons import FailureReason
from babelmill.kit.worker.handler import StepFailure
from babelmill.media.v1 import subtitles_pb2
from media_worker.ffmpeg.media_info import MediaInfo, StreamKind
from media_worker.subtitles.cues import read_cues
from tests.unit.media_worker.media_clips import FFMPEG, make_clip, picture, probe_clip
from tests.unit.media_worker.subtitles.subtitle_runs import (
    ENGLISH,
    PORTUGUESE,
    SubtitleBench,
    make_video,
)

MKV = subtitles_pb2.MEDIA_CONTAINER_MKV
MP4 = subtitles_pb2.MEDIA_CONTAINER_MP4
WEBM = subtitles_pb2.MEDIA_CONTAINER_WEBM
CODECS = {"mp4": "mov_text", "mkv": "srt"}


def hashes(path: Path, *, decoded: bool = False) -> list[str]:
    """Hash pictures and sound by themselves, without the product's code."""
    how = ["-fps_mode", "passthrough"] if decoded else ["-c", "copy"]
    command = [str(FFMPEG), "-v", "error", "-i", str(path), "-map", "0:v", "-map", "0:a", *how]
    command += ["-f", "streamhash", "-"]
    return subprocess.run(
        command, check=True, capture_output=True, text=True, timeout=60
    ).stdout.splitlines()


def languages(info: MediaInfo) -> list[str]:
    return [s.language for s in info.streams if s.kind is StreamKind.SUBTITLE]


@pytest.fixture(scope="module", params=["mp4", "mkv"])
def video(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A video with an English track, whose sound begins late."""
    path = tmp_path_factory.mktemp("videos") / f"clip.{request.param}"
    return make_video(path, ("eng", ENGLISH), codec=CODECS[request.param], late=0.3)


@pytest.fixture(scope="module")
def mp4(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("videos") / "clip.mp4"
    return make_video(path, ("eng", ENGLISH), codec="mov_text")


@pytest.mark.parametrize("container", [0, MP4, MKV])
def test_tracks_come_out_as_they_went_in(video: Path, container: int, tmp_path: Path) -> None:
    bench = SubtitleBench(tmp_path)

    (output,) = bench.mux(
        video, ("pt-BR", PORTUGUESE), ("ja", ENGLISH), container=container
    ).outputs

    made = bench.path(output)
    wanted = {0: video.suffix, MP4: ".mp4", MKV: ".mkv"}[container]
    assert output.filename == f"clip.subtitled{wanted}"
    info = probe_clip(made)
    assert languages(info) == ["eng", "por", "jpn"]
    assert hashes(made) == hashes(video)
    _, texts = bench.extract(made)
    assert list(texts) == [
        "clip.subtitled.en.srt",
        "clip.subtitled.pt.srt",
        "clip.subtitled.ja.srt",
    ]
    for text, given in zip(texts.values(), (ENGLISH, PORTUGUESE, ENGLISH), strict=True):
        assert read_cues(text) == read_cues(given)


def test_only_new_tracks_are_there_when_old_ones_are_replaced(mp4: Path, tmp_path: Path) -> None:
    bench = SubtitleBench(tmp_path)
    (output,) = bench.mux(mp4, ("pt", PORTUGUESE), replace=True).outputs
    assert languages(probe_clip(bench.path(output))) == ["por"]


def test_overlapping_cues_are_joined_when_container_shows_one_at_a_time(
    mp4: Path, tmp_path: Path
) -> None:
    text = ENGLISH.replace("00:00:01,500", "00:00:02,500")
    bench = SubtitleBench(tmp_path)

    (output,) = bench.mux(mp4, ("pt", text), replace=True).outputs

    _, texts = bench.extract(bench.path(output))
    (found,) = texts.values()
    assert [(c.start_ms, c.end_ms, c.words) for c in read_cues(found)] == [
        (500, 1501, "Good morning."),
        (1501, 2500, "Good morning. Where is the old mill?"),
        (2500, 2999, "Where is the old mill?"),
        (4000, 5040, "Ça va, señor?"),
    ]


def test_track_is_unchanged_when_file_is_in_latin_1(mp4: Path, tmp_path: Path) -> None:
    bench = SubtitleBench(tmp_path)
    (output,) = bench.mux(mp4, ("fr", ENGLISH.encode("latin-1")), replace=True).outputs
    _, texts = bench.extract(bench.path(output))
    assert "Ça va, señor?" in next(iter(texts.values()))


def test_pictures_and_sound_are_the_same_when_source_is_a_transport_stream(
    mp4: Path, tmp_path: Path
) -> None:
    stream = make_clip(
        tmp_path / "a.ts", "-i", str(mp4), "-map", "0:v", "-map", "0:a", "-c", "copy"
    )
    bench = SubtitleBench(tmp_path)

    (output,) = bench.mux(stream, ("pt", PORTUGUESE)).outputs

    assert output.filename == "a.subtitled.mkv"
    assert hashes(bench.path(output), decoded=True) == hashes(stream, decoded=True)


def test_vtt_and_ass_stay_what_they_are_when_container_holds_them(
    mp4: Path, tmp_path: Path
) -> None:
    bench = SubtitleBench(tmp_path)
    vtt = "WEBVTT\n\n00:00.500 --> 00:01.500 align:start\n<b>Olá</b>\n"
    (output,) = bench.mux(mp4, ("pt", vtt), container=MKV, replace=True).outputs
    outputs, texts = bench.extract(bench.path(output))
    assert outputs[0].filename.endswith(".vtt")
    assert "<b>Olá</b>" in next(iter(texts.values()))


def test_job_fails_with_a_reason_when_container_cannot_hold_the_codec(
    mp4: Path, tmp_path: Path
) -> None:
    with pytest.raises(StepFailure) as refusal:
        SubtitleBench(tmp_path).mux(mp4, ("pt", PORTUGUESE), container=WEBM)
    assert refusal.value.reason is FailureReason.CONTAINER_UNSUITABLE


def test_matroska_is_chosen_when_own_container_cannot_hold_a_stream(tmp_path: Path) -> None:
    """QuickTime holds what MP4 does not."""
    path = make_clip(
        tmp_path / "a.mov", *picture(1, size="160x90"), "-c:v", "prores_ks", "-c:a", "pcm_s16le"
    )
    bench = SubtitleBench(tmp_path)
    (output,) = bench.mux(path, ("pt", PORTUGUESE)).outputs
    assert output.filename == "a.subtitled.mkv"
    assert probe_clip(bench.path(output)).streams[0].codec == "prores"


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"Just words.",
        b"\x00\x01\x02" * 100,
        b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n",
        b"ffconcat version 1.0\nfile /etc/passwd\n",
        b"WEBVTT\n\n",
    ],
)
def test_file_is_refused_when_it_is_no_subtitle_file(
    mp4: Path, data: bytes, tmp_path: Path
) -> None:
    with pytest.raises(StepFailure) as refusal:
        SubtitleBench(tmp_path).mux(mp4, ("pt", data))
    assert refusal.value.reason is FailureReason.NOT_SUBTITLES


def test_nothing_is_left_in_the_scratch_directory_of_the_result(mp4: Path, tmp_path: Path) -> None:
    bench = SubtitleBench(tmp_path)
    bench.mux(mp4, ("pt", PORTUGUESE))
    assert not list(tmp_path.glob("scratch-*/muxed*"))


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("late.mkv", ["-c", "copy", "-output_ts_offset", "5"]),
        ("cut.mp4", ["-c", "copy", "-ss", "1.3"]),
        ("old.mpg", ["-c:v", "mpeg2video", "-c:a", "mp2"]),
        ("old.avi", ["-c:v", "mpeg4", "-c:a", "mp3"]),
    ],
)
def test_track_is_added_when_source_counts_its_time_in_another_way(
    mp4: Path, name: str, arguments: list[str], tmp_path: Path
) -> None:
    """Times that begin late, an edit list, and containers without times of showing."""
    maps = ["-map", "0:v", "-map", "0:a"]
    source = make_clip(tmp_path / name, "-i", str(mp4), *maps, *arguments)
    bench = SubtitleBench(tmp_path)

    (output,) = bench.mux(source, ("pt", PORTUGUESE)).outputs

    made = bench.path(output)
    # The sound's last block can be cut short by an edit list, which is written anew.
    assert hashes(made, decoded=True)[0] == hashes(source, decoded=True)[0]
    _, texts = bench.extract(made)
    assert read_cues(next(iter(texts.values()))) == read_cues(PORTUGUESE)


def test_file_is_refused_when_it_has_more_cues_than_people_watch(mp4: Path, tmp_path: Path) -> None:
    text = "".join(f"{n}\n00:00:01,000 --> 00:00:02,000\n{n}\n\n" for n in range(50_001))
    with pytest.raises(StepFailure) as refusal:
        SubtitleBench(tmp_path).mux(mp4, ("pt", text))
    assert refusal.value.reason is FailureReason.MEDIA_REFUSED
    assert refusal.value.metadata["verdict"] == "CUE_LIMIT"
