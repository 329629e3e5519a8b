"""Segmentation loses nothing and cuts where a reader would."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from translation_worker.placeholders import mask
from translation_worker.protection import find_spans
from translation_worker.segmentation import Piece, segment

FRAGMENTS = st.sampled_from([
    "The house is red. ", "Mr. Smith left. ", "no end", "{name}", "`a b`", "https://ex.com/a.b ",
    "\n", "\r\n", "\r", "\n\n", "  ", "\t", "    ", "- ", "1. ", "# ", "> ", "```\n", "| a | b |",
    "“Quoted.” ", "…", "\ufeff", "\u2028", "\x00", "\x0b", "\u00a0", "日本", "e.g. ", "U.S. ",
    "a line that is long enough to look as if it were wrapped by a margin",
    "and goes on in small letters ", "?! ", "\"", ")", "[a](http://x.y)", "<b>", "</b>", "\u0301",
])  # fmt: skip
TEXTS = st.one_of(st.text(), st.lists(FRAGMENTS).map("".join))


def literals(line: str) -> list[tuple[int, int]]:
    return [(span.start, span.end) for span in find_spans(line, "en")]


def cut(text: str, language: str = "en") -> list[Piece]:
    return list(segment(text, language, literals))


def sentences(text: str, language: str = "en") -> list[str]:
    return [piece.flat for piece in cut(text, language) if piece.translatable]


@given(TEXTS, st.sampled_from(["en", "pt", "es", "fr", "ca"]))
def test_pieces_join_to_the_text_when_it_is_anything(text: str, language: str) -> None:
    assert "".join(piece.text for piece in cut(text, language)) == text


@given(TEXTS)
def test_rebuilding_gives_the_piece_when_nothing_was_translated(text: str) -> None:
    for piece in cut(text):
        assert piece.rebuild(piece.flat, literals) == piece.text


@given(TEXTS, st.integers(min_value=0, max_value=40))
def test_line_breaks_stay_as_many_when_the_translation_has_another_length(
    text: str, words: int
) -> None:
    for piece in cut(text):
        if piece.translatable:
            rebuilt = piece.rebuild(" ".join(["palavra"] * words), literals)
            for mark in "\r\n":
                assert rebuilt.count(mark) == piece.text.count(mark)


@given(TEXTS)
def test_engines_see_no_control_characters_when_the_text_holds_them(text: str) -> None:
    for sentence in sentences(text):
        seen = mask(sentence, find_spans(sentence, "en")).text
        assert not any(character < " " for character in seen)


def test_lines_are_sentences_of_their_own_when_they_end_short() -> None:
    poem = "Roses are red,\nViolets are blue,\n\n  Sugar is sweet"
    assert sentences(poem) == ["Roses are red,", "Violets are blue,", "Sugar is sweet"]


def test_a_wrapped_paragraph_flows_when_its_lines_end_at_a_margin() -> None:
    text = (
        "   The quick brown fox jumps over the lazy dog and then it runs\r\n"
        "   away into the dark forest. There it sleeps until the\r\n"
        "   next morning."
    )
    assert sentences(text) == [
        "The quick brown fox jumps over the lazy dog and then it runs away into the dark forest.",
        "There it sleeps until the next morning.",
    ]


def test_line_breaks_move_to_a_space_when_a_wrapped_sentence_is_translated() -> None:
    text = (
        "The quick brown fox jumps over the lazy dog and then it runs\n"
        "away into the dark forest and sleeps."
    )
    (piece,) = cut(text)
    rebuilt = piece.rebuild(
        "A raposa salta `a b c d e f g h i j k l m n o p q r` e dorme.", literals
    )
    assert rebuilt.count("\n") == 1
    assert "`a b c d e f g h i j k l m n o p q r`" in rebuilt


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("- an item", "an item"),
        ("  12) an item", "an item"),
        ("* [x] an item", "an item"),
        ("### A heading", "A heading"),
        ("> > quoted words", "quoted words"),
        ("• an item", "an item"),
        ("\ufeffA beginning", "A beginning"),
    ],
)
def test_markers_are_copied_when_a_line_starts_with_them(line: str, sentence: str) -> None:
    assert sentences(line) == [sentence]


def test_cells_are_sentences_when_tabs_or_bars_part_them() -> None:
    assert sentences("Name\tAge\n| One | Two words |\nLeft     right") == [
        "Name", "Age", "One", "Two words", "Left", "right",
    ]  # fmt: skip


def test_code_is_copied_when_a_fence_closes() -> None:
    assert sentences("Before\n```\ncode here\n```\nAfter") == ["Before", "After"]


def test_text_is_translated_when_a_fence_never_closes() -> None:
    assert sentences("Before\n```\nwords here") == ["Before", "words here"]


def test_a_literal_stays_whole_when_it_holds_an_end_of_sentence() -> None:
    assert sentences("Use `a. B` now. Then go.") == ["Use `a. B` now.", "Then go."]


@pytest.mark.parametrize(
    "text",
    ["a {b} <c> d. " * 20_000, "word " * 60_000, "x" * 200_000, "One. Two! " * 20_000,
     "{{ a b }} " * 20_000, "`a b` and\n" * 20_000],
)  # fmt: skip
def test_nothing_is_lost_in_little_time_when_a_line_is_very_long(text: str) -> None:
    started = time.monotonic()
    pieces = cut(text)
    assert time.monotonic() - started < 20
    assert "".join(piece.text for piece in pieces) == text
    assert max(len(piece.text) for piece in pieces if piece.translatable) <= 20_000


def test_a_literal_keeps_its_line_break_when_it_spans_two_lines() -> None:
    text = "A line that is long enough to be wrapped by a margin uses {{ user.\nname }} here."
    assert "".join(piece.text for piece in cut(text)) == text
    assert all("{{ user. name }}" not in sentence for sentence in sentences(text))
