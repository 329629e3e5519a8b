"""Parts of a document as JSON: what is written is read again, what is damaged is refused."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from translation_worker.document import Content, Segment, SegmentTranslation, Tag, TagKind
from translation_worker.document_json import (
    DamagedPartError,
    SegmentsPart,
    TranslationsPart,
    read_segments,
    read_translations,
    write_segments,
    write_translations,
)

CONTENT: Content = (
    "See ",
    Tag(1, TagKind.OPENING),
    "this",
    Tag(1, TagKind.CLOSING),
    " ",
    Tag(2, TagKind.ALONE),
)


@given(st.lists(st.text(st.characters(), min_size=1), max_size=5), st.integers(0, 1 << 20))
def test_a_chunk_is_the_same_when_it_was_written_and_read(words: list[str], limit: int) -> None:
    segments = tuple(
        Segment(f"p{index}", (text, Tag(index, TagKind.ALONE)), "cell", limit)
        for index, text in enumerate(words)
    )
    part = SegmentsPart("docx", segments)
    assert read_segments(write_segments(part)) == part


def test_translations_are_the_same_when_they_were_written_and_read() -> None:
    part = TranslationsPart(
        "en",
        "pt",
        (
            SegmentTranslation("a", CONTENT, "masked", "en -b-> pt", True, 0.5, ("too_long",)),
            SegmentTranslation("b", (), "nothing_to_do"),
        ),
    )
    assert read_translations(write_translations(part)) == part


def test_the_shape_is_the_documented_one_when_a_chunk_is_written() -> None:
    part = SegmentsPart("docx", (Segment("p12", CONTENT, "heading", 42), Segment("p13", ("x",))))
    assert json.loads(write_segments(part)) == {
        "format": "docx",
        "segments": [
            {
                "id": "p12",
                "content": ["See ", {"open": 1}, "this", {"close": 1}, " ", {"alone": 2}],
                "context": "heading",
                "max_characters": 42,
            },
            {"id": "p13", "content": ["x"]},
        ],
    }


def a_chunk(**changed: object) -> bytes:
    segment = {"id": "p1", "content": ["words"], **changed}
    return json.dumps({"format": "txt", "segments": [segment]}).encode()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff",
        b"[" * 100_000,
        b"[]",
        b'{"format": "txt"}',
        b'{"format": 1, "segments": []}',
        b'{"format": "txt", "segments": [], "more": 1}',
        b'{"format": "txt", "segments": {}}',
        b'{"format": "txt", "segments": [{"id":"a","content":[]},{"id":"a","content":[]}]}',
        a_chunk(id=""),
        a_chunk(id=7),
        a_chunk(content="words"),
        a_chunk(content=[""]),
        a_chunk(content=["a", "b"]),
        a_chunk(content=[{"open": 1}]),
        a_chunk(content=[{"open": 1}, {"open": 2}, {"close": 1}, {"close": 2}]),
        a_chunk(content=[{"alone": -1}]),
        a_chunk(content=[{"alone": True}]),
        a_chunk(content=[{"alone": "1"}]),
        a_chunk(content=[{"other": 1}]),
        a_chunk(content=[{"open": 1, "close": 1}]),
        a_chunk(max_characters=-1),
        a_chunk(max_characters=1.5),
        a_chunk(context=None),
    ],
)
def test_a_chunk_is_refused_when_it_is_damaged(data: bytes) -> None:
    with pytest.raises(DamagedPartError):
        read_segments(data)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("confidence", 2),
        ("confidence", True),
        ("confidence", "1"),
        ("from_memory", 1),
        ("notes", [1]),
        ("way", None),
    ],
)
def test_translations_are_refused_when_they_are_damaged(field: str, value: object) -> None:
    part = TranslationsPart("en", "pt", (SegmentTranslation("a", ("x",), "masked"),))
    document = json.loads(write_translations(part))
    document["segments"][0][field] = value
    with pytest.raises(DamagedPartError):
        read_translations(json.dumps(document).encode())
