"""Plain text: encodings and line ends stay, paragraphs are segments."""

import codecs

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from babelmill.kit.wire.failure_reasons import FailureReason
from tests.unit.translation_worker.formats.text_round_trips import (
    kept,
    louder,
    replaced,
    same,
    segments_of,
    texts_of,
    written,
)
from translation_worker.formats.codec import Codec, CodecOptions, DocumentError, DocumentLimits
from translation_worker.formats.csv_codec import CsvCodec
from translation_worker.formats.html_codec import HtmlCodec
from translation_worker.formats.json_codec import JsonCodec
from translation_worker.formats.markdown import MarkdownCodec
from translation_worker.formats.text import TextCodec

TEXT = TextCodec()


@settings(deadline=None)
@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")))
def test_bytes_stay_when_nothing_is_translated(text: str) -> None:
    for encoding, mark in (
        ("utf-8", b""),
        ("utf-8", codecs.BOM_UTF8),
        ("utf-16-le", codecs.BOM_UTF16_LE),
        ("utf-16-be", codecs.BOM_UTF16_BE),
    ):
        data = mark + text.encode(encoding)
        assert written(TEXT, data, same)[0] == data


@settings(deadline=None)
@given(st.binary())
def test_bytes_stay_or_are_refused_when_they_are_anything(data: bytes) -> None:
    assert kept(TEXT, data) in {data, FailureReason.DOCUMENT_DAMAGED}


def test_paragraphs_are_segments_when_blank_lines_part_them() -> None:
    data = b"\xef\xbb\xbfFirst line\r\nand more.\r\n \r\n\r\n  Second.\r\n---\r\n\r\n123\r\n"

    assert texts_of(TEXT, data) == ["First line\nand more.", "Second.\n---"]
    assert replaced(data, TEXT, louder) == (
        "\ufeffFIRST LINE\r\nAND MORE.\r\n \r\n\r\n  SECOND.\r\n---\r\n\r\n123\r\n"
    )


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("A informação não está aqui.", "cp1252"),
        ("Съешь же ещё этих мягких французских булок, да выпей чаю.", "cp1251"),
        ("我能吞下玻璃而不伤身体。我能吞下玻璃而不伤身体。", "gb18030"),
    ],
)
def test_encoding_is_found_and_kept_when_it_is_legacy(text: str, encoding: str) -> None:
    data = text.encode(encoding)

    assert texts_of(TEXT, data) == [text]
    new, outcome = written(TEXT, data, lambda segment: (f"{text} Ok.",))
    assert new.decode(encoding) == f"{text} Ok."
    assert outcome.notes == {}


def test_text_is_in_utf_8_when_its_encoding_lacks_a_character() -> None:
    new, outcome = written(TEXT, "ação".encode("cp1252"), lambda segment: ("дія",))

    assert new.decode() == "дія"
    assert outcome.notes == {"encoding_changed": 1}


def test_broken_bytes_stay_when_the_rest_is_utf_8() -> None:
    data = "é".encode() * 50 + b"\n\nbad \xff here\n\nlast"

    assert texts_of(TEXT, data) == ["é" * 50, "last"]
    assert written(TEXT, data, louder)[0] == "É".encode() * 50 + b"\n\nbad \xff here\n\nLAST"


def test_long_paragraph_is_cut_between_sentences_when_it_is_one_line() -> None:
    data = b"This is a sentence. " * 2000

    texts = texts_of(TEXT, data)
    assert max(map(len, texts)) <= 4000
    assert all(text.endswith("sentence.") for text in texts)
    assert written(TEXT, data, same)[0] == data


@pytest.mark.parametrize("data", [b" " * 1_000_000 + b"x", b"\f" * 1_000_000, b"x" * 1_000_000])
@pytest.mark.timeout(20)
def test_time_is_linear_when_a_line_is_huge(data: bytes) -> None:
    assert written(TEXT, data, same)[0] == data


@pytest.mark.parametrize(
    "limits",
    [
        DocumentLimits(max_file_bytes=10),
        DocumentLimits(max_segments=1),
        DocumentLimits(max_characters=10),
    ],
)
def test_text_is_refused_when_it_is_past_a_limit(limits: DocumentLimits) -> None:
    with pytest.raises(DocumentError) as caught:
        segments_of(TEXT, b"One paragraph.\n\nAnother one.", CodecOptions(limits=limits))
    assert caught.value.reason is FailureReason.DOCUMENT_TOO_LARGE


@pytest.mark.parametrize("codec", [TEXT, MarkdownCodec(), HtmlCodec(), JsonCodec(), CsvCodec()])
def test_work_ends_when_it_shall_stop(codec: Codec) -> None:
    class _Stopped(Exception):
        pass

    def stop() -> None:
        raise _Stopped

    data = b"[" + b'"Some words",\n' * 30_000 + b"1]"
    with pytest.raises(_Stopped):
        segments_of(codec, data, CodecOptions(stop=stop))
