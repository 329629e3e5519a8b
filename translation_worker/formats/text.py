"""Codec of plain text: paragraphs are segments; encoding, line ends and blank lines stay."""

import re
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

from translation_worker.document import Content, Segment, content_of, plain_text
from translation_worker.formats.codec import CodecOptions, Written
from translation_worker.formats.text_encoding import EncodedText, decode, read_bytes
from translation_worker.formats.text_paragraphs import paragraphs
from translation_worker.formats.text_slots import SliceText, Slot, counted, fill, has_words

_LINE_END = re.compile(r"\r\n|\r|\n")


class TextCodec:
    """Reads and writes plain text."""

    name = "txt"
    description = "Plain text of any usual encoding."
    extensions = (".txt", ".text", ".log")
    media_types = ("text/plain",)

    def recognises(self, head: bytes, members: Collection[str]) -> bool:  # noqa: ARG002 - protocol
        """Return False: every text looks like this."""
        return False

    def read(self, path: Path, options: CodecOptions) -> list[Segment]:
        """Return the paragraphs. Raises DocumentError."""
        source = _decoded(path, options)
        return [slot.segment for slot in counted(_slots(source.text, options), options)]

    def write(
        self,
        path: Path,
        translations: Mapping[str, Content],
        target: Path,
        target_language: str,  # noqa: ARG002 - protocol; plain text does not tell its language
        options: CodecOptions,
    ) -> Written:
        """Write the text with its paragraphs translated. Raises DocumentError."""
        source = _decoded(path, options)

        def render(slot: Slot, content: Content, slice_text: SliceText) -> str:
            return with_line_ends_of(slice_text(slot.start, slot.end), plain_text(content))

        text, notes = fill(
            source.text, counted(_slots(source.text, options), options), translations, render
        )
        data, is_kept = source.encode(text)
        target.write_bytes(data)
        return Written(notes=notes if is_kept else {**notes, "encoding_changed": 1})


def with_line_ends_of(source: str, translated: str) -> str:
    """End the lines of a translation as those of its source end."""
    found = _LINE_END.search(source)
    return translated.replace("\n", found[0]) if found else translated


def unified_lines(text: str) -> str:
    """Return a text of which every line ends in the same character."""
    return _LINE_END.sub("\n", text)


def _decoded(path: Path, options: CodecOptions) -> EncodedText:
    return decode(read_bytes(path, options.limits))


def _slots(text: str, options: CodecOptions) -> Iterator[Slot]:
    number = 0
    for start, end in paragraphs(text, options.stop):
        words = unified_lines(text[start:end])
        if has_words(words):
            number += 1
            yield Slot(Segment(f"p{number}", content_of([words])), start, end)
