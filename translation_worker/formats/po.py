"""Gettext catalogues (.po, .pot): what is not translated yet is; what is, stays.

An entry without a translation, or with one that is marked fuzzy and therefore never shown, gets
one, in all the plural forms of the target language; the mark goes with the words it was about. A
machine's translation is not marked in turn: the catalogue is for use, and reports tell how sure
each segment is. A translation that would break a format directive is not written. Of the header,
the language and the plural forms are set, and the encoding where it has to change.
"""

import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from translation_worker.document import Content, Segment, plain_text
from translation_worker.formats.codec import CodecOptions, Written
from translation_worker.formats.po_accelerators import with_mark, without_mark
from translation_worker.formats.po_directives import same_directives
from translation_worker.formats.po_file import (
    WRAP_COLUMNS,
    PoEntry,
    entries,
    without_fuzzy,
    written_field,
)
from translation_worker.formats.po_header import (
    CatalogueHeader,
    codec_name,
    declared_charset,
    same_language,
)
from translation_worker.formats.po_plurals import PluralForms
from translation_worker.formats.text_encoding import EncodedText, decode, encoded, read_bytes
from translation_worker.formats.text_slots import Patch, Patches, Slot, counted, has_words

_HEAD = re.compile(
    rb"(?:^|\n)[ \t]*msgid[ \t]+\"[^\n]*\"[^\n]*\n(?:[ \t]*\"[^\n]*\n)*[ \t]*msgstr[ \t]"
)
_MAX_CONTEXT_CHARACTERS = 200


@dataclass(frozen=True, slots=True)
class _Text:
    """A source text of an entry: its segment, and what was taken off to be set again."""

    segment: Segment
    source: str
    lead: str
    tail: str
    mark: str

    def translated(self, content: Content | None) -> str | None:
        """Return the translation with what was taken off; None if there is none."""
        if content is None:
            return None
        words = plain_text(content).strip()
        # Neither NUL nor a lone carriage return can stand in a catalogue.
        words = words.replace("\0", "").replace("\r\n", "\n").replace("\r", "\n")
        return f"{self.lead}{with_mark(words, self.mark)}{self.tail}" if words else None


class PoCodec:
    """Codec of gettext catalogues."""

    name = "po"
    description = "Gettext catalogues; plural forms, contexts and format directives are minded."
    extensions = (".po", ".pot")
    media_types = ("text/x-gettext-translation", "text/x-po", "application/x-gettext")

    def recognises(self, head: bytes, members: Collection[str]) -> bool:
        """Tell by an entry among the first lines."""
        return not members and _HEAD.search(head) is not None

    def read(self, path: Path, options: CodecOptions) -> list[Segment]:
        """Return a segment for each untranslated text, two for one with a plural.

        Raises DocumentError.
        """
        catalogue = _Catalogue(path, options)
        slots = (
            Slot(text.segment, 0, 0)
            for _, texts in catalogue.waiting(options)
            for text in texts
            if has_words(text.source)
        )
        return [slot.segment for slot in counted(slots, options)]

    def write(
        self,
        path: Path,
        translations: Mapping[str, Content],
        target: Path,
        target_language: str,
        options: CodecOptions,
    ) -> Written:
        """Write the translations into the entries that wait for them. Raises DocumentError."""
        catalogue = _Catalogue(path, options)
        header = catalogue.header
        forms = header.plural_forms(
            target_language, has_translations=catalogue.translated_count > 0
        )
        notes: Counter[str] = Counter()
        patches: list[Patch] = []
        for entry, texts in catalogue.waiting(options):
            filled = _filled(entry, texts, translations, forms, notes)
            if filled is not None:
                patches += _entry_patches(catalogue.text, entry, filled, catalogue.line_break)
        if patches:
            header = header.for_target(target_language, forms)
            known = [target_language, options.source_language]
            own = catalogue.header.language
            if own and not any(same_language(own, language) for language in known):
                notes["translations_of_another_language_kept"] += catalogue.translated_count
        data, kept_encoding = catalogue.written(patches, header)
        if not kept_encoding:
            notes["encoding_changed"] += 1
        target.write_bytes(data)
        return Written(notes={word: count for word, count in notes.items() if count})


