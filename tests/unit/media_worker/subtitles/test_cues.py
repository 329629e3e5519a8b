"""Cues read, joined and compared; charsets, formats and languages told apart. No ffmpeg."""

import pytest

from babelmill.kit.wire.failure_reasons import FailureReason
from babelmill.kit.worker.handler import StepFailure
from media_worker.ffmpeg.media_info import MediaInfo, StreamInfo, StreamKind
from media_worker.subtitles.cues import (
    MOST_CUES,
    Cue,
    TooManyCues,
    differences,
    one_at_a_time,
    overlap,
    read_cues,
    without_fonts,
    write_cues,
)
from media_worker.subtitles.fonts import font_for
from media_worker.subtitles.forms import ASS, MKV, MP4, SRT, VTT, WEBM, containers_like
from media_worker.subtitles.languages import (
    bcp47_language,
    container_language,
    is_same_language,
    native_name,
)
from media_worker.subtitles.reading import decode, form_of, with_whole_times, without_drawings

CUES = (Cue(500, 1500, "One\n<i>two</i>"), Cue(1500, 360_000_001, "Three"))


def test_cues_are_the_same_when_written_and_read() -> None:
    assert read_cues(write_cues(CUES)) == CUES


def test_nothing_is_read_when_there_is_no_cue() -> None:
    assert read_cues("") == ()


def test_file_is_refused_when_it_has_more_cues_than_people_watch() -> None:
    with pytest.raises(TooManyCues):
        read_cues(write_cues([Cue(0, 1, "x")] * (MOST_CUES + 1)))


def test_joining_is_refused_when_thousands_overlap() -> None:
    with pytest.raises(TooManyCues):
        one_at_a_time([Cue(n, 100_000, "x") for n in range(2000)])


def test_no_cue_overlaps_another_when_they_were_joined() -> None:
    cues = [Cue(0, 10, "a"), Cue(0, 10, "b"), Cue(5, 20, "c"), Cue(30, 40, "d"), Cue(50, 50, "e")]
    joined = one_at_a_time(cues)
    assert overlap(cues)
    assert not overlap(joined)
    assert joined == (
        Cue(0, 5, "a\nb"),
        Cue(5, 10, "a\nb\nc"),
        Cue(10, 20, "c"),
        Cue(30, 40, "d"),
    )


def test_differences_are_of_times_and_words_and_not_of_markup() -> None:
    assert differences(CUES, (Cue(500, 1500, "One {\\an8}two"), CUES[1])) == 0
    assert differences(CUES, (Cue(501, 1500, "One two"), CUES[1])) == 1
    assert differences(CUES, (CUES[0], Cue(1500, 360_000_001, "Four"))) == 1
    assert differences(CUES, CUES[:1]) == 1


def test_markup_that_only_names_fonts_is_left_out() -> None:
    assert without_fonts('<font size="20">a <i>b</i></font>') == "a <i>b</i>"


def test_times_are_written_out_when_digits_were_left_out() -> None:
    assert with_whole_times("1\n0:0:1.5 --> 00:00:2,25 X1:1\nat 0:0:1.5\n") == (
        "1\n00:00:01,500 --> 00:00:02,250 X1:1\nat 0:0:1.5\n"
    )


def test_drawings_of_ass_are_no_words() -> None:
    text = r"Dialogue: 0,0,1,D,,0,0,0,,a{\p1}m 0 0 l 1 1{\p0}b" + "\n" + r"{\pos(1,2)}kept"
    assert without_drawings(text) == ("Dialogue: 0,0,1,D,,0,0,0,,a{\\p0}b\n{\\pos(1,2)}kept")


@pytest.mark.parametrize(
    ("data", "charset", "text"),
    [
        ("Olá".encode(), "", "Olá"),
        (b"\xef\xbb\xbfOl\xc3\xa1", "", "Olá"),
        ("Olá, señor, ça".encode("cp1252"), "", "Olá, señor, ça"),
        ("Привет".encode("cp1251"), "cp1251", "Привет"),
        ("Ελ".encode("utf-16"), "", "Ελ"),
    ],
)
def test_text_is_decoded_by_its_mark_its_charset_or_a_guess(
    data: bytes, charset: str, text: str
) -> None:
    assert decode(data, charset) == text


@pytest.mark.parametrize(("data", "charset"), [(b"a\x00b", ""), (b"\xff\xfe\xfd", "utf-8")])
def test_bytes_are_refused_when_they_are_no_text(data: bytes, charset: str) -> None:
    with pytest.raises(StepFailure) as refusal:
        decode(data, charset)
    assert refusal.value.reason is FailureReason.NOT_SUBTITLES


def test_format_is_told_by_the_head() -> None:
    assert form_of("WEBVTT\n\n") is VTT
    assert form_of("[Script Info]\n") is ASS
    assert form_of("\n1\n00:00:01,000 --> 00:00:02,000\nx") is SRT
    with pytest.raises(StepFailure):
        form_of("#EXTM3U\n")


@pytest.mark.parametrize(
    ("tag", "code"),
    [("pt-BR", "por"), ("fr", "fra"), ("zh-Hant", "zho"), ("ast", "ast"), ("de", "deu")],
)
def test_languages_are_written_as_containers_have_them(tag: str, code: str) -> None:
    assert container_language(tag) == code
    assert is_same_language(tag, code)


@pytest.mark.parametrize(
    ("code", "tag"),
    [("ger", "de"), ("deu", "de"), ("chi", "zh"), ("und", ""), ("", ""), ("en-US", "en")],
)
def test_languages_of_containers_are_read(code: str, tag: str) -> None:
    assert bcp47_language(code) == tag


def test_nothing_is_of_the_same_language_when_it_is_not_known() -> None:
    assert not is_same_language("und", "und")


def test_languages_are_named_as_their_speakers_do() -> None:
    assert native_name("pt-BR") == "Português (Brasil)"
    assert native_name("ja") == "日本語"
    assert native_name("tlh") == "tlh"


def test_font_has_the_scripts_of_the_text() -> None:
    assert font_for("Olá", "pt").family == "Arimo"
    assert font_for("水車", "ja").family == "Noto Sans CJK JP"
    assert font_for("水車", "zh-TW").family == "Noto Sans CJK TC"
    assert font_for("한국어", "").family == "Noto Sans CJK KR"


def test_container_is_like_the_videos_own() -> None:
    def info(*names: str) -> MediaInfo:
        return MediaInfo(names, None, (StreamInfo(0, StreamKind.VIDEO, "vp9"),))

    assert containers_like(info("mov", "mp4"), "a.mov") == (MP4, MKV)
    assert containers_like(info("matroska", "webm"), "a.webm") == (WEBM, MKV)
    assert containers_like(info("matroska", "webm"), "a.mkv") == (MKV,)
    assert containers_like(info("avi"), "a.avi") == (MKV,)
