"""Numbering: the wide space between the number of a heading and its words is kept."""

import re
from collections.abc import Sequence

from translation_worker.formats.pdf.content import Show
from translation_worker.formats.pdf.paragraphs import Block
from translation_worker.formats.pdf.typesetting import Redrawn, Word

_NUMBER = re.compile(r"^\(?(?:\d+|[A-Z]|[IVX]+)(?:\.\d+)*[.):]?(?=\s|$)")
# In ems; a space between words is about a quarter.
_WIDE = 0.45
_WIDEST = 6.0


def keep_number_apart(block: Block, words: Sequence[Word], shows: Sequence[Show]) -> None:
    """Set the space after a number that begins a paragraph as wide as it was."""
    line = block.lines[0]
    number = _NUMBER.match(line.text.lstrip())
    if number is None or len(words) <= 1 or _text(words[0]) != number[0]:
        return
    first = line.placed[0]
    if first.run.text.strip() == number[0] and len(line.placed) > 1:
        gap = (line.placed[1].x0 - first.x1) / first.size
    else:
        # Inside one operator the space is a number among its strings, in thousandths.
        widest = min(
            (item for item in map(_shift, shows[first.run.number].strings) if item is not None),
            default=0.0,
        )
        gap = -widest / 1000
    if _WIDE < gap < _WIDEST:
        words[1].space = max(words[1].space, gap * first.size)


def _shift(item: object) -> float | None:
    try:
        return float(item)  # type: ignore[arg-type] # strings among the numbers are what is caught
    except (TypeError, ValueError):
        return None


def _text(word: Word) -> str:
    return "".join(
        text
        for piece in word.pieces
        if not isinstance(piece, Redrawn)
        for _, text in piece.stretches
    )
