"""Slots of HTML: blocks of text with their inline markup, and attributes that people read."""

import re
from collections.abc import Callable, Iterator
from html import unescape

from translation_worker.document import Segment, content_of
from translation_worker.formats.html_elements import (
    BUTTON_TYPES,
    CONTEXTS,
    INLINE,
    LABELLED,
    LITERAL,
    META_TEXTS,
    NO_TRANSLATION_CLASS,
    RIGHT_TO_LEFT,
    TEXT_ATTRIBUTES,
    UNENDED,
    UNTRANSLATED,
    VOID,
)
from translation_worker.formats.html_markup import Attribute, Markup, MarkupKind, markup_of
from translation_worker.formats.text_markup import Mark, Part, markup_slot, runs_of
from translation_worker.formats.text_paragraphs import MAX_SEGMENT_CHARACTERS, shorter
from translation_worker.formats.text_slots import Patch, Slot, has_words

_SPACE = re.compile(r"[ \t\r\n\f]+")
_ENTITY = re.compile(r"&(?:#[xX]?[0-9A-Fa-f]{1,7}|[A-Za-z][A-Za-z0-9]{1,31});")
_MAX_PARTS = 400
_SPELLED_IN_ASCII = frozenset(">\"'")
_PIECES_BETWEEN_STOPS = 5000


