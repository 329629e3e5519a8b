"""Sentences are made plain for engines, and look like the source again afterwards."""

# ruff: noqa: RUF001 - look-alike quotes and dashes are what is tested

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from translation_worker.typography import adapt

TOKEN = re.compile(r"XQZ(\d+)(?!\d)")


def through(source: str, translated: str, target: str = "pt") -> str:
    return adapt(source, TOKEN).restore(translated, target)


@given(st.text(), st.sampled_from(["pt", "es", "fr"]))
def test_a_sentence_is_itself_when_the_engine_changes_nothing(text: str, target: str) -> None:
    adapted = adapt(text, TOKEN)
    assert adapted.restore(adapted.text, target) == text


@given(st.text(), st.text())
def test_restoring_never_fails_when_the_engine_answers_anything(source: str, answer: str) -> None:
    assert isinstance(adapt(source, TOKEN).restore(answer, "es"), str)


@pytest.mark.parametrize(
    ("source", "asked"),
    [
        ("“I don’t know…”", "I don't know..."),
        ("The cat — old and grey — sleeps.", "The cat - old and grey - sleeps."),
        ("no food—nothing", "no food - nothing."),
        ("In 2019–2021 it grew.", "In 2019-2021 it grew."),
        ("THE END OF XQZ0", "The end of XQZ0"),
        ("NATO", "NATO"),
        ("hello world", "hello world."),
        ("hello", "hello"),
        ("**Warning**", "Warning"),
        ("(see below)", "see below."),
        ("¿Cómo estás?", "Cómo estás?"),
        ('"Hello there', "Hello there"),
        ('She said "hi".', 'She said "hi".'),
    ],
)
def test_engines_get_a_plain_sentence_when_the_source_is_fancy(source: str, asked: str) -> None:
    assert adapt(source, TOKEN).text == asked


@pytest.mark.parametrize(
    ("source", "translated", "expected"),
    [
        ("“I don’t know…”", "Eu não sei...", "“Eu não sei…”"),
        ("He said “yes” to me.", 'Ele me disse "sim".', "Ele me disse “sim”."),
        ("He said 'yes' to me.", 'Ele me disse "sim".', "Ele me disse 'sim'."),
        ("The cat — old — sleeps.", "O gato - velho - dorme.", "O gato — velho — dorme."),
        ("no food—nothing", "sem comida - nada.", "sem comida—nada"),
        ("In 2019–2021 it grew.", "Em 2019-2021 cresceu.", "Em 2019–2021 cresceu."),
        ("THE END OF XQZ0", "O fim de XQZ0", "O FIM DE XQZ0"),
        ("Hello", "Olá,", "Olá"),
        ("Hello.", "Olá", "Olá."),
        ("Open file?", "Abrir arquivo.", "Abrir arquivo?"),
        ("hello world", "Olá mundo.", "olá mundo"),
        ("a day in March", "Um dia em março.", "um dia em março"),
        ("The end", "o fim", "O fim"),
        ("XQZ0 was deleted.", "XQZ0 Foi excluído.", "XQZ0 foi excluído."),
        ("Yes, please.", "Sim , por favor .", "Sim, por favor."),
        ("It is  wide.", "É  largo.", "É largo."),
    ],
)
def test_a_translation_looks_like_the_source_when_it_is_restored(
    source: str, translated: str, expected: str
) -> None:
    assert through(source, translated) == expected


@pytest.mark.parametrize(
    ("source", "translated", "target", "expected"),
    [
        ("Where are you?", "Donde estás?", "es", "¿Donde estás?"),
        ("He asked: “Why?”", 'Preguntó: "Por que?"', "es", "Preguntó: “¿Por que?”"),
        ("¿Cómo estás?", "Como está?", "pt", "Como está?"),
        ("Great!", "Genial!", "es", "¡Genial!"),
        ("Great!", "Genial!", "ca", "Genial!"),
    ],
)
def test_inverted_marks_follow_the_target_when_a_sentence_asks_or_exclaims(
    source: str, translated: str, target: str, expected: str
) -> None:
    assert through(source, translated, target) == expected
