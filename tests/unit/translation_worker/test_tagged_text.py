"""Contents as tagged text: names that are free, and nothing but whole tags taken back."""

from hypothesis import given
from hypothesis import strategies as st

from translation_worker.document import Content, Tag, TagKind, content_of
from translation_worker.protection import SpanKind, find_spans
from translation_worker.tagged_text import flatten

OPEN, CLOSE = Tag(1, TagKind.OPENING), Tag(1, TagKind.CLOSING)
BREAK = Tag(2, TagKind.ALONE)
CONTENT: Content = ("See ", OPEN, "this", CLOSE, BREAK)


@st.composite
def contents(draw: st.DrawFn, depth: int = 2) -> list[str | Tag]:
    """Words and tags that nest, with numbers that are used again."""
    parts: list[str | Tag] = []
    for _ in range(draw(st.integers(0, 3))):
        number = draw(st.integers(0, 3))
        kind = draw(st.sampled_from(["words", "alone", "pair"]))
        if kind == "words":
            parts.append(draw(st.text("a <>/gx12&", min_size=1)))
        elif kind == "alone":
            parts.append(Tag(number, TagKind.ALONE))
        elif depth:
            inner = draw(contents(depth - 1))
            parts += [Tag(number, TagKind.OPENING), *inner, Tag(number, TagKind.CLOSING)]
    return parts


@given(contents())
def test_a_content_is_the_same_when_nothing_changed_on_its_way(parts: list[str | Tag]) -> None:
    content = content_of(parts)
    tagged = flatten(content)
    assert tagged.parse(tagged.text) == content


def test_tags_are_read_as_markup_when_protection_looks_at_them() -> None:
    tagged = flatten(CONTENT)
    assert tagged.text == "See <g1>this</g1><x2/>"
    kinds = [span.kind for span in find_spans(tagged.text, "en")]
    assert kinds == [SpanKind.OPENING, SpanKind.CLOSING, SpanKind.LITERAL]


def test_other_names_are_taken_when_the_words_hold_the_usual_ones() -> None:
    assert flatten(("<g7> and ", BREAK)).text == "<g7> and <x8/>"


def test_tags_may_move_when_they_still_nest() -> None:
    tagged = flatten(CONTENT)
    assert tagged.parse("<g1>Isto</g1> veja<x2/>") == (OPEN, "Isto", CLOSE, " veja", BREAK)


def test_a_translation_is_refused_when_a_tag_is_lost_doubled_or_crossed() -> None:
    tagged = flatten(CONTENT)
    for text in (
        "Veja <g1>isto<x2/>",
        "Veja isto<x2/>",
        "Veja <g1>isto</g1>",
        "Veja <g1>isto</g1><x2/><x2/>",
        "Veja </g1>isto<g1><x2/>",
    ):
        assert tagged.parse(text) is None
