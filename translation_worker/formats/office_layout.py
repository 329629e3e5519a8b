"""The layout of a paragraph of an office document: its content, and what its tags stand for.

What stands around the words stays there; words in the style of most words have no tag; the rest
becomes a content with few tags, and such a content becomes items again.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from translation_worker.document import Content, Tag, TagKind, content_of
from translation_worker.formats.office_items import (
    PLAIN,
    Closing,
    Fixed,
    Group,
    Item,
    Opening,
    Style,
    Words,
    join,
)
from translation_worker.formats.office_words import has_no_style, settle_styles

# A single letter above or below the line is an index, two may be the end of an ordinal.
_WORD_LETTERS = 2


@dataclass(frozen=True, slots=True)
class Layout:
    """A paragraph as a content, and what its tags stand for.

    `before` and `after` stand around the content and are no part of it.
    """

    content: Content
    base: Style
    before: tuple[Item, ...]
    after: tuple[Item, ...]
    styles: dict[int, Style]
    groups: dict[int, tuple[Group, Style]]
    fixed: dict[int, Fixed | Words]

    @property
    def has_words(self) -> bool:
        """Tell whether there is a letter to translate."""
        return any(
            isinstance(part, str) and any(character.isalpha() for character in part)
            for part in self.content
        )

    def arrange(self, content: Content) -> list[Item]:
        """Return the items of the paragraph with another content.

        Whatever the content is, the items nest, and each fixed piece is there once: a lost one
        comes to stand at the end.
        """
        return list(join([*self.before, *_Arrangement(self).items_of(content), *self.after]))


class _Arrangement:
    """Turns one content into items again."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._left = dict(layout.fixed)
        self._groups_left = set(layout.groups)
        self._opened: list[int] = []
        self._items: list[Item] = []

    def items_of(self, content: Content) -> list[Item]:
        for part in content:
            if isinstance(part, str):
                self._items.append(Words(part, self._style()))
            elif part.kind is TagKind.OPENING:
                self._open(part.number)
            elif part.kind is TagKind.CLOSING:
                self._close(part.number)
            elif part.number in self._left:
                self._items.append(self._left.pop(part.number))
        while self._opened:
            self._close(self._opened[-1])
        return [*self._items, *self._left.values()]

    def _style(self) -> Style:
        if not self._opened:
            return self._layout.base
        number = self._opened[-1]
        if number in self._layout.styles:
            return self._layout.styles[number]
        return self._layout.groups[number][1]

    def _open(self, number: int) -> None:
        if number in self._groups_left:
            self._groups_left.remove(number)
            self._items.append(Opening(self._layout.groups[number][0]))
        elif number not in self._layout.styles:
            return
        self._opened.append(number)

    def _close(self, number: int) -> None:
        while number in self._opened:
            last = self._opened.pop()
            if last in self._layout.groups:
                self._items.append(Closing(self._layout.groups[last][0]))
            if last == number:
                return


def lay_out(items: Iterable[Item]) -> Layout:
    """Return the layout of a paragraph's items, which must nest."""
    core = list(join(settle_styles(list(join(items)))))
    before, core, after = _peeled(core)
    bases = _base_styles(core)
    layout = Layout((), bases[None], tuple(before), tuple(after), {}, {}, {})
    parts: list[str | Tag] = []
    opened: list[tuple[int, Group]] = []
    number = 0
    for item in core:
        base = bases[opened[-1][1]] if opened else layout.base
        if isinstance(item, Closing):
            parts.append(Tag(opened.pop()[0], TagKind.CLOSING))
        elif isinstance(item, Words) and (item.style == base or has_no_style(item)):
            parts.append(item.text)
        elif isinstance(item, Opening):
            number += 1
            opened.append((number, item.group))
            layout.groups[number] = (item.group, bases[item.group])
            parts.append(Tag(number, TagKind.OPENING))
        elif isinstance(item, Fixed) or _is_fixed(item):
            number += 1
            layout.fixed[number] = item
            parts.append(Tag(number, TagKind.ALONE))
        else:
            number += 1
            layout.styles[number] = item.style
            parts += _tagged(item, number)
    return Layout(
        content_of(parts),
        layout.base,
        layout.before,
        layout.after,
        layout.styles,
        layout.groups,
        layout.fixed,
    )


def _peeled(items: Sequence[Item]) -> tuple[list[Item], list[Item], list[Item]]:
    """Return what stands before the words, the items with words, and what stands after them."""
    partners = _partners(items)
    start, end = 0, len(items)
    before: list[Item] = []
    after: list[Item] = []
    while start < end:
        first, last = items[start], items[end - 1]
        if isinstance(first, Fixed):
            before.append(first)
            start += 1
        elif isinstance(last, Fixed):
            after.append(last)
            end -= 1
        elif isinstance(first, Opening) and partners[start] == end - 1:
            before.append(first)
            after.append(last)
            start, end = start + 1, end - 1
        elif isinstance(first, Words) and first.text.isspace():
            before.append(first)
            start += 1
        elif isinstance(last, Words) and last.text.isspace():
            after.append(last)
            end -= 1
        else:
            break
    core = list(items[start:end])
    if core and isinstance(first := core[0], Words):
        stripped = first.text.lstrip()
        before.append(Words(first.text[: len(first.text) - len(stripped)], first.style))
        core[0] = Words(stripped, first.style)
    if core and isinstance(last := core[-1], Words):
        stripped = last.text.rstrip()
        after.append(Words(last.text[len(stripped) :], last.style))
        core[-1] = Words(stripped, last.style)
    return before, core, after[::-1]


def _partners(items: Sequence[Item]) -> dict[int, int]:
    opened: list[int] = []
    partners: dict[int, int] = {}
    for index, item in enumerate(items):
        if isinstance(item, Opening):
            opened.append(index)
        elif isinstance(item, Closing):
            partners[opened.pop()] = index
    return partners


def _base_styles(items: Sequence[Item]) -> dict[Group | None, Style]:
    """Return the style of most characters in each group, and of those outside of any."""
    counts: dict[Group | None, Counter[Style]] = {None: Counter()}
    opened: list[Group | None] = [None]
    for item in items:
        if isinstance(item, Opening):
            opened.append(item.group)
            counts[item.group] = Counter()
        elif isinstance(item, Closing):
            opened.pop()
        elif isinstance(item, Words) and not _is_fixed(item):
            counts[opened[-1]][item.style] += len(item.text.strip())
    return {
        group: counter.most_common(1)[0][0] if counter else PLAIN
        for group, counter in counts.items()
    }


def _is_fixed(words: Words) -> bool:
    """Tell whether words in a style of their own are a sign: H₂O's 2, a red asterisk."""
    letters = sum(character.isalpha() for character in words.text)
    return letters < _WORD_LETTERS if words.style.raised else not any(map(str.isalnum, words.text))


def _tagged(words: Words, number: int) -> list[str | Tag]:
    """Return words between tags, with spaces at their ends outside where nobody sees them."""
    text = words.text
    start, end = 0, len(text)
    if not words.style.marks_space:
        start, end = len(text) - len(text.lstrip()), len(text.rstrip())
    return [
        text[:start],
        Tag(number, TagKind.OPENING),
        text[start:end],
        Tag(number, TagKind.CLOSING),
        text[end:],
    ]
