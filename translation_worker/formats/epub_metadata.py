"""Slots of a book's metadata and table of contents: titles, entries, and its language."""

import re
from collections.abc import Iterator
from html import unescape

from translation_worker.document import Content, Segment, content_of, plain_text
from translation_worker.formats.html_codec import escaped
from translation_worker.formats.html_markup import Markup, MarkupKind, markup_of
from translation_worker.formats.text_slots import Patch, SliceText, Slot, has_words

# Of the package document, and of the table of contents of EPUB 2.
_TEXT_ELEMENTS = {"dc:title": "title", "dc:description": "description", "text": "entry"}
_LANGUAGE_ELEMENT = "dc:language"
_LANGUAGE_ATTRIBUTES = frozenset({"xml:lang", "lang"})
_SPACE = re.compile(r"\s+")


class MetadataSlots:
    """Finds the slots of one member, and where it tells its language."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._languages: list[tuple[int, int]] = []
        self._is_first_language = True

    def slots(self) -> Iterator[Slot]:
        """Yield the slots in their order. Raises DocumentError DOCUMENT_REFUSED."""
        opened: Markup | None = None
        for piece in markup_of(self._text, is_xml=True):
            if piece.kind is MarkupKind.OPENING:
                self._languages += [
                    (one.start, one.end)
                    for one in piece.attributes
                    if one.name in _LANGUAGE_ATTRIBUTES
                ]
                opened = piece
                continue
            if opened is not None and piece.kind is MarkupKind.TEXT:
                yield from self._slots_of(opened.name, piece)
            # Only what stands alone in its element is the whole of a title.
            opened = None

    def language_patches(self, language: str) -> Iterator[Patch]:
        """Yield what tells the book's language, once all slots were asked for."""
        for start, end in self._languages:
            yield Patch(start, end, language)

    def render(self, slot: Slot, content: Content, slice_text: SliceText) -> str:
        """Return the words of a slot as XML has them."""
        del slot, slice_text
        return escaped(" ".join(plain_text(content).split()), {">": "&gt;"})

    def _slots_of(self, name: str, piece: Markup) -> Iterator[Slot]:
        raw = self._text[piece.start : piece.end]
        start = piece.start + len(raw) - len(raw.lstrip())
        end = piece.start + len(raw.rstrip())
        if name == _LANGUAGE_ELEMENT and self._is_first_language:
            # Others tell of languages that the book also holds.
            self._languages.append((start, end))
            self._is_first_language = False
        elif name in _TEXT_ELEMENTS:
            words = unescape(_SPACE.sub(" ", raw.strip()))
            if has_words(words):
                segment = Segment(f"t{piece.start}", content_of([words]), _TEXT_ELEMENTS[name])
                yield Slot(segment, start, end)
