"""Layouts of paragraphs: few tags out, and nothing lost on the way back."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from translation_worker.document import Tag, TagKind, content_of, is_well_formed
from translation_worker.formats.office_items import (
    Closing,
    Fixed,
    Group,
    Item,
    Opening,
    Piece,
    Style,
    Words,
)
from translation_worker.formats.office_layout import lay_out

BOLD, RAISED = Style("bold"), Style("raised", raised=True)
TEXTS = st.sampled_from(("one ", " two", "three", " ", ".", "4", "a b c", "*"))
STYLES = st.sampled_from((Style(), BOLD, Style("italic"), RAISED, Style("u", marks_space=True)))


def group(inner: list[list[Item]]) -> list[Item]:
    made = Group(wrapper=etree.Element("link"))
    return [Opening(made), *(item for items in inner for item in items), Closing(made)]


LEAVES = st.one_of(
    st.builds(Words, TEXTS, STYLES).map(lambda words: [words]),
    st.builds(lambda: [Fixed((Piece(etree.Element("tab")),))]),
)
ITEMS: st.SearchStrategy[list[Item]] = st.recursive(
    LEAVES,  # type: ignore[arg-type]  # lists of one kind of item are lists of items
    lambda inner: st.lists(inner, max_size=3).map(group),
    max_leaves=12,
)
PARAGRAPHS = st.lists(ITEMS, max_size=5).map(lambda parts: [one for part in parts for one in part])
TAGS = st.builds(Tag, st.integers(1, 8), st.sampled_from(TagKind))
CONTENTS = st.lists(st.one_of(st.sampled_from(("x", " y ", "z")), TAGS), max_size=10).map(
    content_of
)


def pieces(items: list[Item]) -> Counter[etree._Element]:
    return Counter(
        piece.element for item in items if isinstance(item, Fixed) for piece in item.pieces
    )


def text(items: list[Item]) -> str:
    return "".join(item.text for item in items if isinstance(item, Words))


def assert_nests(items: list[Item]) -> None:
    opened: list[Group] = []
    for item in items:
        if isinstance(item, Opening):
            opened.append(item.group)
        elif isinstance(item, Closing):
            assert opened.pop() is item.group
    assert not opened


@given(PARAGRAPHS)
def test_a_paragraph_comes_back_when_its_own_content_is_put_in(items: list[Item]) -> None:
    layout = lay_out(items)
    assert is_well_formed(layout.content)
    arranged = layout.arrange(layout.content)
    assert_nests(arranged)
    assert text(arranged) == text(items)
    assert pieces(arranged) == pieces(items)
    assert lay_out(arranged).content == layout.content


@given(PARAGRAPHS, CONTENTS)
def test_every_piece_is_there_once_when_any_content_is_put_in(
    items: list[Item], content: tuple[str | Tag, ...]
) -> None:
    arranged = lay_out(items).arrange(content)
    assert_nests(arranged)
    assert pieces(arranged) == pieces(items)
    words = Counter("".join(part for part in content if isinstance(part, str)))
    assert words <= Counter(text(arranged))
