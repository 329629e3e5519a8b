"""Words of a paragraph: its text as a content, and what the tags in it stand for.

Runs that are set otherwise than most of the paragraph become pairs of tags. Runs whose letters are
not words, such as inline code, formulas and signs, become lone tags: they are drawn again with
their own glyphs, wherever the words around them come to stand.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Set
from dataclasses import dataclass, field

from translation_worker.document import Content, Tag, TagKind, content_of
from translation_worker.formats.pdf.lines import WORD_GAP, Placed
from translation_worker.formats.pdf.paragraphs import Block

SOFT_HYPHEN = "\u00ad"
_HYPHENS = (SOFT_HYPHEN, "-", "\u2010")
_CJK = re.compile(r"[\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff\uff00-\uffef]")
_RAISED = 0.12
_LETTERS_BROKEN = re.compile(rf"([^\W\d_]+(?:-[^\W\d_]+)*){SOFT_HYPHEN}([^\W\d_]+)")


@dataclass(frozen=True, slots=True)
class Style:
    """How letters are set; `size` and `rise` are parts of the paragraph's size."""

    bold: bool = False
    italic: bool = False
    serif: bool = False
    mono: bool = False
    family: str = ""
    size: float = 1.0
    rise: float = 0.0
    color: tuple[int, int, int] = (0, 0, 0)
    link: int | None = None


@dataclass(frozen=True, slots=True)
class Opaque:
    """Runs that are drawn as they are, side by side; lengths in points."""

    placed: tuple[Placed, ...]

    @property
    def width(self) -> float:
        """Return the width from the first origin to where the pen ends."""
        return max(map(_end, self.placed)) - self.placed[0].x0


def _end(placed: Placed) -> float:
    """Return where the ink ends, or the cell of a fixed-pitch letter, which is 0.6 em wide."""
    if not placed.run.font.mono:
        return placed.x1
    cells = len(placed.run.text.rstrip())
    return max(placed.x1, min(placed.x1 + 0.3 * placed.size, placed.x0 + 0.6 * cells * placed.size))


@dataclass(slots=True)
class Worded:
    """A paragraph's content, its usual style, and what the numbers of its tags mean."""

    content: Content
    base: Style
    styles: dict[int, Style] = field(default_factory=dict)
    opaques: dict[int, Opaque] = field(default_factory=dict)


def word(block: Block, *, mono_is_text: bool = False) -> Worded:
    """Return the content of a paragraph; what is in a fixed-pitch font is code unless told."""
    parts = _parts(block, mono_is_text)
    base = _usual_style(parts)
    worded = Worded((), base)
    pieces: list[str | Tag] = []
    for part in parts:
        if isinstance(part, Opaque):
            number = len(worded.styles) + len(worded.opaques) + 1
            worded.opaques[number] = part
            pieces.append(Tag(number, TagKind.ALONE))
            continue
        text, style = part
        bare = text.strip()
        if style == base or not bare:
            pieces.append(text)
            continue
        number = len(worded.styles) + len(worded.opaques) + 1
        worded.styles[number] = style
        start = text.index(bare)
        pieces += [
            text[:start],
            Tag(number, TagKind.OPENING),
            bare,
            Tag(number, TagKind.CLOSING),
            text[start + len(bare) :],
        ]
    worded.content = _trimmed(content_of(pieces))
    return worded


def mended(content: Content, vocabulary: Set[str]) -> Content:
    """Join words that were broken at the end of a line, by the words of the whole document."""

    def join(match: re.Match[str]) -> str:
        left, right = match[1], match[2]
        joined, hyphenated = (left + right).lower(), f"{left}-{right}".lower()
        if joined in vocabulary:
            return left + right
        both_words = left.lower() in vocabulary and right.lower() in vocabulary
        if hyphenated in vocabulary or "-" in left or both_words:
            return f"{left}-{right}"
        return left + right

    return tuple(
        _LETTERS_BROKEN.sub(join, part).replace(SOFT_HYPHEN, "-") if isinstance(part, str) else part
        for part in content
    )


def whole_words(content: Content) -> Iterable[str]:
    """Yield the words of a content that are not broken, in small letters."""
    for part in content:
        if isinstance(part, str):
            for match in re.finditer(rf"[^\W\d_]+(?:[-{SOFT_HYPHEN}][^\W\d_]+)*", part):
                if SOFT_HYPHEN not in match[0]:
                    yield match[0].lower()


def same_words(one: Content, other: Content) -> bool:
    """Tell whether two contents say the same; hyphens and spaces do not count."""
    return _squeezed(one) == _squeezed(other)


