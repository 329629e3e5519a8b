"""The markup of subtitles: what stands between the words of a cue, in any of the formats.

A format cuts the payload of a cue into tokens; here the words are taken out of them and put back.
Whatever is not words keeps its very characters.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from translation_worker.document import Content, Tag, TagKind, content_of


class TokenKind(Enum):
    """What a part of a payload is."""

    TEXT = "text"
    BREAK = "break"  # the end of a line
    OPENING = "opening"
    CLOSING = "closing"
    ALONE = "alone"
    TIMED = "timed"  # says when a syllable is sung; its place is a share of the line


@dataclass(frozen=True, slots=True)
class Token:
    """A part of a payload; `name` tells which closing tag belongs to which opening one."""

    kind: TokenKind
    raw: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class MarkedText:
    """Words, and the tags among them by their offsets; those at one offset are in order."""

    text: str
    marks: tuple[tuple[int, Tag], ...] = ()

    def cut(self, left_end: int, right_start: int) -> "tuple[MarkedText, MarkedText]":
        """Return both sides of a cut; a pair of tags around it is closed and opened again."""
        left: list[tuple[int, Tag]] = []
        right: list[tuple[int, Tag]] = []
        opened: list[Tag] = []
        for offset, tag in self.marks:
            is_left = offset < left_end or (offset == left_end and tag.kind is TagKind.CLOSING)
            if not is_left:
                right.append((max(offset - right_start, 0), tag))
                continue
            left.append((offset, tag))
            if tag.kind is TagKind.OPENING:
                opened.append(tag)
            elif tag.kind is TagKind.CLOSING and opened:
                opened.pop()
        left += [(left_end, Tag(tag.number, TagKind.CLOSING)) for tag in reversed(opened)]
        return (
            MarkedText(self.text[:left_end], tuple(left)),
            MarkedText(self.text[right_start:], (*((0, tag) for tag in opened), *right)),
        )


def marked_text(content: Content) -> MarkedText:
    """Return a content with its tags apart from its words."""
    pieces: list[str] = []
    marks: list[tuple[int, Tag]] = []
    length = 0
    for part in content:
        if isinstance(part, str):
            pieces.append(part)
            length += len(part)
        else:
            marks.append((length, part))
    return MarkedText("".join(pieces), tuple(marks))


def content_with_numbers(parts: Sequence[str | Tag], first_number: int) -> Content:
    """Return parts as a content, its tags numbered from another number on than 1."""
    return content_of(
        [
            part if isinstance(part, str) else Tag(part.number + first_number - 1, part.kind)
            for part in parts
        ]
    )


def partners(tokens: Sequence[Token]) -> dict[int, int]:
    """Return the index of the partner of each opening and closing tag that has one."""
    found: dict[int, int] = {}
    opened: list[int] = []
    for index, token in enumerate(tokens):
        if token.kind is TokenKind.OPENING:
            opened.append(index)
        elif token.kind is TokenKind.CLOSING and opened and tokens[opened[-1]].name == token.name:
            opening = opened.pop()
            found[opening], found[index] = index, opening
    return found
