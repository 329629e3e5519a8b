"""Subtitles of each format: only words change, and what is no subtitle is refused."""

import re
from pathlib import Path

import pysubs2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from babelmill.kit.wire.failure_reasons import FailureReason
from tests.unit.translation_worker.formats.subtitle_samples import (
    OPTIONS,
    contents,
    swap_case,
    translated_by,
    written,
)
from translation_worker.document import plain_text
from translation_worker.formats.ass import AssCodec
from translation_worker.formats.codec import Codec, CodecOptions, DocumentError, DocumentLimits
from translation_worker.formats.srt import SrtCodec
from translation_worker.formats.vtt import VttCodec

SRT = """\
1
00:00:01,000 --> 00:00:03,000
<i>I never thought that you</i>

2
00:00:03,100 --> 00:00:05,000
<i>would come back to this town.</i>

3
00:00:06,000 --> 00:00:08,000 X1:100 X2:200
{\\an8}- Who is <b>there</b>?
- Me & you, <3 of course.

4
00:00:09,000 --> 00:00:12,000
[DOOR SLAMS]

♪♪
"""
VTT = """\
WEBVTT - A title that stays
Kind: captions

STYLE
::cue { color: red }

NOTE this is
not translated --> ever

intro
00:01.000 --> 00:03.000 line:0 align:start
<v Roger Bingham>We are &amp; were in <c.yellow>New York</c> City

00:03.000 --> 00:05.000
<v Roger Bingham>and it &lt;rains&gt;.

2
01:00:05.000 --> 01:00:07.000
<00:00:05.100>Sing <00:00:05.900>with <00:00:06.500>me
"""
ASS = """\
[Script Info]
; A comment
Title: Not this
ScriptType: v4.00+

[V4+ Styles]
Format: Name, Fontname, Fontsize
Style: Default,Arial,20

[Events]
Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text
Comment: 0,0:00:00.00,0:00:01.00,Default,,0,0,0,,Not this either
Dialogue: 0,0:00:01.00,0:00:03.00,Default,Ann,0,0,0,,{\\pos(10,20)}Hello, {\\i1}dear{\\i0} friend,
Dialogue: 0,0:00:03.10,0:00:05.00,Default,Ann,0,0,0,,come in,\\Nand sit\\hdown.{\\fad(1,2)}
Dialogue: 0,0:00:05.00,0:00:07.00,Default,,0,0,0,,{\\k20}Sing {\\k30}with {\\k10}me
Dialogue: 0,0:00:05.00,0:00:07.00,Default,,0,0,0,,{\\p1}m 0 0 l 100 0 100 100{\\p0}
Dialogue: 0,0:00:05.00,0:00:07.00,Default,,0,0,0,fx,Generated line

[Fonts]
fontname: a.ttf
Dialogue: 0,M"#$,not a line
"""
SAMPLES: list[tuple[Codec, str]] = [(SrtCodec(), SRT), (VttCodec(), VTT), (AssCodec(), ASS)]


def placed(tmp_path: Path, codec: Codec, data: bytes) -> Path:
    path = tmp_path / f"source{codec.extensions[0]}"
    path.write_bytes(data)
    return path


