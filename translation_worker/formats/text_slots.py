"""Slots: where the segments of a text file stand in it, and what fills them.

The codecs of text files find the same slots whether they read or write. A slot whose words are
not changed is not touched, so the file stays equal byte for byte but for what was translated.
"""

import re
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from babelmill.kit.wire.failure_reasons import FailureReason
from translation_worker.document import Content, Segment, Tag, is_well_formed, plain_text, tags_of
from translation_worker.formats.codec import CodecOptions, DocumentError

# Halves of characters, and NUL.
_BROKEN = re.compile("[\ud800-\udfff\0]")
_MAX_NAME_CHARACTERS = 120
# A thousand slots take some milliseconds.
_SLOTS_BETWEEN_STOPS = 1000


@dataclass(frozen=True, slots=True)
class Slot:
    """A segment and its place, by offsets of characters.

    `tags` are the places of its tags; a tag may hold slots of its own, as a link does a title.
    """

    segment: Segment
    start: int
    end: int
    tags: Mapping[Tag, tuple[int, int]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Patch:
    """Text to put in place of a range."""

    start: int
    end: int
    text: str


# Given the source text of a range with the slots in it filled.
SliceText = Callable[[int, int], str]
# Makes the text that fills a slot; None if the translation cannot stand there.
Render = Callable[[Slot, Content, SliceText], str | None]


def has_words(text: str) -> bool:
    """Tell whether there is something to translate, in whole characters."""
    return any(map(str.isalpha, text)) and _BROKEN.search(text) is None


def shown(name: str) -> str:
    """Return a name from a document as one that can be written anywhere, and is not long."""
    return _BROKEN.sub("?", name[:_MAX_NAME_CHARACTERS])


def counted(slots: Iterable[Slot], options: CodecOptions) -> Iterator[Slot]:
    """Pass slots on, minding `stop` and the limits. Raises DocumentError DOCUMENT_TOO_LARGE."""
    characters = 0
    for count, slot in enumerate(slots, 1):
        characters += len(plain_text(slot.segment.content))
        if count > options.limits.max_segments or characters > options.limits.max_characters:
            raise DocumentError(FailureReason.DOCUMENT_TOO_LARGE)
        if count % _SLOTS_BETWEEN_STOPS == 0:
            options.stop()
        yield slot


def fill(
    text: str,
    slots: Iterable[Slot],
    translations: Mapping[str, Content],
    render: Render,
    extra: Iterable[Patch] = (),
) -> tuple[str, dict[str, int]]:
    """Return the text with its slots filled, and how many were kept as they are, by the reason.

    The `extra` patches, which lie in no slot's words, are put in if anything else changes.
    """
    notes: Counter[str] = Counter()
    plain: list[Patch] = []
    tagged: list[tuple[Slot, Content]] = []

    def filled(slot: Slot, content: Content, slice_text: SliceText) -> Iterator[Patch]:
        new = render(slot, content, slice_text)
        if new is None:
            notes["markup_refused"] += 1
        else:
            yield Patch(slot.start, slot.end, new)

    for slot in slots:
        content = translations.get(slot.segment.segment_id)
        if content is None or content == slot.segment.content:
            continue
        if not _fits(slot, content):
            notes["tags_lost"] += 1
        elif slot.tags:
            tagged.append((slot, content))
        else:
            plain += filled(slot, content, lambda start, end: text[start:end])
    if plain or tagged:
        plain += extra
    # What has no tags may stand in a tag of what has.
    inner = Patches(text, plain)
    outer = [patch for slot, content in tagged for patch in filled(slot, content, inner.slice)]
    return Patches(text, [*outer, *inner.outside(outer)]).slice(0, len(text)), dict(notes)


class Patches:
    """A text with patches that do not overlap."""

    def __init__(self, text: str, patches: Iterable[Patch]) -> None:
        self._text = text
        self._patches = sorted(patches, key=lambda patch: patch.start)
        self._starts = [patch.start for patch in self._patches]

    def slice(self, start: int, end: int) -> str:
        """Return a range of the text, by offsets of the source, with its patches put in."""
        first, last = bisect_left(self._starts, start), bisect_left(self._starts, end)
        pieces: list[str] = []
        position = start
        for patch in self._patches[first:last]:
            pieces += [self._text[position : patch.start], patch.text]
            position = patch.end
        return "".join([*pieces, self._text[position:end]])

    def outside(self, others: Iterable[Patch]) -> Iterator[Patch]:
        """Yield the patches that lie in none of the others."""
        ranges = sorted((other.start, other.end) for other in others)
        starts = [start for start, _ in ranges]
        for patch in self._patches:
            before = bisect_right(starts, patch.start) - 1
            if before < 0 or patch.start >= ranges[before][1]:
                yield patch


def _fits(slot: Slot, content: Content) -> bool:
    return Counter(tags_of(content)) == Counter(slot.tags.keys()) and is_well_formed(content)
