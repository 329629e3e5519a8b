"""Segments with tags through a chain: what comes back is whole, and says how it came to be."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.translation_worker.scripted_engine import ScriptedEngine, scripted_chain
from translation_worker.document import (
    Content,
    Segment,
    SegmentTranslation,
    Tag,
    TagKind,
    content_of,
    plain_text,
)
from translation_worker.engines.brief import Term
from translation_worker.glossary import Glossary
from translation_worker.segment_translation import (
    GLOSSARY_TERM_MISSED,
    TOO_LONG,
    SegmentTranslator,
    worst,
)
from translation_worker.sentence_translation import Way
from translation_worker.tagged_text import keeps_tags

OPEN, CLOSE = Tag(1, TagKind.OPENING), Tag(1, TagKind.CLOSING)
BREAK = Tag(2, TagKind.ALONE)


def translate(
    engine: ScriptedEngine, *segments: Segment, glossary: Glossary | None = None
) -> list[SegmentTranslation]:
    translator = SegmentTranslator(
        scripted_chain(engine), "en", "pt", lambda: None, glossary=glossary
    )
    return translator.translate(segments)


def test_the_worst_way_is_told_when_sentences_went_different_ways() -> None:
    engine = ScriptedEngine(lambda text: None if "red" in text else text.upper())
    both, good, none = translate(
        engine,
        Segment("a", ("Hello you. A red car.",)),
        Segment("b", ("Hello you. 42.",)),
        Segment("c", ("42",)),
    )
    assert (both.way, plain_text(both.content)) == (Way.KEPT_SOURCE, "HELLO YOU. A red car.")
    assert (good.way, plain_text(good.content)) == (Way.MASKED, "HELLO YOU. 42.")
    assert (none.way, none.route) == (Way.NOTHING_TO_DO, "")
    assert good.route == "en -scripted-> pt"
    assert worst([]) is Way.NOTHING_TO_DO


def test_runs_are_translated_alone_when_tags_do_not_come_back() -> None:
    content: Content = ("The ", OPEN, "house is red. A", CLOSE, " cat sits.", BREAK)
    engine = ScriptedEngine(
        lambda text: (
            text.replace("house", "casa").replace("cat", "gato")
            if "Q" not in text
            else text.replace("0", "1")
        )
    )
    (done,) = translate(engine, Segment("a", content))
    assert keeps_tags(content, done.content)
    assert "casa" in plain_text(done.content)
    assert "gato" in plain_text(done.content)


def test_a_repeated_segment_is_asked_once() -> None:
    engine = ScriptedEngine(str.upper)
    done = translate(engine, *(Segment(str(index), ("Hello you.",)) for index in range(5)))
    assert [each.segment_id for each in done] == list("01234")
    assert engine.asked == ["Hello you."]


def test_notes_say_it_when_a_place_is_too_small_or_a_term_is_missed() -> None:
    keeps = ScriptedEngine(lambda text: text.replace("mill", "moinho grande"))
    keeps.capabilities = type(keeps.capabilities)(keeps_glossary=True)
    glossary = Glossary([Term("mill", "azenha")])
    (done,) = translate(keeps, Segment("a", ("The mill.",), "", 10), glossary=glossary)
    assert done.notes == (GLOSSARY_TERM_MISSED, TOO_LONG)


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("The mill grinds.", "The azenha grinds."),
        ("Mill", "Azenha"),
        ("mill and MILL, windmill", "azenha and Azenha, windmill"),
        ("Visit https://mill.org/mill", "Visit https://mill.org/mill"),
        ("the water  wheel", "the roda"),
        ("API api", "API api"),
    ],
)
def test_terms_come_out_as_they_shall_when_the_engine_knows_no_glossary(
    source: str, expected: str
) -> None:
    glossary = Glossary(
        [Term("mill", "azenha"), Term("water wheel", "roda"), Term("API", "", case_sensitive=True)]
    )
    engine = ScriptedEngine(lambda text: text)
    (done,) = translate(engine, Segment("a", (source,)), glossary=glossary)
    assert plain_text(done.content) == expected
    assert done.notes == ()


PARTS = st.sampled_from(
    ["Hello ", "red house. ", "{name} ", "42 ", "<b>", "\n", "- ", "a < b ", "…"]
)


@st.composite
def contents(draw: st.DrawFn, depth: int = 2) -> list[str | Tag]:
    parts: list[str | Tag] = []
    for _ in range(draw(st.integers(0, 3))):
        kind = draw(st.sampled_from(["words", "words", "alone", "pair"]))
        number = draw(st.integers(1, 3))
        if kind == "words":
            parts.append(draw(PARTS))
        elif kind == "alone":
            parts.append(Tag(number, TagKind.ALONE))
        elif depth:
            inner = draw(contents(depth - 1))
            parts += [Tag(number, TagKind.OPENING), *inner, Tag(number, TagKind.CLOSING)]
    return parts


@settings(max_examples=150, deadline=None)
@given(
    contents(),
    st.sampled_from(
        [
            lambda text: text,
            lambda text: " ".join(reversed(text.split())),
            lambda text: text.replace("Q", ""),
            lambda text: f"{text} {text}",
            lambda text: text.lower(),
            lambda _: None,
            lambda _: "<g1></g1><x2/>",
        ]
    ),
)
def test_every_tag_and_literal_is_there_when_the_engine_is_hostile(
    parts: list[str | Tag], hostile: object
) -> None:
    assert callable(hostile)
    content = content_of(parts)
    (done,) = translate(ScriptedEngine(hostile), Segment("a", content))
    assert keeps_tags(content, done.content)
    before, after = plain_text(content), plain_text(done.content)
    assert after.count("{name}") == before.count("{name}")
    assert after.count("42") == before.count("42")
    if hostile("Two Qs") == "Two Qs":
        assert done.content == content