@pytest.mark.parametrize(("codec", "text"), SAMPLES)
@pytest.mark.parametrize("line_break", ["\n", "\r\n"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_the_file_is_the_same_when_the_words_are(
    codec: Codec, text: str, line_break: str, encoding: str, tmp_path: Path
) -> None:
    data = text.replace("\n", line_break).encode(encoding)
    path = placed(tmp_path, codec, data)
    assert contents(codec, path)
    assert written(codec, path, contents(codec, path))[0] == data
    assert written(codec, path, {})[0] == data


@pytest.mark.parametrize(("codec", "text"), SAMPLES)
def test_only_letters_change_when_letters_are_swapped(
    codec: Codec, text: str, tmp_path: Path
) -> None:
    path = placed(tmp_path, codec, text.encode())
    once, _ = written(codec, path, translated_by(codec, path, swap_case))
    assert once != path.read_bytes()
    # Words may move to the next line or cue of their sentence, and nothing else may.
    squeezed = [re.sub(r"\s|\\N", "", each.decode().lower()) for each in (once, path.read_bytes())]
    for sign in ("<i>", "</i>"):
        squeezed = [each.replace(sign, "") for each in squeezed]
    assert sorted(squeezed[0]) == sorted(squeezed[1])
    assert re.findall(r".*-->.*", once.decode()) == re.findall(r".*-->.*", text)


def test_a_sentence_is_one_segment_when_it_runs_over_cues(tmp_path: Path) -> None:
    path = placed(tmp_path, SrtCodec(), SRT.encode())
    found = contents(SrtCodec(), path)
    assert found["c1"] == ("I never thought that you would come back to this town.",)
    assert "c2" not in found
    assert plain_text(found["c3"]) == "Who is there?"
    assert found["c3.2"] == ("Me & you, <3 of course.",)


def test_each_cue_gets_its_share_when_a_sentence_is_translated(tmp_path: Path) -> None:
    path = placed(tmp_path, SrtCodec(), SRT.encode())
    sentence = "Eu nunca pensei que você voltaria para esta cidade."
    data, _ = written(SrtCodec(), path, {"c1": (sentence,)})
    before, after = pysubs2.SSAFile.from_string(SRT), pysubs2.SSAFile.from_string(data.decode())
    assert [(cue.start, cue.end) for cue in after] == [(cue.start, cue.end) for cue in before]
    assert " ".join(cue.plaintext.replace("\n", " ") for cue in after[:2]) == sentence
    assert all(cue.plaintext for cue in after[:2])
    assert "<i>Eu nunca" in data.decode()


def test_no_cue_is_empty_when_a_translation_has_too_few_words(tmp_path: Path) -> None:
    path = placed(tmp_path, SrtCodec(), SRT.encode())
    data, _ = written(SrtCodec(), path, {"c1": ("Voltaste?",)})
    assert [cue.plaintext for cue in pysubs2.SSAFile.from_string(data.decode())][:2] == [
        "Voltaste?",
        "Voltaste?",
    ]


def test_lines_are_balanced_when_words_are_too_many_for_one(tmp_path: Path) -> None:
    path = placed(tmp_path, SrtCodec(), SRT.encode())
    long = "Claro que sou eu, quem mais poderia ser a estas horas?"
    data, outcome = written(SrtCodec(), path, {"c3.2": (long,)})
    assert "- Claro que sou eu,\nquem mais poderia ser a estas horas?" in data.decode()
    assert outcome.layout is not None
    assert outcome.layout["too_long"] == [{"cue": 3, "lines": 3, "columns": 36}]
    (too_fast,) = _listed(outcome.layout["too_fast"])
    assert too_fast["cue"] == 3
    # "- Who is there?", "- Me & you, <3 of course." in two seconds.
    assert too_fast["source_characters_per_second"] == 20.0


def _listed(value: object) -> list[dict[str, object]]:
    assert isinstance(value, list)
    return value


@pytest.mark.matrix(51)
def test_markup_is_escaped_when_a_translation_looks_like_it(tmp_path: Path) -> None:
    hostile = "a\0 <b> & {\\p1} \\N --> 00:01.000\n\n2\n00:00:01,000 --> 00:00:02,000\nx"
    for codec, text in SAMPLES:
        path = placed(tmp_path, codec, text.encode())
        first = next(iter(contents(codec, path)))
        plain = {
            key: (hostile,) for key, content in contents(codec, path).items() if len(content) == 1
        }
        data, _ = written(codec, path, plain or {first: (hostile,)})
        path.write_bytes(data)
        again = list(codec.read(path, OPTIONS))
        assert len(again) >= 1
        times = r"(?m)^(?:\d+\n)?[\d:,.]+ --> .*$"
        assert len(re.findall(times, data.decode())) == len(re.findall(times, text))


def test_karaoke_marks_all_stay_when_words_change(tmp_path: Path) -> None:
    path = placed(tmp_path, AssCodec(), ASS.encode())
    key = next(
        key for key, content in contents(AssCodec(), path).items() if content == ("Sing with me",)
    )
    data, _ = written(AssCodec(), path, {key: ("Canta comigo agora",)})
    assert "{\\k20}Canta {\\k30}comigo {\\k10}agora" in data.decode()


def test_a_drawing_is_no_text_when_it_is_in_a_dialogue(tmp_path: Path) -> None:
    path = placed(tmp_path, AssCodec(), ASS.encode())
    words = " ".join(plain_text(content) for content in contents(AssCodec(), path).values())
    assert "100" not in words
    assert "Generated" not in words
    assert "Not this" not in words
    assert "Hello, dear friend, come in, and sit\u00a0down." in words


@pytest.mark.parametrize(
    ("codec", "data"),
    [
        (SrtCodec(), b""),
        (SrtCodec(), b"hello"),
        (SrtCodec(), b"1\n-99999999999:00:00,000 --> 00:00:99999999999,000\nx"),
        (SrtCodec(), b"1\n00:00:01,000 --> 00:00:02,000\na\0b"),
        (VttCodec(), b"WEBVTTx\n\n00:01.000 --> 00:02.000\nx"),
        (VttCodec(), b""),
        (AssCodec(), b"[V4+ Styles]\n"),
        (AssCodec(), b"[Events]\nFormat: Text, Start\nDialogue: a,b"),
        (AssCodec(), b"[Events]\nFormat: " + b"Start, End, " * 1000 + b"Text\n"),
    ],
)
def test_the_file_is_refused_when_it_is_damaged(codec: Codec, data: bytes, tmp_path: Path) -> None:
    with pytest.raises(DocumentError) as refusal:
        codec.read(placed(tmp_path, codec, data), OPTIONS)
    assert refusal.value.reason is FailureReason.DOCUMENT_DAMAGED


@pytest.mark.parametrize("codec", [SrtCodec(), VttCodec(), AssCodec()])
@given(data=st.binary(max_size=400) | st.text(max_size=400).map(str.encode))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
def test_nothing_but_a_document_error_is_raised_when_the_bytes_are_anything(
    codec: Codec, data: bytes, tmp_path: Path
) -> None:
    head = {
        "srt": b"1\n00:00:01,000 --> 00:00:02,000\n",
        "vtt": b"WEBVTT\n\n00:01.000 --> 00:02.000\n",
    }
    start = head.get(codec.name, ASS.split("Comment:", maxsplit=1)[0].encode())
    line = b"" if codec.name != "ass" else b"Dialogue: 0,0:00:01.00,0:00:03.00,Default,Ann,0,0,0,,"
    path = placed(tmp_path, codec, start + line + data)
    try:
        found = contents(codec, path)
    except DocumentError:
        return
    assert written(codec, path, found)[0] == path.read_bytes()
    written(codec, path, translated_by(codec, path, swap_case))


def test_many_cues_are_refused_when_they_are_past_the_limit(tmp_path: Path) -> None:
    cue = b"1\n00:00:01,000 --> 00:00:02,000\nHello there\n\n"
    path = placed(tmp_path, SrtCodec(), cue * 5000)
    options = CodecOptions(limits=DocumentLimits(max_segments=4999))
    with pytest.raises(DocumentError) as refusal:
        SrtCodec().read(path, options)
    assert refusal.value.reason is FailureReason.DOCUMENT_TOO_LARGE
    assert len(SrtCodec().read(path, OPTIONS)) == 5000


def test_there_is_nothing_to_translate_when_a_file_has_no_events(tmp_path: Path) -> None:
    path = placed(tmp_path, AssCodec(), b"[Script Info]\nTitle: Fonts\n\n[Fonts]\nfontname: a\n")
    assert contents(AssCodec(), path) == {}
    assert written(AssCodec(), path, {})[0] == path.read_bytes()


def test_reading_stops_when_it_is_told_to(tmp_path: Path) -> None:
    class StoppedError(Exception):
        pass

    def stop() -> None:
        raise StoppedError

    path = placed(tmp_path, SrtCodec(), SRT.encode())
    with pytest.raises(StoppedError):
        SrtCodec().read(path, CodecOptions(stop=stop))


@pytest.mark.parametrize(("codec", "text"), SAMPLES)
def test_a_file_is_recognised_when_it_begins_as_its_format_does(codec: Codec, text: str) -> None:
    assert [other.name for other, _ in SAMPLES if other.recognises(text.encode(), ())] == [
        codec.name
    ]
