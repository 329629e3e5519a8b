"""Markdown: only words change, whatever they are translated to."""

import sysconfig
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

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
from translation_worker.document import Content, Segment, Tag, plain_text, tags_of
from translation_worker.formats.markdown import MarkdownCodec

MARKDOWN = MarkdownCodec()

SAMPLE = """---
title: Stays
---
# A *grand* title ##

Some text with **bold words** and a [link](http://x.y/z "Its title")
over two lines, by [ref link][ref] or [short] and `code`.

> A quotation with a break\x20\x20
> and a star \\* in it
>
> - item ![picture text](a.png)

- [ ] to do
1. first <b>bold</b> and <kbd>Ctrl</kbd>
   goes on

| Name | A \\| B |
|:---|---|
| one | **two** |
| `x` |  |

```python
print("code")
```

<div>html *block*</div>

Lower title
===========

[short]: http://a.b "Stays"
[ref]: http://a.b
See <http://foo.bar> &copy; note[^1].

[^1]: What the note says.
"""

# Pieces of which Markdown is made, to be thrown together.
PIECES = st.sampled_from(
    ["*", "**", "_", "`", "[", "](u)", "]", "[r]", "![", "<b>", "</b>", "<", "\\", "&amp;", "~~",
     "\n", "\n\n", "> ", "- ", "1. ", "# ", "|", "---\n", "    ", "  \n", "```\n", "word",
     "two words", " ", "\t", "é", "\r\n", "[r]: u\n", "| a | b |\n|---|---|\n"]
)  # fmt: skip


def _structure(markdown: str) -> Counter[tuple[str, str, str]]:
    """Return what there is besides words."""
    tokens = MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(markdown)
    inline = [child for token in tokens for child in token.children or ()]
    return Counter(
        (token.type, str(token.attrGet("href")), token.content if "code" in token.type else "")
        for token in [*tokens, *inline]
        if token.type not in {"text", "softbreak"}
    )


def test_only_words_change_when_they_are_translated() -> None:
    assert replaced(SAMPLE.encode(), MARKDOWN, louder) == (
        SAMPLE.replace("A *grand* title", "A *GRAND* TITLE")
        .replace("Some text with **bold words** and a", "SOME TEXT WITH **BOLD WORDS** AND A")
        .replace("[link]", "[LINK]")
        .replace("Its title", "ITS TITLE")
        .replace("over two lines, by [ref link]", "OVER TWO LINES, BY [REF LINK]")
        .replace("or [short] and", "OR [SHORT][short] AND")
        .replace("A quotation with a break", "A QUOTATION WITH A BREAK")
        .replace("and a star \\* in it", "AND A STAR \\* IN IT")
        .replace("item ![picture text]", "ITEM ![PICTURE TEXT]")
        .replace("to do", "TO DO")
        .replace("first <b>bold</b> and", "FIRST <b>BOLD</b> AND")
        .replace("goes on", "GOES ON")
        .replace("| Name | A \\| B |", "| NAME | A \\| B |")
        .replace("| one | **two** |", "| ONE | **TWO** |")
        .replace("Lower title", "LOWER TITLE")
        .replace("See <http://foo.bar> &copy; note[", "SEE <http://foo.bar> &copy; NOTE[")
        .replace("What the note says.", "WHAT THE NOTE SAYS.")
    )  # fmt: skip


def test_markup_is_tags_when_a_paragraph_holds_some() -> None:
    (segment,) = segments_of(MARKDOWN, b"**All of [it](u) is `bold`**")

    assert plain_text(segment.content) == "All of it is "
    assert len(tags_of(segment.content)) == 3


def test_lines_are_wrapped_when_the_source_has_several() -> None:
    source = b"> This is a paragraph of\r\n> several lines, all of\r\n> them short.\r\n"

    assert replaced(source, MARKDOWN, lambda segment: ("Lange Wörter " * 5 + "- 1. # Ende",)) == (
        "> Lange Wörter Lange\r\n> Wörter Lange Wörter\r\n> Lange Wörter Lange\r\n"
        "> Wörter - 1. # Ende\r\n"
    )