class HtmlSlots:
    """Finds the slots of one document, and what else is to be known to write it.

    When all slots were asked for, `spellings` are the characters that the document writes as
    entities, and `quotes` the quotation marks around its attributes by their offsets.
    """

    def __init__(self, text: str, stop: Callable[[], None], *, is_xml: bool) -> None:
        self._text = text
        self._stop = stop
        self._is_xml = is_xml
        self._parts: list[Part] = []
        self._characters = 0
        self._count = 0
        self._context = ""
        self._language = ""
        self._language_places: list[Attribute] = []
        self._root: Markup | None = None
        self._judged: set[str] = set()
        self.spellings: dict[str, str] = {}
        self.quotes: dict[int, str] = {}

    def slots(self) -> Iterator[Slot]:
        """Yield the slots in their order. Raises DocumentError DOCUMENT_REFUSED."""
        skipped: Markup | None = None
        depth = 0
        for piece in self._pieces():
            if skipped is not None:
                depth += _nesting(piece, skipped)
                if depth > 0:
                    continue
                end = piece.end if piece.kind is MarkupKind.CLOSING else piece.start
                yield from self._literal(skipped, end)
                closes = piece.kind is MarkupKind.CLOSING and piece.name == skipped.name
                skipped = None
                if closes:
                    continue
            if piece.kind is MarkupKind.TEXT:
                yield from self._add_words(piece)
                continue
            if piece.kind in {MarkupKind.OPENING, MarkupKind.SELF_CLOSED}:
                self._note_language(piece)
                if self._is_untranslated(piece):
                    if piece.kind is MarkupKind.SELF_CLOSED or piece.name in VOID:
                        yield from self._literal(piece, piece.end)
                    else:
                        skipped, depth = piece, 1
                    continue
                yield from self._attribute_slots(piece)
            yield from self._add_markup(piece)
        if skipped is not None:
            yield from self._literal(skipped, len(self._text))
        yield from self._flush()

    def _pieces(self) -> Iterator[Markup]:
        for number, piece in enumerate(markup_of(self._text, is_xml=self._is_xml)):
            if number % _PIECES_BETWEEN_STOPS == 0:
                self._stop()
            yield piece

    def language_patches(self, language: str) -> Iterator[Patch]:
        """Yield what tells the document's language, once all slots were asked for."""
        for place in self._language_places:
            if self._value(place).lower() == self._language.lower():
                yield Patch(place.start, place.end, language)
        root = self._root
        if root is None:
            return
        missing = ""
        if root.attribute("lang") is None and root.attribute("xml:lang") is None:
            missing = f' {"xml:lang" if self._is_xml else "lang"}="{language}"'
        if language.split("-", maxsplit=1)[0] in RIGHT_TO_LEFT and root.attribute("dir") is None:
            missing += ' dir="rtl"'
        if missing:
            place_start = root.start + len("<html")
            yield Patch(place_start, place_start, missing)

    def _add_words(self, piece: Markup) -> Iterator[Slot]:
        self._note_spellings(piece.start, piece.end)
        position = piece.start
        for start, end in shorter(self._text, piece.start, piece.end):
            if position > piece.start and not self._depth_is_open():
                yield from self._flush()
            self._append_words(position, start, end)
            position = end
        if position < piece.end:
            self._parts.append(Part(position, piece.end, Mark.WORDS, " "))
        if self._characters > MAX_SEGMENT_CHARACTERS or len(self._parts) > _MAX_PARTS:
            yield from self._flush()

    def _note_spellings(self, start: int, end: int) -> None:
        for match in _ENTITY.finditer(self._text, start, end):
            character = unescape(match[0])
            if character in self._judged:
                continue
            self._judged.add(character)
            # One that the page writes both ways is written as it is.
            is_kept = not character.isascii() and character not in self._text
            if is_kept or character in _SPELLED_IN_ASCII:
                self.spellings[character] = match[0]

    def _append_words(self, before: int, start: int, end: int) -> None:
        if start > before:
            self._parts.append(Part(before, start, Mark.WORDS, " "))
        words = unescape(_SPACE.sub(" ", self._text[start:end]))
        self._parts.append(Part(start, end, Mark.WORDS, words))
        self._characters += len(words)

    def _depth_is_open(self) -> bool:
        marks = [part.mark for part in self._parts]
        return marks.count(Mark.OPENING) > marks.count(Mark.CLOSING)

    def _add_markup(self, piece: Markup) -> Iterator[Slot]:
        if piece.kind is MarkupKind.OTHER:
            self._parts.append(Part(piece.start, piece.end, Mark.ORNAMENT))
        elif piece.name not in INLINE:
            yield from self._flush()
            if piece.kind is MarkupKind.OPENING:
                self._context = CONTEXTS.get(piece.name, "")
            else:
                self._context = ""
        else:
            mark = Mark.OPENING if piece.kind is MarkupKind.OPENING else Mark.CLOSING
            if piece.kind is MarkupKind.SELF_CLOSED or piece.name in VOID:
                mark = Mark.BREAK if piece.name == "br" else Mark.ORNAMENT
            self._parts.append(Part(piece.start, piece.end, mark, name=piece.name))

    def _literal(self, piece: Markup, end: int) -> Iterator[Slot]:
        """Take in an element that is not translated."""
        if piece.name not in INLINE:
            yield from self._flush()
        elif piece.name in LITERAL or piece.name not in UNTRANSLATED:
            self._parts.append(Part(piece.start, end, Mark.LITERAL))
        else:
            self._parts.append(Part(piece.start, end, Mark.ORNAMENT))

    def _flush(self) -> Iterator[Slot]:
        for run in runs_of(self._parts):
            slot = markup_slot(run, f"t{self._count + 1}", self._context)
            if slot is not None:
                self._count += 1
                yield slot
        self._parts = []
        self._characters = 0

    def _attribute_slots(self, piece: Markup) -> Iterator[Slot]:
        for attribute in piece.attributes:
            if not self._is_text(piece, attribute):
                continue
            self._note_spellings(attribute.start, attribute.end)
            words = unescape(self._text[attribute.start : attribute.end]).strip()
            words = _SPACE.sub(" ", words)
            if has_words(words):
                self.quotes[attribute.start] = attribute.quote
                segment = Segment(f"a{attribute.start}", content_of([words]), attribute.name)
                yield Slot(segment, attribute.start, attribute.end)

    def _is_text(self, piece: Markup, attribute: Attribute) -> bool:
        name = attribute.name
        if name in TEXT_ATTRIBUTES or LABELLED.get(piece.name) == name:
            return True
        if piece.name == "meta" and name == "content":
            kind = piece.attribute("name") or piece.attribute("property")
            return kind is not None and self._value(kind).lower() in META_TEXTS
        if piece.name == "input" and name == "value":
            kind = piece.attribute("type")
            return kind is not None and self._value(kind).lower() in BUTTON_TYPES
        return False

    def _is_untranslated(self, piece: Markup) -> bool:
        if piece.name in UNTRANSLATED:
            return True
        translate, classes = piece.attribute("translate"), piece.attribute("class")
        if translate is not None and self._value(translate).lower() == "no":
            return True
        if classes is not None and NO_TRANSLATION_CLASS.search(self._value(classes)):
            return True
        # A word of another language is meant to be one.
        language = self._language_of(piece)
        return bool(
            piece.name in INLINE
            and language
            and self._language
            and language.split("-")[0].lower() != self._language.split("-")[0].lower()
        )

    def _note_language(self, piece: Markup) -> None:
        if piece.name == "html" and self._root is None:
            self._root = piece
            self._language = self._language_of(piece)
        self._language_places += [
            one for one in piece.attributes if one.name in {"lang", "xml:lang"}
        ]

    def _language_of(self, piece: Markup) -> str:
        place = piece.attribute("lang") or piece.attribute("xml:lang")
        return self._value(place) if place else ""

    def _value(self, attribute: Attribute) -> str:
        return self._text[attribute.start : attribute.end].strip()


def _nesting(piece: Markup, skipped: Markup) -> int:
    """Return by how much a piece changes how deep we are in an element that is skipped."""
    if piece.name != skipped.name:
        return 0
    if piece.kind is MarkupKind.CLOSING:
        return -1
    if piece.kind is MarkupKind.OPENING:
        return -1 if piece.name in UNENDED else 1
    return 0
