"""Sentences end where they end, and not at abbreviations."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from translation_worker.sentence_splitting import split_sentences

PARTS = st.sampled_from([
    "One. ", "Two! ", "Mr. ", "p. 3. ", "\"Hi.\" ", "U.S. ", "… ", "(a) ", "1. ", "a.b ", "x", " ",
])  # fmt: skip


def split(text: str, language: str) -> list[str]:
    return [text[start:end] for start, end in split_sentences(text, language)]


@given(
    st.one_of(st.text(), st.lists(PARTS).map("".join)),
    st.sampled_from(["en", "pt", "es", "fr", "ru", "xx"]),
)
def test_only_space_lies_between_sentences_when_the_text_is_anything(
    text: str, language: str
) -> None:
    position = 0
    for start, end in split_sentences(text, language):
        assert position <= start < end
        assert not text[position:start].strip()
        assert text[start:end] == text[start:end].strip()
        position = end
    assert not text[position:].strip()


@pytest.mark.parametrize(
    ("language", "text", "expected"),
    [
        ("en", "Mr. Smith left. He ran!", ["Mr. Smith left.", "He ran!"]),
        ("en", "The U.S. is big. Is it? Yes.", ["The U.S. is big.", "Is it?", "Yes."]),
        ("en", "See fig. 2 now. Go on.", ["See fig. 2 now.", "Go on."]),
        ("en", "It costs $3.50 e.g. today. Fine.", ["It costs $3.50 e.g. today.", "Fine."]),
        ("pt", "O Sr. Silva foi à Av. Paulista às 15h. Voltou.",
         ["O Sr. Silva foi à Av. Paulista às 15h.", "Voltou."]),
        ("pt", "Ver pág. 3. O Dr. Costa, p.ex., ficou.",
         ["Ver pág. 3.", "O Dr. Costa, p.ex., ficou."]),
        ("es", "¿Cómo estás? ¡Bien! La Sra. Gómez vino.",
         ["¿Cómo estás?", "¡Bien!", "La Sra. Gómez vino."]),
        ("fr", "M. Dupont est là. Il rit.", ["M. Dupont est là.", "Il rit."]),
        ("xx", "Uno. Dos tres... quattro", ["Uno.", "Dos tres... quattro"]),
    ],
)  # fmt: skip
def test_sentences_are_a_readers_when_abbreviations_are_among_them(
    language: str, text: str, expected: list[str]
) -> None:
    assert split(text, language) == expected


def test_no_sentence_ends_within_a_part_when_it_is_protected() -> None:
    text = "Use a. B now. Go."
    assert split_sentences(text, "en", [(4, 8)]) == [(0, 13), (14, 17)]


@pytest.mark.parametrize("text", ["A b. " * 40_000, "1. 2. 3. " * 20_000, "word " * 40_000])
def test_splitting_takes_little_time_when_the_text_is_long(text: str) -> None:
    started = time.monotonic()
    split_sentences(text, "en")
    assert time.monotonic() - started < 10
