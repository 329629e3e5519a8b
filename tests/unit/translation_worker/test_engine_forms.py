"""Cutting keeps every word and limit; implausible translations are told."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from translation_worker.engines.cutting import cut_at_clauses
from translation_worker.engines.plausibility import is_plausible, longest_echo

RATIO = (0.5, 2.0)


@given(st.text(), st.integers(min_value=1, max_value=50))
def test_parts_hold_everything_within_the_limit_when_a_sentence_is_cut(
    sentence: str, limit: int
) -> None:
    parts = cut_at_clauses(sentence, limit)
    assert all(0 < len(part) <= limit for part in parts)
    assert "".join("".join(parts).split()) == "".join(sentence.split())


def test_a_cut_is_after_a_clause_when_there_is_one() -> None:
    assert cut_at_clauses("one two three, four five six", 20) == ["one two three,", "four five six"]


def test_a_cut_is_at_a_space_when_there_is_no_clause() -> None:
    assert cut_at_clauses("one two three four five six", 20) == ["one two three four", "five six"]


@pytest.mark.parametrize(
    ("text", "echo"),
    [("", 0), ("one two", 0), ("no no", 1), ("no no no", 2), ("a b a b a b", 2), ("a b c a b", 0)],
)
def test_an_echo_is_counted_when_words_follow_themselves(text: str, echo: int) -> None:
    assert longest_echo(text) == echo


@pytest.mark.parametrize(
    ("source", "translated", "plausible"),
    [
        ("", "", True),
        ("word", "", False),
        ("word", "palavra", True),
        ("word", "palavra " * 8, False),
        ("a" * 100, "b" * 49, False),
        ("a" * 100, "b" * 51, True),
        ("a" * 100, "b" * 201, False),
    ],
)
def test_length_decides_when_a_translation_is_judged(
    source: str, translated: str, plausible: bool
) -> None:
    assert is_plausible(source, translated, RATIO) is plausible
