"""Rendering of translated Markdown: words are escaped, wrapped and checked.

Words that would read as markup are escaped, at first only as the source did, then all of them.
Lines are wrapped as wide as those of the source, and none begins like a list or a heading.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from translation_worker.document import Content, Tag, TagKind
from translation_worker.formats.markdown_blocks import MarkdownBlock
from translation_worker.formats.markdown_inline import PlacedToken, signature, spellings
from translation_worker.formats.text_slots import SliceText, Slot

_SPECIAL = re.compile(r"[\\`*_\[\]<>&~]")
# What begins another block at the start of a line.
_BLOCK_START = re.compile(r"(?:(?:[-+*]|\d{1,9}[.)])(?:\s|\Z)|#{1,6}(?:\s|\Z)|>|={1,}\s*\Z|~~~|\|)")
_BARE_BAR = re.compile(r"(?<!\\)\|")
_LINE_START = re.compile(r"(?:\r\n|\r|\n)[ \t>]*")


@dataclass(frozen=True, slots=True)
class BlockSlot:
    """Where a slot stands in its block.

    `start` and `end` are offsets in the block's text; `line_prefix` is the end of a line and the
    mark of the next, empty if the block has one line.
    """

    block: MarkdownBlock
    start: int
    end: int
    line_prefix: str


class MarkdownReader(Protocol):
    """Tells what markup a text has."""

    def tokens(self, text: str) -> list[PlacedToken]:
        """Return its inline markup."""

    def blocks(self, text: str) -> list[str]:
        """Return the kinds of its blocks."""


def render_block(
    slot: Slot,
    content: Content,
    slice_text: SliceText,
    place: BlockSlot,
    reader: MarkdownReader,
) -> str | None:
    """Return the source text of a translation; None if it would not keep the markup."""
    source = place.block.text[place.start : place.end]
    tokens = reader.tokens(source)
    wanted = signature(tokens)
    spelled = spellings(tokens, source)
    for is_strict in (False, True):
        pieces = list(_pieces(slot, content, slice_text, place, spelled, is_strict=is_strict))
        for new in (_wrapped(pieces, slot, place), "".join(text for text, _ in pieces)):
            same_inline = signature(reader.tokens(_LINE_START.sub("\n", new))) == wanted
            if same_inline and _keeps_blocks(new, place, reader):
                return new
    return None


def _keeps_blocks(new: str, place: BlockSlot, reader: MarkdownReader) -> bool:
    """Tell whether a block is one of the same kind with something else in its slot."""
    block = place.block
    if block.is_cell:
        return True
    if place.line_prefix:
        new = new.replace(place.line_prefix, "\n")
    changed = f"{block.text[: place.start]}{new}{block.text[place.end :]}"
    return reader.blocks(changed) == reader.blocks(block.text)


def _pieces(
    slot: Slot,
    content: Content,
    slice_text: SliceText,
    place: BlockSlot,
    spelled: dict[str, str],
    *,
    is_strict: bool,
) -> Iterator[tuple[str, bool]]:
    """Yield pieces of source text, and whether they are words, at whose spaces a line may end."""
    is_first = True
    for part in content:
        if isinstance(part, Tag):
            yield _tag_text(slot, part, slice_text), False
        else:
            words = "".join(_escaped(part, spelled, is_strict=is_strict))
            if is_first and slot.start in place.block.starts:
                words = _not_a_block(words)
            if place.block.is_cell:
                words = _BARE_BAR.sub(r"\\|", words)
            # Two spaces before the end of a line would mean something.
            yield re.sub(r"[ \t\r\n]+", " ", words), True
        is_first = False


def _tag_text(slot: Slot, tag: Tag, slice_text: SliceText) -> str:
    start, end = slot.tags[tag]
    text = slice_text(start, end)
    # The text of a link is also its label, unless it gets one.
    if tag.kind is TagKind.CLOSING and text in {"]", "][]"}:
        opening = slot.tags[Tag(tag.number, TagKind.OPENING)]
        label = slice_text(opening[1], start)
        return f"][{label}]"
    return text


def _escaped(words: str, spelled: dict[str, str], *, is_strict: bool) -> Iterator[str]:
    for character in words:
        if character in spelled:
            yield spelled[character]
        elif is_strict and _SPECIAL.match(character):
            yield f"\\{character}"
        else:
            yield character


def _not_a_block(words: str) -> str:
    match = _BLOCK_START.match(words)
    if match is None:
        return words
    digits = len(words) - len(words.lstrip("0123456789"))
    return f"{words[:digits]}\\{words[digits:]}"


def _wrapped(pieces: list[tuple[str, bool]], slot: Slot, place: BlockSlot) -> str:
    """Join pieces, in lines no longer than the longest of the block if it has several."""
    if not place.line_prefix:
        return "".join(text for text, _ in pieces)
    block = place.block
    margin = max(end - start for start, end in zip(block.starts, block.ends, strict=True))
    lines = [start for start in block.starts if start <= slot.start]
    column = slot.start - lines[-1]
    out: list[str] = []
    for atom in _atoms(pieces):
        is_after_space = bool(out)
        first = re.split(r"[\r\n]", atom, maxsplit=1)[0].rstrip()
        fits = column + is_after_space + len(first) <= margin
        if is_after_space:
            if fits or _BLOCK_START.match(atom) or not atom:
                out.append(" ")
                column += 1
            else:
                out.append(place.line_prefix)
                column = 0
        out.append(atom)
        _, line_feed, last = atom.rpartition("\n")
        column = len(last) if line_feed else column + len(atom)
    return "".join(out)


def _atoms(pieces: list[tuple[str, bool]]) -> Iterator[str]:
    """Yield what stands between the spaces of words."""
    atom: list[str] = []
    for text, is_words in pieces:
        if not is_words:
            atom.append(text)
            continue
        first, *rest = text.split(" ")
        atom.append(first)
        for word in rest:
            yield "".join(atom)
            atom = [word]
    yield "".join(atom)
