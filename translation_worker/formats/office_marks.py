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
    for item in items:
        last = joined[-1] if joined else None
        if not isinstance(item, Mark):
            joined.append(item)
        elif isinstance(last, _Marks) and last.key == item.key and last.is_start and item.is_start:
            joined[-1] = _Marks(item.key, item.is_start, (*last.pieces, item.piece))
        else:
            joined.append(_Marks(item.key, item.is_start, (item.piece,)))
    return joined


def _partners(items: list[Item | _Marks]) -> dict[int, int]:
    """Return the other index of each mark that is one of a pair; pairs nest."""
    partners: dict[int, int] = {}
    # What is open, innermost last; a None is a group, over whose edges no pair reaches.
    opened: list[tuple[int, Hashable] | None] = []
    open_keys: dict[Hashable, int] = {}
    for index, item in enumerate(items):
        if isinstance(item, Opening):
            opened.append(None)
        elif isinstance(item, Closing):
            while opened and (mark := opened.pop()) is not None:
                open_keys.pop(mark[1], None)
        elif isinstance(item, _Marks) and item.is_start:
            opened.append((index, item.key))
            open_keys[item.key] = len(opened) - 1
        elif isinstance(item, _Marks):
            at = open_keys.get(item.key)
            if at is None or None in opened[at:]:
                continue
            for mark in opened[at:]:
                open_keys.pop(mark[1] if mark else None, None)
            start = opened[at]
            del opened[at:]
            if start is not None:
                partners |= {start[0]: index, index: start[0]}
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
