"""Typesetting: a translation's words with their widths, and where lines end.

Widths are points at the paragraph's own size; whoever fits them into a place scales the place.
"""

# ruff: noqa: RUF001 - full-width signs are what these sets are about

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from translation_worker.document import Content, Tag, TagKind
from translation_worker.formats.pdf.faces import Face, Faces
from translation_worker.formats.pdf.words import Opaque, Style, Worded

# Scripts that break between any two characters, but for some signs.
_IDEOGRAPHIC = re.compile(r"[\u2e80-\u9fff\uf900-\ufaff\uff00-\uffef]")
_LONG_WORD = 14
_NOT_FIRST = frozenset(
    "、。，．：；？！」』）］｝〕〉》】・ーぁぃぅぇぉっゃゅょァィゥェォッャュョ,.:;?!)]}%’”…"
)
_NOT_LAST = frozenset("「『（［｛〔〈《【([{‘“")


@dataclass(frozen=True, slots=True)
class Letters:
    """Text of one style, cut into what each face draws."""

    style: Style
    stretches: tuple[tuple[Face, str], ...]
    width: float


@dataclass(frozen=True, slots=True)
class Redrawn:
    """Runs of the original that move along with the words."""

    opaque: Opaque
    width: float
    link: int | None


@dataclass(slots=True)
class Word:
    """What is not broken; `space` is the width of the space before it, if there is one."""

    pieces: list[Letters | Redrawn] = field(default_factory=list)
    space: float = 0.0

    @property
    def width(self) -> float:
        """Return the width without the space before."""
        return sum(piece.width for piece in self.pieces)


def words_of(content: Content, worded: Worded, size: float, faces: Faces) -> list[Word]:
    """Return the words of a content; tags that the paragraph does not have are left out."""
    words: list[Word] = []
    opened: list[Style] = [worded.base]
    space = 0.0
    for part in content:
        if isinstance(part, Tag):
            if part.kind is TagKind.OPENING:
                opened.append(worded.styles.get(part.number, worded.base))
            elif part.kind is TagKind.CLOSING:
                if len(opened) > 1:
                    opened.pop()
            elif part.number in worded.opaques:
                opaque = worded.opaques[part.number]
                piece = Redrawn(opaque, opaque.width, opaque.placed[0].run.link)
                _append(words, piece, space, joins=not space and bool(words))
                space = 0.0
            continue
        style = opened[-1]
        for chunk in _tokens(part):
            if chunk == " ":
                space = _width(" ", style, size, faces)
                continue
            joins = not space and bool(words) and not _may_break(words[-1], chunk)
            _append(words, letters(chunk, style, size, faces), space, joins=joins)
            space = 0.0
    return words


def letters(text: str, style: Style, size: float, faces: Faces) -> Letters:
    """Return text ready for drawing."""
    stretches = tuple(faces.split(text, style))
    width = sum(face.width(stretch) for face, stretch in stretches) * size * style.size
    return Letters(style, stretches, width)


def break_lines(words: Sequence[Word], first_width: float, width: float) -> list[list[Word]]:
    """Fill lines with as many words as they hold; a word longer than a line is cut."""
    lines: list[list[Word]] = []
    line: list[Word] = []
    used = 0.0
    for word in words:
        for piece in _cut(word, width if lines or line else first_width):
            limit = width if lines else first_width
            space = piece.space if line else 0.0
            if line and used + space + piece.width > limit:
                lines.append(line)
                line, used, space = [], 0.0, 0.0
            line.append(piece)
            used += space + piece.width
    if line:
        lines.append(line)
    return lines


def line_width(line: Sequence[Word]) -> float:
    """Return the width of a line, without the space before its first word."""
    return sum(word.width + (word.space if number else 0.0) for number, word in enumerate(line))


def _append(words: list[Word], piece: Letters | Redrawn, space: float, *, joins: bool) -> None:
    if joins:
        words[-1].pieces.append(piece)
    else:
        words.append(Word([piece], space))


def _tokens(text: str) -> Iterator[str]:
    """Yield words, single ideographs and, for any length of white space, one space.

    A long word is cut where a hyphen or a slash is, as a line may end there.
    """
    for chunk in re.findall(r"[ \t\n\r]+|[^ \t\n\r]+", text):
        if chunk[0] in " \t\n\r":
            yield " "
            continue
        word = ""
        long = len(chunk) > _LONG_WORD
        for character in chunk:
            if long and word and word[-1] in "-/" and character.isalpha():
                yield word
                word = ""
            if _IDEOGRAPHIC.match(character):
                if word:
                    yield word
                yield character
                word = ""
            else:
                word += character
        if word:
            yield word


def _may_break(before: Word, token: str) -> bool:
    """Tell whether a line may end between a word and a token that follows without a space."""
    last = before.pieces[-1]
    if isinstance(last, Redrawn) or not last.stretches:
        return False
    end = last.stretches[-1][1][-1:]
    if token[0] in _NOT_FIRST or end in _NOT_LAST:
        return False
    return end in "-/" or bool(_IDEOGRAPHIC.match(end) or _IDEOGRAPHIC.match(token[0]))


def _width(text: str, style: Style, size: float, faces: Faces) -> float:
    return letters(text, style, size, faces).width


def _cut(word: Word, width: float) -> Iterator[Word]:
    """Yield a word, in parts if it is longer than a line."""
    if word.width <= width or width <= 0:
        yield word
        return
    part = Word([], word.space)
    for atom in _atoms(word):
        if part.pieces and part.width + atom.width > width:
            yield part
            part = Word()
        _join(part, atom)
    yield part


def _atoms(word: Word) -> Iterator[Letters | Redrawn]:
    for piece in word.pieces:
        if isinstance(piece, Redrawn):
            yield piece
            continue
        ems = sum(face.width(stretch) for face, stretch in piece.stretches)
        for face, stretch in piece.stretches:
            for character in stretch:
                width = face.width(character) * piece.width / ems if ems else 0.0
                yield Letters(piece.style, ((face, character),), width)


def _join(part: Word, atom: Letters | Redrawn) -> None:
    last = part.pieces[-1] if part.pieces else None
    if isinstance(atom, Letters) and isinstance(last, Letters) and atom.style == last.style:
        (face, text), *_ = atom.stretches
        if last.stretches[-1][0] is face:
            stretches = (*last.stretches[:-1], (face, last.stretches[-1][1] + text))
        else:
            stretches = (*last.stretches, (face, text))
        part.pieces[-1] = Letters(last.style, stretches, last.width + atom.width)
    else:
        part.pieces.append(atom)
