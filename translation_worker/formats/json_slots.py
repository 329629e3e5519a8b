"""Slots of JSON: the paragraphs of the strings that are to be translated, and how they are filled.

A codec says which strings these are, and how the words of one are parted from what is no words.
"""

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping

from translation_worker.document import Content, Tag
from translation_worker.formats.json_strings import JsonPath, JsonString, decoded_string
from translation_worker.formats.text_markup import Mark, Part, markup_slot
from translation_worker.formats.text_paragraphs import paragraphs
from translation_worker.formats.text_slots import SliceText, Slot, fill, shown

# Parts the words of a text from the rest, paragraph by paragraph.
Parting = Callable[[str], Iterable[list[Part]]]

_ESCAPED = re.compile(r"\\u(?!00[0-7])[0-9a-fA-F]{4}")


class JsonSlots:
    """Makes the slots of one document's strings, and fills them."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._used: set[str] = set()
        self._numbers: Counter[str] = Counter()

    def slots(self, string: JsonString, name: str, parting: Parting) -> Iterator[Slot]:
        """Yield the slots of a string; the second of its paragraphs is called `name#2`."""
        words, starts = decoded_string(self._text, string)

        def place(offset: int) -> int:
            return starts[offset] if starts else string.start + offset

        name = shown(name)
        for parts in parting(words):
            segment_id = self._free_id(name)
            slot = markup_slot(parts, segment_id, shown(field_name(string.path)))
            if slot is not None:
                self._used.add(segment_id)
                tags = {tag: (place(a), place(b)) for tag, (a, b) in slot.tags.items()}
                yield Slot(slot.segment, place(slot.start), place(slot.end), tags)

    def _free_id(self, name: str) -> str:
        """Return the name, or with a number if it is taken: a key may be there twice."""
        segment_id = name
        while segment_id in self._used:
            self._numbers[name] += 1
            segment_id = f"{name}#{self._numbers[name] + 1}"
        return segment_id

    def fill(
        self, slots: Iterable[Slot], translations: Mapping[str, Content]
    ) -> tuple[str, dict[str, int]]:
        """Return the document with its slots filled, and notes."""
        ascii_only = self._text.isascii() and _ESCAPED.search(self._text) is not None

        def render(slot: Slot, content: Content, slice_text: SliceText) -> str:
            source = self._text[slot.start : slot.end]
            pieces: list[str] = []
            for part in content:
                if isinstance(part, Tag):
                    pieces.append(slice_text(*slot.tags[part]))
                    continue
                words = part.replace("\n", "\r\n") if "\\r\\n" in source else part
                written = json.dumps(words, ensure_ascii=ascii_only)[1:-1]
                pieces.append(written.replace("/", "\\/") if "\\/" in source else written)
            return "".join(pieces)

        return fill(self._text, slots, translations, render)


def field_name(path: JsonPath) -> str:
    """Return the innermost name of a path; empty if there is none."""
    return next((place for place in reversed(path) if isinstance(place, str)), "")


def whole_paragraphs(text: str) -> Iterator[list[Part]]:
    """Yield each paragraph as words."""
    for start, end in paragraphs(text):
        yield [words_part(text, start, end)]


def words_part(text: str, start: int, end: int) -> Part:
    """Return a range of a text as words, of which every line ends in the same character."""
    return Part(start, end, Mark.WORDS, text[start:end].replace("\r\n", "\n"))
