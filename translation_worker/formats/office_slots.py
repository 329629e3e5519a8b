"""Slots: the places of a document that hold words, whatever its format.

A slot is taken apart into items and filled with other items. The simplest ones, an element or an
attribute with nothing but text, are here too.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

from lxml import etree

from translation_worker.formats.office_items import (
    Closing,
    Fixed,
    Item,
    Opening,
    Piece,
    Style,
    Words,
)
from translation_worker.formats.safe_xml import xml_text


class Slot(Protocol):
    """A place that holds words.

    Slots of the same `key` hold the same and are one segment: a text box and its older form.
    """

    @property
    def key(self) -> str:
        """Name of the slot within its part; with a colon, within the document."""

    @property
    def context(self) -> str:
        """What it is, such as "heading"."""

    def items(self) -> list[Item]:
        """Return what it holds."""

    def fill(self, items: Sequence[Item], language: str) -> None:
        """Put something else in, which is in `language`."""


class TextSlot:
    """The text of an element without children."""

    def __init__(self, element: etree._Element, key: str, context: str = "") -> None:
        self._element = element
        self.key = key
        self.context = context

    def items(self) -> list[Item]:
        """Return what it holds."""
        return [Words(self._element.text or "")]

    def fill(self, items: Sequence[Item], language: str) -> None:
        """Put something else in; text has no language."""
        del language
        self._element.text = plain_words(items)


class AttributeSlot:
    """The text of an attribute."""

    def __init__(self, element: etree._Element, name: str, key: str, context: str = "") -> None:
        self._element = element
        self._name = name
        self.key = key
        self.context = context

    def items(self) -> list[Item]:
        """Return what it holds."""
        return [Words(self._element.get(self._name, ""))]

    def fill(self, items: Sequence[Item], language: str) -> None:
        """Put something else in; text has no language."""
        del language
        self._element.set(self._name, plain_words(items))


def plain_words(items: Iterable[Item]) -> str:
    """Return the words of items as text for XML."""
    return xml_text("".join(item.text for item in items if isinstance(item, Words)))


def build(
    parent: etree._Element,
    items: Sequence[Item],
    *,
    run_of: Callable[[Words], etree._Element],
    run_around: Callable[[etree._Element, Style], etree._Element],
    inside: Callable[[etree._Element], etree._Element],
) -> None:
    """Append items to an element.

    `run_of` makes an element of words, `run_around` puts an element into a run, and `inside`
    returns where in a group's element its words are.
    """
    places = [parent]
    for item in items:
        pieces: tuple[Piece, ...] = ()
        if isinstance(item, Words):
            places[-1].append(run_of(item))
        elif isinstance(item, Fixed):
            pieces = item.pieces
        elif isinstance(item, Opening):
            pieces = item.group.before
        elif isinstance(item, Closing):
            places.pop()
            pieces = item.group.after
        for piece in pieces:
            style = piece.style
            places[-1].append(piece.element if style is None else run_around(piece.element, style))
        if isinstance(item, Opening) and item.group.wrapper is not None:
            places[-1].append(item.group.wrapper)
            places.append(inside(item.group.wrapper))
        elif isinstance(item, Opening):
            places.append(places[-1])
