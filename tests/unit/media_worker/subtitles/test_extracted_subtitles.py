"""Tracks chosen and taken out of real files; subtitle files in another format."""

import struct
from pathlib import Path

import pytest

from babelmill.jobs.v1 import lease_pb2
from babelmill.kit.wire.failure_reasons import FailureReason
from babelmill.kit.worker.handler import Result, StepFailure
from babelmill.media.v1 import subtitles_pb2
from media_worker.subtitles.cues import read_cues
from tests.unit.media_worker.media_clips import make_clip, picture, sound
from tests.unit.media_worker.subtitles.subtitle_runs import (
    ENGLISH,
    PORTUGUESE,
    SubtitleBench,
    make_video,
)

SRT = subtitles_pb2.SUBTITLE_FORMAT_SRT
VTT = subtitles_pb2.SUBTITLE_FORMAT_VTT
ASS = subtitles_pb2.SUBTITLE_FORMAT_ASS


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("videos") / "clip.mkv"
    return make_video(path, ("por", PORTUGUESE), ("eng", ENGLISH), ("eng", ENGLISH))


def convert(bench: SubtitleBench, data: bytes, to: int, charset: str = "") -> str:
    work = lease_pb2.Work()
    work.process_subtitles.source.CopyFrom(bench.put("talk.txt", data))
    work.process_subtitles.convert.format = to  # type: ignore[assignment] # an enum
    work.process_subtitles.convert.charset = charset
    (output,) = bench.run(work).outputs
    return bench.text(output)


def find(bench: SubtitleBench, source: Path, language: str = "", **track: object) -> Result:
    work = lease_pb2.Work()
    work.extract_subtitles.source.CopyFrom(bench.file(source))
    work.extract_subtitles.source_language = language
    for name, value in track.items():
        setattr(work.extract_subtitles.track, name, value)
    return bench.run(work)


def test_every_text_track_comes_out_under_its_language(video: Path, tmp_path: Path) -> None:
    outputs, texts = SubtitleBench(tmp_path).extract(video)
    assert [o.filename for o in outputs] == ["clip.pt.srt", "clip.en.srt", "clip.en.2.srt"]
    assert read_cues(texts["clip.pt.srt"]) == read_cues(PORTUGUESE)


@pytest.mark.parametrize(
    ("choice", "filename"),
    [
        ({"language": "en-GB"}, "clip.en.srt"),
        ({"language": "por"}, "clip.pt.srt"),
        ({"index": 0}, "clip.pt.srt"),
    ],
)
def test_one_track_comes_out_when_it_is_chosen(
    video: Path, choice: dict[str, object], filename: str, tmp_path: Path
) -> None:
    outputs, _ = SubtitleBench(tmp_path).extract(video, **choice)
    assert [output.filename for output in outputs] == [filename]


@pytest.mark.parametrize("choice", [{"language": "fr"}, {"index": 3}])
def test_extraction_fails_when_there_is_no_such_track(
    video: Path, choice: dict[str, object], tmp_path: Path
) -> None:
    with pytest.raises(StepFailure) as refusal:
        SubtitleBench(tmp_path).extract(video, **choice)
    assert refusal.value.reason is FailureReason.NO_SUCH_STREAM
    assert refusal.value.metadata["languages"] == "pt, en, en"


def test_extraction_fails_when_track_holds_pictures(tmp_path: Path) -> None:
    source = bitmap_video(tmp_path)
    with pytest.raises(StepFailure) as refusal:
        SubtitleBench(tmp_path).extract(source)
    assert refusal.value.reason is FailureReason.SUBTITLES_NOT_TEXT
    assert refusal.value.metadata["codec"] == "hdmv_pgs_subtitle"


def bitmap_video(folder: Path) -> Path:
    """A video with a track of pictures, as Blu-ray discs have them; it shows none."""
    parts = []
    for moment in (90_000, 135_000):
        composition = struct.pack(">HHBHBBBB", 160, 90, 0x10, 0, 0x80, 0, 0, 0)
        for kind, payload in ((0x16, composition), (0x80, b"")):
            parts.append(struct.pack(">2sIIBH", b"PG", moment, 0, kind, len(payload)) + payload)
    track = folder / "track.sup"
    track.write_bytes(b"".join(parts))
    return make_clip(
        folder / "disc.mkv",
        *picture(2, size="160x90"),
        *("-f", "sup", "-i", str(track), "-map", "0", "-map", "1"),
        *("-c:v", "libx264", "-preset", "ultrafast", "-c:s", "copy"),
    )


@pytest.mark.parametrize(("to", "sign"), [(SRT, "-->"), (VTT, "WEBVTT"), (ASS, "[Script Info]")])
def test_file_changes_its_format(to: int, sign: str, tmp_path: Path) -> None:
    text = convert(SubtitleBench(tmp_path), PORTUGUESE.encode(), to)
    assert sign in text
    assert "moinho velho" in text


@pytest.mark.parametrize(
    ("charset", "given"),
    [("latin-1", ""), ("cp1251", "windows-1251"), ("utf-16", ""), ("shift_jis", "")],
)
def test_words_survive_when_file_is_in_another_charset(
    charset: str, given: str, tmp_path: Path
) -> None:
    words = {
        "latin-1": "Ça va être la fête, señor",
        "cp1251": "Доброе утро, как дела?",
        "utf-16": "Ελλάδα и Россия",
        "shift_jis": "おはようございます。水車はどこですか。古いものです。",
    }[charset]
    text = PORTUGUESE.replace("Tudo bem, senhor?", words)
    data = text.replace("moinho velho?", "moinho?").encode(charset)
    assert words in convert(SubtitleBench(tmp_path), data, VTT, given)


def test_subtitles_to_translate_are_those_of_the_source_language(
    video: Path, tmp_path: Path
) -> None:
    bench = SubtitleBench(tmp_path)
    result = find(bench, video, "en")
    assert result.found_subtitles is not None
    assert result.found_subtitles.language == "en"
    assert result.found_subtitles.cues == 3
    assert result.found_subtitles.filename == result.outputs[0].filename == "clip.srt"
    assert bench.text(result.outputs[0]).startswith("1\n00:00:00,500")


def test_first_track_is_translated_when_nothing_is_said(video: Path, tmp_path: Path) -> None:
    found = find(SubtitleBench(tmp_path), video).found_subtitles
    assert found is not None
    assert found.language == "pt"


def test_localizing_fails_when_there_is_no_video(tmp_path: Path) -> None:
    song = make_clip(tmp_path / "song.mp3", *sound(1))
    with pytest.raises(StepFailure) as refusal:
        find(SubtitleBench(tmp_path), song)
    assert refusal.value.reason is FailureReason.NO_SUCH_STREAM


def test_localizing_fails_when_video_has_no_track(tmp_path: Path) -> None:
    with pytest.raises(StepFailure) as refusal:
        find(SubtitleBench(tmp_path), make_video(tmp_path / "mute.mkv"))
    assert refusal.value.reason is FailureReason.NO_SUCH_STREAM