class _Catalogue:
    """A catalogue, understood."""

    def __init__(self, path: Path, options: CodecOptions) -> None:
        data = read_bytes(path, options.limits)
        self.charset = declared_charset(data)
        self._encoded: EncodedText = decode(data, declared=self.charset)
        self.text = self._encoded.text
        found = re.search(r"\r\n|\n|\r", self.text)
        self.line_break = found[0] if found else "\n"
        self.entries: list[PoEntry] = []
        for entry in entries(self.text):
            self.entries.append(entry)
            if len(self.entries) % 1000 == 0:
                options.stop()
        header = next((entry for entry in self.entries if entry.is_header), None)
        self.header = CatalogueHeader(header)
        # Catalogues of the source language itself hold the wording that is to be translated.
        self._is_in_source_language = bool(options.source_language) and same_language(
            self.header.language, options.source_language
        )

    @property
    def translated_count(self) -> int:
        """How many entries have a translation that stays."""
        return sum(entry.is_translated and not entry.is_header for entry in self.entries)

    def waiting(self, options: CodecOptions) -> Iterator[tuple[PoEntry, list[_Text]]]:
        """Yield the entries to translate, each with its source texts: one, and one for many."""
        for number, entry in enumerate(self.entries, 1):
            if number % 1000 == 0:
                options.stop()
            if entry.is_header or (entry.is_translated and not self._is_in_source_language):
                continue
            sources = [entry.value("msgid") or ""]
            if (plural := entry.value("msgid_plural")) is not None:
                sources.append(plural)
            if self._is_in_source_language and entry.is_translated:
                values = [each.value for each in entry.translations]
                sources = [values[0], values[-1]][: len(sources)]
            context = (entry.value("msgctxt") or "")[:_MAX_CONTEXT_CHARACTERS]
            yield (
                entry,
                [
                    _text(f"e{number}" if index == 0 else f"e{number}.plural", source, context)
                    for index, source in enumerate(sources)
                ],
            )

    def written(self, patches: list[Patch], header: CatalogueHeader) -> tuple[bytes, bool]:
        """Return the bytes with patches and another header, and whether the encoding was kept.

        The encoding that the header names is meant strictly; where it lacks a character, and where
        none is named, the catalogue becomes UTF-8 and says so.
        """
        text = self._patched(patches, header)
        if not patches:
            return self._encoded.byte_order_mark + encoded(text, self._encoded.encoding), True
        declared = codec_name(self.charset)
        encoding = self._encoded.encoding if self._encoded.byte_order_mark else declared
        if encoding and not (declared != "utf-8" and self._encoded.encoding == "utf-8"):
            try:
                return self._encoded.byte_order_mark + encoded(text, encoding), True
            except UnicodeEncodeError:
                text = self._patched(patches, header.with_charset("UTF-8"))
                return encoded(text, "utf-8"), False
        if not text.isascii():
            text = self._patched(patches, header.with_charset("UTF-8"))
        return self._encoded.byte_order_mark + encoded(text, "utf-8"), True

    def _patched(self, patches: list[Patch], header: CatalogueHeader) -> str:
        own = self.header.patches(self.text, header, self.line_break)
        return Patches(self.text, [*own, *patches]).slice(0, len(self.text))


def _text(segment_id: str, source: str, context: str) -> _Text:
    words = source.strip()
    start = source.find(words) if words else len(source)
    bare, mark = without_mark(words)
    return _Text(
        segment=Segment(segment_id, (bare,) if bare else (), context),
        source=source,
        lead=source[:start],
        tail=source[start + len(words) :],
        mark=mark,
    )


def _filled(
    entry: PoEntry,
    texts: list[_Text],
    translations: Mapping[str, Content],
    forms: PluralForms,
    notes: Counter[str],
) -> list[str] | None:
    """Return the translation in each form; None if there is none that can be written."""
    done = [text.translated(translations.get(text.segment.segment_id)) for text in texts]
    if len(texts) == 1:
        if done[0] is None:
            return None
        if not same_directives(texts[0].source, done[0], entry.flags):
            notes["directives_lost"] += 1
            return None
        return [done[0]]
    one, many = done
    if many is None:
        return None
    values: list[str] = []
    for form in range(forms.count):
        takes_one = one is not None and forms.is_for_one(form)
        if takes_one and not forms.is_for_one_only(form):
            # "One file" cannot stand for 21 files, nor for none.
            takes_one = same_directives(texts[1].source, texts[0].source, entry.flags)
        value, source = (one, texts[0].source) if takes_one else (many, texts[1].source)
        assert value is not None, "the form for one is only taken where there is one"
        if not same_directives(source, value, entry.flags):
            notes["directives_lost"] += 1
            return None
        values.append(value)
    return values


def _entry_patches(
    text: str, entry: PoEntry, values: list[str], line_break: str
) -> Iterator[Patch]:
    fields = entry.translations
    if [each.value for each in fields] == values and "fuzzy" not in entry.flags:
        return
    columns = WRAP_COLUMNS if any(len(each.parts) > 1 for each in entry.fields) else None
    is_plural = entry.value("msgid_plural") is not None
    lines = [
        written_field(f"msgstr[{form}]" if is_plural else "msgstr", value, line_break, columns)
        for form, value in enumerate(values)
    ]
    yield Patch(fields[0].start, fields[-1].end, line_break.join(lines))
    yield from without_fuzzy(text, entry)
