"""Analysis of a page: its paragraphs, which of them are translated, and why others are not."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from translation_worker.document import plain_text
from translation_worker.formats.pdf.lines import level_pages
from translation_worker.formats.pdf.page_text import Box, Matrix, PageText
from translation_worker.formats.pdf.paragraphs import Block, find_blocks, has_words
from translation_worker.formats.pdf.words import Worded, is_readable, word

_MOSTLY_MONO = 0.8
_HEADING_SIZE = 1.15
_MOST_UNREADABLE = 0.3
_MARKS = ".,;:!?()\"'\u2019\u201d\u201c"


class Untouched(StrEnum):
    """Why a block keeps what it shows."""

    CODE = "code"
    NO_WORDS = "no_words"
    UNREADABLE = "unreadable"
    OUTSIDE_PAGE = "outside_page"
    NO_TRANSLATION = "no_translation"
    SAME_AS_SOURCE = "same_as_source"
    PAGE_NOT_EDITABLE = "page_not_editable"


@dataclass(slots=True, eq=False)
class TextBlock:
    """A paragraph that was found, with its words if they are to be translated."""

    segment_id: str
    block: Block
    worded: Worded
    context: str
    untouched: Untouched | None


@dataclass(slots=True)
class Analysis:
    """What was found on a page; each obstacle list is in the page's own space."""

    page: PageText
    blocks: list[TextBlock]


def analyse(page: PageText) -> Analysis:
    """Find the paragraphs of a page."""
    visible = [run for run in page.runs if run.visible and run.text]
    found: list[Block] = []
    for level in level_pages(visible, page.rules):
        from_page = _inverse_turn(level.to_page)
        rules = [from_page.box(rule) for rule in page.rules]
        found += find_blocks(level, rules, from_page.box(page.box))
    mono_is_text = _is_mostly_mono(found)
    usual_size = _usual_size(found)
    blocks = []
    for number, block in enumerate(found, start=1):
        worded = word(block, mono_is_text=mono_is_text and _reads_as_prose(block))
        blocks.append(
            TextBlock(
                segment_id=f"p{page.page_index + 1}.{number}",
                block=block,
                worded=worded,
                context=_context(block, usual_size),
                untouched=_reason_to_keep(block, worded, page.box),
            )
        )
    return Analysis(page, blocks)


def _inverse_turn(turn: Matrix) -> Matrix:
    return Matrix(turn.a, turn.c, turn.b, turn.d, 0, 0)


def _reason_to_keep(block: Block, worded: Worded, page_box: Box) -> Untouched | None:
    runs = [placed.run for line in block.lines for placed in line.placed]
    if not block.to_page.box(block.box).overlaps(page_box):
        return Untouched.OUTSIDE_PAGE
    text = "".join(run.text for run in runs)
    unreadable = sum(len(run.text) for run in runs if not is_readable(run.text))
    if unreadable > _MOST_UNREADABLE * len(text):
        return Untouched.UNREADABLE
    if has_words(plain_text(worded.content)):
        return None
    return Untouched.CODE if has_words(text) else Untouched.NO_WORDS


def _context(block: Block, usual_size: float) -> str:
    bold = all(placed.run.font.bold for line in block.lines for placed in line.placed)
    if block.size > _HEADING_SIZE * usual_size or (bold and len(block.lines) == 1):
        return "heading"
    if any(line.leader for line in block.lines):
        return "table of contents"
    return "table cell" if any(line.shares_row for line in block.lines) else "paragraph"


def _usual_size(blocks: Sequence[Block]) -> float:
    letters: dict[float, int] = {}
    for block in blocks:
        size = round(block.size, 1)
        letters[size] = letters.get(size, 0) + sum(len(line.text) for line in block.lines)
    return max(letters, key=lambda size: letters[size], default=10.0)


def _is_mostly_mono(blocks: Sequence[Block]) -> bool:
    runs = [placed.run for block in blocks for line in block.lines for placed in line.placed]
    mono = sum(len(run.text) for run in runs if run.font.mono)
    return mono > _MOSTLY_MONO * sum(len(run.text) for run in runs)


def _reads_as_prose(block: Block) -> bool:
    """Tell prose from code in a document that is set in a fixed pitch altogether."""
    text = " ".join(line.text for line in block.lines)
    words = text.split()
    plain = sum(token.strip(_MARKS).isalpha() for token in words)
    return len(words) > 2 and plain > 0.8 * len(words)  # noqa: PLR2004 - two words may be a command
