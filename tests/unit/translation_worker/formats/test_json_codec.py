"""JSON: what people read is found, and patched in the source."""

import json
import sysconfig
from pathlib import Path

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
from translation_worker.formats.codec import CodecOptions, RecordRules
from translation_worker.formats.json_codec import JsonCodec
from translation_worker.formats.text_prose import is_prose

JSON = JsonCodec()

SAMPLE = r"""{"id": "the-item", "title": "A title",  "n": 3.50, "sizes": ["Large", "xl", "size_l"],
	"img": "https://x.y/z.png", "nested": {"updatedAt": "Mon Jan 3 2022",
	"note": "Line one\nline \u00e9 two\r\n\r\nNew \"part\" \ud83d\ude00 <\/b>"}, "css": "0px auto"}
"""
JSON_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
)


def test_texts_change_and_nothing_else_when_they_are_translated() -> None:
    assert replaced(SAMPLE.encode(), JSON, louder) == (
        SAMPLE.replace("A title", "A TITLE")
        .replace("Large", "LARGE")
        .replace(r"Line one\nline \u00e9 two", r"LINE ONE\nLINE \u00c9 TWO")
        .replace(r"New \"part\" \ud83d\ude00 <\/b>", r"NEW \"PART\" \ud83d\ude00 <\/B>")
    )


def test_named_fields_are_translated_when_there_are_rules() -> None:
    data = b'[{"a": {"b": ["one x", "two x"]}, "id": "Some words"}, {"a": "other words"}]'
    options = CodecOptions(record_rules=RecordRules(target_fields=("a.b.*", "id")))

    assert texts_of(JSON, data, options) == ["one x", "two x", "Some words"]


def test_single_words_are_texts_when_all_of_it_is_messages() -> None:
    catalogue = b'{"menu": {"save": "save", "type": "OK"}, "hello": "Hi {name}"}'

    assert texts_of(JSON, catalogue) == ["save", "OK", "Hi {name}"]
    assert texts_of(JSON, b'{"align": "left", "n": 1, "list": ["left"]}') == []


def test_lines_are_values_when_there_is_one_a_line() -> None:
    data = b'{"title": "First one"}\n{"title": "Second one"}\n'

    assert texts_of(JSON, data) == ["First one", "Second one"]
    assert written(JSON, data, same)[0] == data


def test_choices_are_texts_of_their_own_when_a_message_has_some() -> None:
    message = (
        "You have {n, plural, offset:1 =0 {no '{files}'} one {# file {of, select, a {by {who}} "
        "other {x} }} other{# files}}."
    )
    data = json.dumps({"a": {"b": message}, "c": "{n, plural, one {broken"}).encode()

    texts = texts_of(JSON, data)
    assert texts == [
        "You have",
        "no '{files}'",
        " file",
        "by {who}",
        "x",
        " files",
        "{n, plural, one {broken",
    ]
    out = json.loads(written(JSON, data, louder)[0])
    assert out["a"]["b"] == (
        "YOU HAVE {n, plural, offset:1 =0 {NO '{FILES}'} one {# FILE {of, select, a {BY {WHO}} "
        "other {X} }} other{# FILES}}."
    )


@settings(deadline=None)
@given(JSON_VALUES, st.sampled_from([None, 1, "\t"]), st.booleans())
def test_bytes_stay_when_nothing_is_translated(
    value: object, indent: int | str | None, ascii_only: bool
) -> None:
    data = json.dumps(value, indent=indent, ensure_ascii=ascii_only).encode(errors="surrogatepass")

    assert kept(JSON, data) in {data, FailureReason.DOCUMENT_DAMAGED}


@settings(deadline=None)
@given(JSON_VALUES, st.text(st.characters(exclude_categories=["Cs"])))
def test_values_stay_json_when_texts_are_replaced(value: object, words: str) -> None:
    source = {"title": "Some words", "value": value}
    data = json.dumps(source).encode()

    out = json.loads(written(JSON, data, {"title": (words,)})[0])
    assert out == source | {"title": words}


@settings(deadline=None)
@given(st.text(st.sampled_from(list('{}[],:"\\u12 e-.0truefalsenl\n'))))
def test_same_files_are_refused_as_by_others_when_they_are_damaged(text: str) -> None:
    is_lines = False
    try:
        json.loads(text)
        is_good = "\x00" not in text
    except ValueError:
        is_good = False
        is_lines = "\n" in text
    if not is_lines:
        assert (kept(JSON, text.encode()) == text.encode()) is is_good


def test_segments_have_ids_of_their_own_when_keys_are_there_twice() -> None:
    data = b'{"a": "one text\\n\\nmore text", "a#2": "two words", "a": "more words", "n": [1]}'

    found = segments_of(JSON, data)
    assert [one.segment_id for one in found] == ["a", "a#2", "a#2#2", "a#3"]
    assert written(JSON, data, same)[0] == data


def test_segments_can_be_written_when_keys_are_broken_or_long() -> None:
    data = (
        b'{"\\ud800": "Some words", "\\udfff": "Other words", "' + b"k" * 1000 + b'": "Last words"}'
    )

    found = segments_of(JSON, data)
    assert len({one.segment_id for one in found}) == 3
    assert all(f"{one.segment_id}{one.context}".encode() for one in found)
    assert max(len(one.segment_id) for one in found) < 200


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"[" * 100_000, FailureReason.DOCUMENT_TOO_LARGE),
        (b'{"a":' * 100_000, FailureReason.DOCUMENT_TOO_LARGE),
        (b"[" + b"1," * 300_000 + b"1", FailureReason.DOCUMENT_DAMAGED),
        (b'"' + b"\\" * 100_001 + b'"', FailureReason.DOCUMENT_DAMAGED),
        (b"{" + b" " * 1_000_000, FailureReason.DOCUMENT_DAMAGED),
        (b'"a\0"', FailureReason.DOCUMENT_DAMAGED),
        (b"{} {}", FailureReason.DOCUMENT_DAMAGED),
        (b"", FailureReason.DOCUMENT_DAMAGED),
    ],
    ids=lambda value: repr(value[:8]),
)
@pytest.mark.timeout(60)
def test_file_is_refused_when_it_is_hostile(data: bytes, reason: FailureReason) -> None:
    assert kept(JSON, data) is reason


def test_bytes_stay_when_files_are_real() -> None:
    paths = sorted(Path(sysconfig.get_paths()["purelib"]).rglob("*.json"))
    paths = [path for path in paths if path.stat().st_size < 100_000][:15]
    for path in paths:
        data = path.read_bytes()
        assert written(JSON, data, same)[0] == data
        json.loads(written(JSON, data, louder)[0])
    assert paths


@pytest.mark.parametrize(
    ("value", "name", "expected"),
    [
        ("The quick fox.", "", True), ("Settings", "", True), ("left", "", False),
        ("https://a.b/c d", "", False), ("2024-01-02", "", False), ("a@b.cd", "", False),
        ("USD", "", False), ("camelCase", "", False), ("some_id", "", False),
        ("Hello you", "id", False), ("Hello you", "userId", False), ("hi", "title", True),
        ("3 items left", "", True), ("1px solid red", "", False), ("margin: 0 auto", "", False),
        ("你好世界", "", True), ("12:30 pm", "", False), ("Mon, 3 Jan", "", False), ("", "", False),
    ],
)  # fmt: skip
def test_value_is_prose_when_people_read_it(value: str, name: str, *, expected: bool) -> None:
    assert is_prose(value, name) is expected