@pytest.mark.parametrize(
    "words",
    ["# no heading", "- no list", "1. no list", "1986. A year", "> none", "a *b* c", "`a`",
     "[short]", "<b>", "a | b", "=== x", "two\nlines", "\\", "_a_ &amp;", "![a](b)", "~~s~~"],
)  # fmt: skip
@pytest.mark.parametrize(
    "source", ["Some words.\n", "> quoted\n> lines here\n", "| a | b |\n|---|---|\n| c | d |\n"]
)
def test_words_are_not_markup_when_they_look_like_it(words: str, source: str) -> None:
    out = replaced(f"{source}\n[short]: u\n".encode(), MARKDOWN, lambda segment: (words,))

    assert _structure(out) == _structure(f"{source}\n[short]: u\n")


def test_source_is_kept_when_a_translation_has_lost_a_tag() -> None:
    new, outcome = written(MARKDOWN, b"A **bold** word.", lambda segment: ("Palavra.",))

    assert new == b"A **bold** word."
    assert outcome.notes == {"tags_lost": 1}


def test_tags_can_move_when_the_translation_orders_them_otherwise() -> None:
    assert replaced(b"**bold** _it_ `c`", MARKDOWN, lambda one: _reordered(one.content)) == (
        "`c` _it_ **bold**"
    )


def _reordered(content: Content) -> Content:
    bold, italic, code = content[0:3], content[4:7], content[8:]
    return (*code, " ", *italic, " ", *bold)


@settings(deadline=None)
@given(st.lists(PIECES, max_size=40).map("".join))
def test_bytes_stay_when_nothing_is_translated(text: str) -> None:
    assert kept(MARKDOWN, text.encode()) == text.encode()


@settings(deadline=None)
@given(st.lists(PIECES, max_size=30).map("".join))
def test_markup_stays_when_words_are_replaced(text: str) -> None:
    def shouted(segment: Segment) -> Content:
        return tuple(
            part if isinstance(part, Tag) else part.replace("word", "WORT")
            for part in segment.content
        )

    out = replaced(text.encode(), MARKDOWN, shouted)
    assert _structure(out) == _structure(text)


def test_bytes_stay_when_documents_are_real() -> None:
    folder = Path(sysconfig.get_paths()["purelib"])
    paths = [*sorted(folder.rglob("*.md"))[:12], Path("README.md")]
    for path in paths:
        data = path.read_bytes()
        assert written(MARKDOWN, data, same)[0] == data
        out = replaced(data, MARKDOWN, louder)
        assert len(texts_of(MARKDOWN, out.encode())) == len(texts_of(MARKDOWN, data))
        assert _structure(out) == _structure(data.decode())


@pytest.mark.parametrize(
    "data",
    [b"> " * 5_000 + b"x", b"[" * 5_000, b"*a " * 5_000, b"`" * 5_000, b"<code>" * 3_000,
     b"- " * 3_000 + b"x", b"![" * 5_000, b"a\n" * 5_000, b"|" * 5_000 + b"\n|-|\n"],
    ids=lambda data: repr(data[:7]),
)  # fmt: skip
@pytest.mark.timeout(60)
def test_document_ends_in_time_when_it_is_hostile(data: bytes) -> None:
    assert kept(MARKDOWN, data) == data


def test_long_paragraph_is_cut_when_it_is_past_what_a_segment_holds() -> None:
    data = b"- " + b"word *two* `c` " * 500 + b"\n  " + b"more\n  " * 500

    assert max(map(len, texts_of(MARKDOWN, data))) <= 2000
    out = written(MARKDOWN, data, louder)[0]
    assert out.split() == (b"- " + b"WORD *TWO* `c` " * 500 + b"MORE " * 500).split()


def test_document_is_refused_when_it_is_huge() -> None:
    assert kept(MARKDOWN, b"x " * 4_000_001) is FailureReason.DOCUMENT_TOO_LARGE
