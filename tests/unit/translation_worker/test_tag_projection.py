"""Markup encloses the words it enclosed in the source."""

import pytest

from tests.unit.translation_worker.scripted_engine import ScriptedEngine, scripted_chain
from translation_worker.protection import find_spans
from translation_worker.sentence_translation import SentenceTranslator, Translated, Way
from translation_worker.tag_projection import (
    TaggedWords,
    encloses_the_same,
    project,
    simple_pairs,
    without_tags,
)

BOLD = TaggedWords("<b>", "red", "</b>")


@pytest.mark.parametrize(
    ("expected", "found", "same"),
    [
        ("termos de serviço", "termos de serviço", True),
        ("vermelho", "vermelha", True),
        ("termos de serviço", "primeiro", False),
        ("Salvar", "", False),
        ("", "anything", True),
    ],
)
def test_enclosed_words_are_compared_by_their_stems(expected: str, found: str, same: bool) -> None:
    assert encloses_the_same(expected, found) is same


@pytest.mark.parametrize(
    ("translated", "inner", "expected"),
    [
        ("O carro vermelho.", "vermelho", "O carro <b>vermelho</b>."),
        ("Vermelho é o carro.", "vermelho.", "<b>Vermelho</b> é o carro."),
        ("O carro azul.", "vermelho", None),
        ("vermelho, vermelho", "vermelho", None),
        ("avermelhado", "vermelho", None),
        ("O carro.", " ", None),
    ],
)
def test_tags_are_set_only_where_the_words_are_found_once(
    translated: str, inner: str, expected: str | None
) -> None:
    assert project(translated, [BOLD], [inner]) == expected


@pytest.mark.parametrize(
    "sentence", ["<b>a <i>b</i></b>", "<b>a {x}</b> c", "a</b> c", "plain", "<b>a</b> {x} <i>c"]
)
def test_no_pairs_are_simple_when_tags_nest_or_hold_literals(sentence: str) -> None:
    spans = find_spans(sentence, "en")
    pairs = simple_pairs(sentence, spans)
    assert pairs is None or sentence == "<b>a</b> {x} <i>c"


def test_a_sentence_loses_only_its_tags() -> None:
    sentence = "A <b>red</b> car of {name}."
    assert without_tags(sentence, find_spans(sentence, "en")) == "A red car of {name}."


def test_tags_are_set_again_when_the_engine_moves_words_out_of_them() -> None:
    words = {"A XQZ0 red XQZ1 car.": "Um carro vermelho XQZ0 rápido XQZ1.",
             "A red car.": "Um carro vermelho.", "red": "vermelho"}  # fmt: skip
    engine = ScriptedEngine(lambda text: words.get(text, text))
    translator = SentenceTranslator(scripted_chain(engine), "en", "pt", lambda: None)
    assert translator.translate(["A <b>red</b> car."]) == [
        Translated("Um carro <b>vermelho</b>.", Way.PROJECTED, "en -scripted-> pt")
    ]
