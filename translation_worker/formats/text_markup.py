"""Marked-up text: runs of words and inline markup become segments with tags.

What stands at the edges of a run and bears no words is left out of its segment: images, line
breaks, and markup around the whole of it. The parts of a run follow each other without gaps.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from itertools import pairwise

from translation_worker.document import Segment, Tag, TagKind, content_of, plain_text
from translation_worker.formats.text_slots import Slot, has_words


class Mark(Enum):
    """What a part of a run is."""

    WORDS = "words"
    OPENING = "opening"
    CLOSING = "closing"
    # Stands for a word, such as a piece of code.
    LITERAL = "literal"
    # Bears no words, such as an image.
    ORNAMENT = "ornament"
    # Ends a line within a paragraph.
    BREAK = "break"


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a run, by offsets in the source; `text` are its words as people read them.

    A closing part has the `name` of the opening part that it ends.
    """

    start: int
    end: int
    mark: Mark
    text: str = ""
    name: str = ""


def runs_of(parts: Iterable[Part]) -> Iterator[list[Part]]:
    """Cut parts where a line was ended by hand after a sentence, outside of markup."""
    run: list[Part] = []
    depth = 0
    ends_sentence = True
    for part in parts:
        run.append(part)
        depth += (part.mark is Mark.OPENING) - (part.mark is Mark.CLOSING)
        if part.mark is Mark.BREAK and depth == 0 and ends_sentence:
            yield run
            run = []
        elif part.mark is Mark.WORDS and part.text.strip():
            ends_sentence = _SENTENCE_END.search(part.text) is not None
        elif part.mark is Mark.LITERAL:
            ends_sentence = False
    yield run


def markup_slot(parts: Sequence[Part], segment_id: str, context: str = "") -> Slot | None:
    """Return the slot of a run; None if it has no words."""
    trimmed = _trimmed(_paired(_split_space(parts)))
    if not trimmed:
        return None
    content: list[str | Tag] = []
    places: dict[Tag, tuple[int, int]] = {}
    numbers: dict[int, int] = {}
    for part, partner in trimmed:
        if part.mark is Mark.WORDS:
            content.append(part.text)
            continue
        number = numbers.get(partner) or len(places) + 1
        numbers[part.start] = number
        tag = Tag(number, _KINDS[part.mark])
        places[tag] = (part.start, part.end)
        content.append(tag)
    found = content_of(content)
    if not has_words(plain_text(found)):
        return None
    start, end = trimmed[0][0].start, trimmed[-1][0].end
    return Slot(Segment(segment_id, found, context), start, end, places)


_KINDS = {
    Mark.OPENING: TagKind.OPENING,
    Mark.CLOSING: TagKind.CLOSING,
    Mark.LITERAL: TagKind.ALONE,
    Mark.ORNAMENT: TagKind.ALONE,
    Mark.BREAK: TagKind.ALONE,
}
_SENTENCE_END = re.compile(r"[.!?:;\u2026\u3002\uff01\uff1f][\"')\]\u201d\u2019\u00bb]*\s*\Z")

# A part, and where its partner starts; -1 if it has none.
_Paired = tuple[Part, int]


def _split_space(parts: Iterable[Part]) -> Iterator[Part]:
    """Yield the space around words as parts of its own, so that it can be left out."""
    for part in parts:
        source_length = part.end - part.start
        lead = len(part.text) - len(part.text.lstrip())
        if part.mark is not Mark.WORDS or source_length != len(part.text):
            yield part
            continue
        body = part.text.strip()
        cuts = (0, lead, lead + len(body), source_length)
        for left, right in pairwise(cuts):
            if right > left:
                yield Part(part.start + left, part.start + right, Mark.WORDS, part.text[left:right])


def _paired(parts: Iterable[Part]) -> list[_Paired]:
    """Find the partner of each tag; one without becomes an ornament, as do empty pairs."""
    found: list[Part] = []
    partner: dict[int, int] = {}
    opened: dict[str, list[int]] = {}
    stack: list[int] = []
    for part in parts:
        index = len(found)
        found.append(part)
        if part.mark is Mark.OPENING:
            stack.append(index)
            opened.setdefault(part.name, []).append(index)
        elif part.mark is Mark.CLOSING and opened.get(part.name):
            while stack:
                last = stack.pop()
                opened[found[last].name].pop()
                if found[last].name == part.name:
                    partner[last], partner[index] = index, last
                    break
    paired: list[_Paired] = []
    index = 0
    while index < len(found):
        part = found[index]
        other = partner.get(index, -1)
        if other == index + 1:
            paired.append((Part(part.start, found[other].end, Mark.ORNAMENT), -1))
            index += 1
        elif part.mark in {Mark.OPENING, Mark.CLOSING} and other < 0:
            paired.append((replace(part, mark=Mark.ORNAMENT), -1))
        else:
            paired.append((part, found[other].start if other >= 0 else -1))
        index += 1
    return paired


def _trimmed(parts: Sequence[_Paired]) -> Sequence[_Paired]:
    first, last = 0, len(parts)
    while first < last:
        if _is_bare(parts[first][0]):
            first += 1
        elif _is_bare(parts[last - 1][0]):
            last -= 1
        elif last - first > 1 and parts[first][1] == parts[last - 1][0].start:
            first, last = first + 1, last - 1
        else:
            break
    return parts[first:last]


def _is_bare(part: Part) -> bool:
    return part.mark in {Mark.ORNAMENT, Mark.BREAK} or (
        part.mark is Mark.WORDS and not part.text.strip()
    )
