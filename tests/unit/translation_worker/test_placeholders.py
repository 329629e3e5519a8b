"""Literals go through masks and come back exactly, or the translation is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from translation_worker.placeholders import PlaceholderError, mask, split_around
from translation_worker.protection import find_spans

PARTS = st.sampled_from([
    "Hello ", "{name}", "{{a.b}}", "%s", " %d", "%(x)s", "$HOME ", "<b>", "</b>", "<br/>", " of ",
    "https://a.b/c?d=e", "x@y.org", "`code it`", "&amp;", "XQZ0", "xqz 1", "QX0", ", ", ". ", "'s",
    "日本", "🙂", "[link](http://a.b)", "50%", "C++", "é", "\u00a0", "(", ")", "-", "_x_", "**",
])  # fmt: skip
SENTENCES = st.one_of(st.text(), st.lists(PARTS, max_size=12).map("".join))


@given(SENTENCES, st.booleans(), st.integers(min_value=0, max_value=1))
def test_unmasking_gives_the_sentence_when_nothing_was_translated(
    sentence: str, thorough: bool, style: int
) -> None:
    masked = mask(sentence, find_spans(sentence, "en", thorough=thorough), style=style)
    assert masked.unmask(masked.text) == sentence


@given(SENTENCES)
def test_runs_join_to_the_sentence_when_it_is_split(sentence: str) -> None:
    runs = split_around(sentence, find_spans(sentence, "en", thorough=True))
    assert "".join(text for text, _ in runs) == sentence


@pytest.mark.parametrize(
    ("sentence", "translated", "expected"),
    [
        ("Hi {a}, see {b}.", "Veja XQZ1, oi XQZ0.", "Veja {b}, oi {a}."),
        ("Hi {a} now.", "Oi xqz0 agora.", "Oi {a} agora."),
        ("%1$s sent you %2$d files", "XQZ1 arquivos de XQZ0", "%2$d arquivos de %1$s"),
        ("Hi {a} now.", "Oi XQZ 0 agora.", "Oi {a} agora."),
        ("Hi {a}, you.", "Oi XQZ0 , você.", "Oi {a}, você."),
        ("See (%s) now.", "Veja ( XQZ0 ) agora.", "Veja (%s) agora."),
        ("A <b>red</b> car.", "Um carro XQZ0 vermelho XQZ1.", "Um carro <b>vermelho</b>."),
        ("One<br/>two.", "Um XQZ0 dois.", "Um<br/>dois."),
        ("Hi {a} now.", "Oi XQZ0agora.", "Oi {a} agora."),
    ],
)
def test_literals_return_to_their_place_when_the_engine_moves_spaces_or_case(
    sentence: str, translated: str, expected: str
) -> None:
    assert mask(sentence, find_spans(sentence, "en")).unmask(translated) == expected


@pytest.mark.parametrize(
    ("sentence", "translated"),
    [
        ("Hi {a}, see {b}.", "Oi XQZ0."),
        ("Hi {a} now.", "Oi XQZ0 e XQZ0 agora."),
        ("Hi {a} now.", "Oi agora."),
        ("Hi {a} now.", "Oi XQZ7 agora."),
        ("A <b>red</b> car.", "Um XQZ1 carro XQZ0."),
        ("%s sent you %d files", "XQZ1 arquivos de XQZ0"),
        ("{} is not {}", "XQZ1 é XQZ0"),
        ("<b>a</b> or <i>b</i> too", "XQZ0 a XQZ2 ou b XQZ1 e XQZ3"),
    ],
)
def test_a_translation_is_refused_when_a_literal_is_lost_doubled_or_misplaced(
    sentence: str, translated: str
) -> None:
    with pytest.raises(PlaceholderError):
        mask(sentence, find_spans(sentence, "en")).unmask(translated)


def test_space_returns_when_the_engine_has_lost_it_behind_a_stop() -> None:
    sentence = "It dies. `x` holds it."
    masked = mask(sentence, find_spans(sentence, "en"))

    assert masked.unmask(f"Morre.{masked.prefix}0 o tem.") == "Morre. `x` o tem."


def test_another_word_is_used_when_the_text_holds_the_first() -> None:
    masked = mask("Keep xqz0 and {a} here.", find_spans("Keep xqz0 and {a} here.", "en"))
    assert masked.text == "Keep xqz0 and QX0 here."
    assert masked.unmask("Mantenha xqz0 e QX0 aqui.") == "Mantenha xqz0 e {a} aqui."


def test_a_free_word_is_found_when_the_text_holds_all_of_them() -> None:
    text = "XQZ QX ZQX KXQ QZK XJQ QJX ZJQ {a} word"
    masked = mask(text, find_spans(text, "en"), style=1)
    assert masked.prefix not in text
    assert masked.unmask(masked.text) == text


def test_neighbours_share_a_word_when_only_punctuation_parts_them() -> None:
    text = "Copied %d/%d files, {first} {last}."
    masked = mask(text, find_spans(text, "en"))
    assert [literal.original for literal in masked.literals] == ["%d/%d", "{first} {last}"]


def test_there_is_nothing_to_translate_when_only_literals_are_left() -> None:
    text = "{a} https://b.c/d, %s"
    assert not mask(text, find_spans(text, "en")).has_words
