"""Sentences take the next way when one fails, and no literal is ever lost."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from babelmill.kit.worker.handler import FailureReason, StepFailure
from tests.unit.translation_worker.scripted_engine import PAIR, ScriptedEngine, scripted_chain
from translation_worker.chain import Breakers, Chain
from translation_worker.engines.brief import NO_BRIEF
from translation_worker.engines.engine import EngineError
from translation_worker.routing import Hop, Route
from translation_worker.sentence_translation import SentenceTranslator, Translated, Way

TOKEN = re.compile(r"[A-Z]{2,4}\d+")
PARTS = st.sampled_from([
    "Hello ", "red house ", "{name} ", "{{a.b}}", "%s ", " %d", "$HOME ", "<b>", "</b>", "<br/>",
    "https://a.b/c ", "x@y.org", "`code it`", "XQZ0 ", ", ", "42 ", "1,234.5", "日本", "🙂", "“",
    "”",     "THE END ", "…", " — ", "(", ")", "*it* ", "e", "?", ".",
])  # fmt: skip


def translator(engine: ScriptedEngine, source_language: str = "en") -> SentenceTranslator:
    return SentenceTranslator(scripted_chain(engine), source_language, PAIR.target, lambda: None)


def translate(engine: ScriptedEngine, sentence: str) -> Translated:
    (result,) = translator(engine).translate([sentence])
    return result


def done(text: str, way: Way) -> Translated:
    return Translated(text, way, "en -scripted-> pt")


def reversed_words(text: str) -> str:
    return " ".join(reversed(text.split()))


@given(st.one_of(st.text(min_size=1), st.lists(PARTS, min_size=1).map("".join)))
def test_a_sentence_stays_as_it_is_when_the_engine_changes_nothing(sentence: str) -> None:
    assert translate(ScriptedEngine(lambda text: text), sentence.strip()).text == sentence.strip()


@settings(max_examples=200)
@given(
    st.lists(PARTS, min_size=1).map("".join),
    st.sampled_from([
        reversed_words,
        lambda text: TOKEN.sub("", text),
        lambda text: TOKEN.sub(lambda match: f"{match[0]} {match[0]}", text),
        lambda text: text.lower(),
        lambda text: text.replace("0", "1"),
        lambda text: f"{text} XQZ0",
        lambda _: "",
        lambda _: None,
        lambda text: text.swapcase(),
        lambda text: re.sub(r"\d", "", text),
    ]),
)  # fmt: skip
def test_every_literal_comes_out_once_when_the_engine_is_hostile(
    sentence: str, hostile: "object"
) -> None:
    assert callable(hostile)
    sentence = sentence.strip()
    result = translate(ScriptedEngine(hostile), sentence)
    for literal in ("{name}", "{{a.b}}", "%s", "%d", "$HOME", "https://a.b/c", "x@y.org",
                    "`code it`", "日本", "🙂", "<br/>", "<b>", "</b>"):  # fmt: skip
        assert result.text.count(literal) == sentence.count(literal)


def test_literals_are_masked_when_the_engine_is_asked() -> None:
    engine = ScriptedEngine(lambda text: text.replace("Hello", "Olá"))
    assert translate(engine, "Hello {name}!") == done("Olá {name}!", Way.MASKED)
    assert engine.asked == ["Hello XQZ0!"]


def test_a_sentence_is_masked_otherwise_when_the_first_mask_is_lost() -> None:
    engine = ScriptedEngine(lambda text: text.replace("Hello", "Olá").replace("XQZ0", ""))
    assert translate(engine, "Hello {name}!") == done("Olá {name}!", Way.REMASKED)


def test_numbers_are_masked_too_when_the_engine_changes_them() -> None:
    engine = ScriptedEngine(lambda text: text.replace("have 24", "tenho 25"))
    assert translate(engine, "I have 24 cats.") == done("I have 24 cats.", Way.REMASKED)
    assert engine.asked == ["I have 24 cats.", "I have QX0 cats."]


def test_a_sentence_is_split_when_the_engine_drops_every_mask() -> None:
    engine = ScriptedEngine(lambda text: TOKEN.sub("", text.replace("Hello", "Olá")))
    result = translate(engine, "Hello {name}, Hello you.")
    assert result == done("Olá {name}, Olá you.", Way.SPLIT)


def test_the_source_is_kept_when_the_engine_gives_nothing() -> None:
    result = translate(ScriptedEngine(lambda _: None), "Hello {name}!")
    assert result == Translated("Hello {name}!", Way.KEPT_SOURCE)


def test_the_engine_is_not_asked_when_there_are_only_literals() -> None:
    engine = ScriptedEngine(lambda text: text)
    result = translate(engine, "{name}: https://a.b/c")
    assert result == Translated("{name}: https://a.b/c", Way.NOTHING_TO_DO)
    assert engine.asked == []


def test_tags_around_a_sentence_stay_outside_when_it_is_translated() -> None:
    engine = ScriptedEngine(lambda text: text.replace("Hello", "Olá"))
    assert translate(engine, "<p>Hello you.</p>").text == "<p>Olá you.</p>"
    assert engine.asked == ["Hello you."]


def test_a_long_sentence_is_cut_when_the_engine_has_a_limit() -> None:
    engine = ScriptedEngine(lambda text: text, max_sentence_characters=50)
    sentence = "some words that never come to an end " * 20
    result = translate(engine, sentence.strip())
    assert result.way is Way.MASKED
    assert max(map(len, engine.asked)) <= 50
    assert result.text.split() == sentence.split()


def test_every_hop_is_taken_when_the_route_has_two() -> None:
    first = ScriptedEngine(lambda text: text.replace("one", "dois"))
    second = ScriptedEngine(lambda text: text.replace("dois", "tres"))
    route = Route((Hop("first", PAIR), Hop("second", PAIR)), 1.0)
    chain = Chain({"first": first, "second": second}, (route,), NO_BRIEF, Breakers())
    both = SentenceTranslator(chain, "en", "pt", lambda: None)
    assert both.translate(["There is one."])[0].text == "There is tres."


def test_an_error_passes_when_the_engine_is_broken() -> None:
    def broken(_: str) -> str:
        raise EngineError

    with pytest.raises(StepFailure) as failed:
        translate(ScriptedEngine(broken), "Hello you.")
    assert failed.value.reason is FailureReason.ENGINE_FAILED
