"""Translations are shared out among cues and lines without a word lost."""

# ruff: noqa: RUF001 - ideographs and their stops are what is shared out

import pytest
from hypothesis import given
from hypothesis import strategies as st

from translation_worker.document import Tag, TagKind, content_of
from translation_worker.formats.subtitle_layout import MAX_LINE_WIDTH, breaks
from translation_worker.formats.subtitle_markup import MarkedText, marked_text
from translation_worker.formats.subtitle_sharing import display_width, share

OPENING, CLOSING = Tag(1, TagKind.OPENING), Tag(1, TagKind.CLOSING)


def texts(text: str, weights: list[int]) -> list[str]:
    return [part.text for part in share(MarkedText(text), weights)]


@given(
    st.lists(st.text("abcé,.", min_size=1, max_size=12), min_size=1, max_size=40),
    st.lists(st.integers(1, 80), min_size=1, max_size=6),
)
def test_every_word_is_in_one_cue_when_there_are_enough(
    words: list[str], weights: list[int]
) -> None:
    parts = texts(" ".join(words), weights)
    assert len(parts) == len(weights)
    assert all(parts)
    if len(words) >= len(weights):
        assert " ".join(parts) == " ".join(words)


def test_the_cut_is_after_the_comma_when_that_is_near() -> None:
    assert texts("Quando ele chegou em casa, todos já dormiam.", [20, 20]) == [
        "Quando ele chegou em casa,",
        "todos já dormiam.",
    ]


def test_an_article_stays_with_its_noun_when_both_cuts_are_as_near() -> None:
    assert texts("Nós vimos um barco grande no porto", [13, 20])[0] != "Nós vimos um"


def test_ideographs_are_cut_anywhere_but_before_a_stop_when_there_are_no_spaces() -> None:
    parts = texts("我从来没有想过你会回到这里来，真的。", [10, 10])
    assert "".join(parts) == "我从来没有想过你会回到这里来，真的。"
    assert not parts[1].startswith(("，", "。"))


def test_a_pair_of_tags_is_closed_and_opened_when_a_cut_goes_through_it() -> None:
    content = content_of(["one ", OPENING, "two three", CLOSING, " four"])
    left, right = share(marked_text(content), [8, 11])
    assert (left.text, right.text) == ("one two", "three four")
    assert left.marks == ((4, OPENING), (7, CLOSING))
    assert right.marks == ((0, OPENING), (5, CLOSING))


@pytest.mark.parametrize(
    ("text", "columns"), [("abc", 3), ("字幕", 4), ("e\u0301", 1), ("a\u200bb", 2)]
)
def test_a_width_is_that_of_the_screen_when_characters_are_wide_or_have_none(
    text: str, columns: int
) -> None:
    assert display_width(text) == columns


@given(st.lists(st.text("abcdefgh", min_size=1, max_size=10), min_size=1, max_size=14))
def test_two_lines_are_within_the_width_when_they_can_be(words: list[str]) -> None:
    text = " ".join(words)
    ends = breaks(text, 1, wraps_itself=False)
    lines = [(" ".join(words[:cut]), " ".join(words[cut:])) for cut in range(1, len(words))]
    fits_on_two = any(max(map(len, both)) <= MAX_LINE_WIDTH for both in lines)
    if len(text) <= MAX_LINE_WIDTH:
        assert ends == []
    elif fits_on_two:
        ((end, start),) = ends
        assert max(end, len(text) - start) <= MAX_LINE_WIDTH
