"""Marks: what starts at one place of a paragraph and ends at another, such as a bookmark.

A start and an end in the same paragraph that enclose words and nest become a group; any other
stands alone.
"""

from collections.abc import Hashable, Iterable
from dataclasses import dataclass

from translation_worker.formats.office_items import (
    Closing,
    Fixed,
    Group,
    Item,
    Opening,
    Piece,
)


@dataclass(frozen=True, slots=True)
class Mark:
    """The start or the end of what `key` names, and its element there."""

    key: Hashable
    is_start: bool
    piece: Piece


def pair_marks(items: Iterable[Item | Mark]) -> list[Item]:
    """Return the items with groups for the marks that are pairs, and fixed pieces for the rest."""
    joined = _joined(items)
    partners = _partners(joined)
    groups: dict[int, Group] = {}
    paired: list[Item] = []
    for index, item in enumerate(joined):
        if not isinstance(item, _Marks):
            paired.append(item)
        elif index not in partners:
            paired.append(Fixed(item.pieces))
        elif item.is_start:
            end = joined[partners[index]]
            after = end.pieces if isinstance(end, _Marks) else ()
            groups[index] = Group(before=item.pieces, after=after)
            paired.append(Opening(groups[index]))
        else:
            paired.append(Closing(groups[partners[index]]))
    return _without_empty(paired)


@dataclass(frozen=True, slots=True)
class _Marks:
    """Neighbouring marks of the same thing: a field's code is several elements."""

    key: Hashable
    is_start: bool
    pieces: tuple[Piece, ...]


def _joined(items: Iterable[Item | Mark]) -> list[Item | _Marks]:
    joined: list[Item | _Marks] = []
    starts: list[Mark] = []
    for item in items:
        if starts and not (isinstance(item, Mark) and item.is_start and item.key == starts[0].key):
            joined.append(_together(starts))
            starts = []
        if not isinstance(item, Mark):
            joined.append(item)
        elif item.is_start:
            starts.append(item)
        else:
            joined.append(_together([item]))
    return [*joined, _together(starts)] if starts else joined


def _together(marks: list[Mark]) -> _Marks:
    return _Marks(marks[0].key, marks[0].is_start, tuple(mark.piece for mark in marks))


def _partners(items: list[Item | _Marks]) -> dict[int, int]:
    """Return the other index of each mark that is one of a pair; pairs nest."""
    partners: dict[int, int] = {}
    opened: list[tuple[int, Hashable]] = []
    open_keys: dict[Hashable, int] = {}
    # How many marks were open where each group starts, over whose edges no pair reaches.
    edges: list[int] = []

    def forget(start: int) -> None:
        for _, key in opened[start:]:
            open_keys.pop(key, None)
        del opened[start:]

    for index, item in enumerate(items):
        if isinstance(item, Opening):
            edges.append(len(opened))
        elif isinstance(item, Closing):
            forget(edges.pop())
        elif isinstance(item, _Marks) and item.is_start:
            open_keys[item.key] = len(opened)
            opened.append((index, item.key))
        elif isinstance(item, _Marks):
            at = open_keys.get(item.key, -1)
            if at >= (edges[-1] if edges else 0):
                start = opened[at][0]
                partners[start], partners[index] = index, start
                forget(at)
    return partners


def _without_empty(items: list[Item]) -> list[Item]:
    """Make a fixed piece of a group of marks that encloses nothing but fixed pieces."""
    kept: list[Item] = []
    starts: list[int] = []
    for item in items:
        kept.append(item)
        if isinstance(item, Opening):
            starts.append(len(kept) - 1)
        elif isinstance(item, Closing):
            start = starts.pop()
            inner = kept[start + 1 : -1]
            if item.group.wrapper is None and all(isinstance(one, Fixed) for one in inner):
                pieces = [piece for one in inner if isinstance(one, Fixed) for piece in one.pieces]
                kept[start:] = [Fixed((*item.group.before, *pieces, *item.group.after))]
    return kept
