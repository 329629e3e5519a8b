"""Records: the named fields are translated, code in them is not, and names are found."""

import json

import pytest

from babelmill.kit.wire.failure_reasons import FailureReason
from tests.unit.translation_worker.formats.text_round_trips import (
    kept,
    louder,
    replaced,
    segments_of,
    texts_of,
)
from translation_worker.document import plain_text
from translation_worker.formats.codec import CodecOptions, RecordRules
from translation_worker.formats.entities import named_entities
from translation_worker.formats.records import RecordsCodec

RECORDS = RecordsCodec()
CONTENT = """Use `sorted(x)` to sort a list; <code>x</code> stays.

```python
words = sorted(y)
```
Then run it:
$ python x.py
x = 5
for y in range(3):
    print(y)
Done.
"""


def _options(*fields: str, code_filter: bool = False) -> CodecOptions:
    return CodecOptions(record_rules=RecordRules(target_fields=fields, code_filter=code_filter))


def test_fields_are_segments_when_they_are_named() -> None:
    data = json.dumps(
        [
            {"title": "First", "tags": ["one x", "two x"]},
            {"title": "Two\n\nparts", "id": "Not"},
        ]
    ).encode()

    found = segments_of(RECORDS, data, _options("title", "tags.*"))
    assert [(one.segment_id, plain_text(one.content), one.context) for one in found] == [
        ("r0.title", "First", "title"),
        ("r0.tags.0", "one x", "tags"),
        ("r0.tags.1", "two x", "tags"),
        ("r1.title", "Two", "title"),
        ("r1.title#2", "parts", "title"),
    ]


def test_code_stays_when_it_is_filtered() -> None:
    data = json.dumps([{"content": CONTENT}]).encode()

    out = replaced(data, RECORDS, louder, _options("content", code_filter=True))
    assert json.loads(out) == [
        {
            "content": CONTENT.replace("Use ", "USE ")
            .replace(" to sort a list; ", " TO SORT A LIST; ")
            .replace(" stays.", " STAYS.")
            .replace("Then run it:", "THEN RUN IT:")
            .replace("Done.", "DONE.")
        }
    ]


@pytest.mark.parametrize(
    ("line", "is_code"),
    [
        ("import os, sys", True), ("from a.b import c", True), ("def f(x): return x", True),
        ("const a = 5;", True), ("public static void main(String[] args) {", True),
        ("#include <stdio.h>", True), ("if (a < b) {", True), ("SELECT * FROM users", True),
        ("pip install requests", True), ("}", True), ("<br/>", True), ("obj.call(1, 2);", True),
        ("For example:", False), ("If you need help, ask:", False), ("<p>Some text</p>", False),
        ("public holidays (in May) are free", False), ("return to the shop", False),
        ("apples; pears;", False), ("Make it work", False), ("import duties are high.", False),
    ],
)  # fmt: skip
def test_line_is_code_when_it_looks_like_a_program(line: str, *, is_code: bool) -> None:
    data = json.dumps([{"a": f"Some words.\n{line}\nMore words."}]).encode()

    texts = texts_of(RECORDS, data, _options("a", code_filter=True))
    assert any(line in text for text in texts) is not is_code


@pytest.mark.parametrize("data", [b'{"a": "b"}', b'"text"', b"[", b"\xff", b'["a"] x'])
def test_records_are_refused_when_they_are_no_list(data: bytes) -> None:
    assert kept(RECORDS, data, _options("a")) is FailureReason.DOCUMENT_DAMAGED


def test_names_are_found_when_no_sentence_begins_with_them() -> None:
    found = named_entities(
        [
            ("r0.a", "We met Ada Lovelace of the Royal Society in London. London is big."),
            ("r3.a", "The NASA and Acme Inc. like London's parks. Parks are green. I do."),
        ]
    )

    assert {entity.text: (entity.kind, entity.count, entity.records) for entity in found} == {
        "London": ("name", 3, {0, 3}),
        "Ada Lovelace of the Royal Society": ("name", 1, {0}),
        "NASA": ("acronym", 1, {3}),
        "Acme Inc": ("organisation", 1, {3}),
    }


def test_nouns_are_no_names_when_the_language_is_german() -> None:
    found = named_entities([("r0.a", "Das ist ein Haus der EU.")], "de")

    assert [one.text for one in found] == ["EU"]