def is_readable(text: str) -> bool:
    """Tell whether every character of a text is known, not a glyph without a meaning."""
    return text.isprintable() or all(
        character == SOFT_HYPHEN or unicodedata.category(character) not in {"Cc", "Co", "Cn", "Cs"}
        for character in text
    )


def _squeezed(content: Content) -> list[str | Tag]:
    drop = str.maketrans("", "", f" \t\n\u00a0-{SOFT_HYPHEN}\u2010")
    return [
        part if isinstance(part, Tag) else squeezed
        for part in content
        if isinstance(part, Tag) or (squeezed := part.translate(drop))
    ]


def _parts(block: Block, mono_is_text: bool) -> list[tuple[str, Style] | Opaque]:
    """Return texts with their styles and opaque runs, spaces set between them."""
    parts: list[tuple[str, Style] | Opaque] = []
    text_before = ""
    for line in block.lines:
        last: Placed | None = None
        for placed in line.placed:
            text = placed.run.text
            style = _style(placed, line.y, block.size)
            if last is None and text_before:
                text_before = _add_break(parts, text_before, text)
            elif last is not None and _is_apart(last, placed, text_before):
                _add(parts, " ", _last_style(parts, style))
                text_before += " "
            last = placed
            if _is_opaque(placed, mono_is_text):
                _add_opaque(parts, placed, apart=text_before.endswith(" ") or not text_before)
                trailing = " " if text.endswith(" ") else ""
                if trailing:
                    _add(parts, trailing, style)
                text_before = "x" + trailing
                continue
            _add(parts, text, style)
            text_before = text
    return parts


def _is_apart(last: Placed, placed: Placed, text_before: str) -> bool:
    gap = placed.x0 - last.x1
    return (
        gap > WORD_GAP * max(last.size, placed.size)
        and not text_before.endswith(" ")
        and not placed.run.text.startswith(" ")
    )


def _add_break(parts: list[tuple[str, Style] | Opaque], before: str, after: str) -> str:
    """Set what stands for the end of a line: a space, or a hyphen that may go."""
    bare, style = before.rstrip(), _last_style(parts, Style())
    if bare.endswith(_HYPHENS) and len(bare) > 1 and bare[-2].isalpha() and after[:1].islower():
        last = parts[-1]
        if isinstance(last, tuple):
            parts[-1] = last[0].rstrip()[:-1] + SOFT_HYPHEN, last[1]
        return before
    if before.endswith(" ") or (_CJK.match(bare[-1:]) and _CJK.match(after[:1])):
        return before
    _add(parts, " ", style)
    return before + " "


def _add(parts: list[tuple[str, Style] | Opaque], text: str, style: Style) -> None:
    last = parts[-1] if parts else None
    if isinstance(last, tuple) and (last[1] == style or not text.strip()):
        parts[-1] = last[0] + text, last[1]
    elif text:
        parts.append((text, style))


def _add_opaque(parts: list[tuple[str, Style] | Opaque], placed: Placed, *, apart: bool) -> None:
    last = parts[-1] if parts else None
    if isinstance(last, Opaque) and not apart:
        parts[-1] = Opaque((*last.placed, placed))
    else:
        parts.append(Opaque((placed,)))


def _last_style(parts: list[tuple[str, Style] | Opaque], default: Style) -> Style:
    last = parts[-1] if parts else None
    return last[1] if isinstance(last, tuple) else default


def _is_opaque(placed: Placed, mono_is_text: bool) -> bool:
    font = placed.run.font
    return (font.mono and not mono_is_text) or font.symbolic or not is_readable(placed.run.text)


def _style(placed: Placed, baseline: float, size: float) -> Style:
    run = placed.run
    rise = (placed.y - baseline) / size if size else 0.0
    return Style(
        bold=run.font.bold,
        italic=run.font.italic,
        serif=run.font.serif,
        mono=run.font.mono,
        family=run.font.name,
        size=round(placed.size / size, 1) if size else 1.0,
        rise=round(rise, 2) if abs(rise) > _RAISED else 0.0,
        color=run.color,
        link=run.link,
    )


def _usual_style(parts: Iterable[tuple[str, Style] | Opaque]) -> Style:
    letters: Counter[Style] = Counter()
    for part in parts:
        if isinstance(part, tuple):
            letters[part[1]] += len(part[0].strip())
    return letters.most_common(1)[0][0] if letters else Style()


def _trimmed(content: Content) -> Content:
    parts = list(content)
    if parts and isinstance(parts[0], str):
        parts[0] = parts[0].lstrip()
    if parts and isinstance(parts[-1], str):
        parts[-1] = parts[-1].rstrip()
    return tuple(
        re.sub(r"[ \t\u00a0]+", " ", part) if isinstance(part, str) else part
        for part in content_of(parts)
    )
