"""Codec of EPUB: the pages, tables of contents and titles of a book, patched where they stand.

What has no words in it is copied as it is packed.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from translation_worker.document import Content, Segment
from translation_worker.formats.codec import CodecOptions, Written
from translation_worker.formats.epub_contents import CONTAINER, contents_of
from translation_worker.formats.epub_metadata import MetadataSlots
from translation_worker.formats.html_codec import decode_html, encode_html, filled_html, html_slots
from translation_worker.formats.packages import Package, open_package, rewrite_package
from translation_worker.formats.text_slots import Slot, counted, fill

_MEDIA_TYPE = b"mimetypeapplication/epub+zip"
# Where the first member's name begins in a zip file.
_NAME_OFFSET = 30


class EpubCodec:
    """Reads and writes EPUB 2 and 3."""

    name = "epub"
    description = "EPUB books: pages, tables of contents and titles."
    extensions = (".epub",)
    media_types = ("application/epub+zip",)

    def recognises(self, head: bytes, members: Collection[str]) -> bool:
        """Tell by its first member, or by the one that names its contents."""
        return head[_NAME_OFFSET:].startswith(_MEDIA_TYPE) or CONTAINER in members

    def read(self, path: Path, options: CodecOptions) -> list[Segment]:
        """Return the segments in the order of reading. Raises DocumentError."""
        with open_package(path, options.limits) as package:
            slots = counted(_all_slots(package, options), options)
            return [slot.segment for slot in slots]

    def write(
        self,
        path: Path,
        translations: Mapping[str, Content],
        target: Path,
        target_language: str,
        options: CodecOptions,
    ) -> Written:
        """Write the book with its words translated. Raises DocumentError."""
        given = _by_member(translations)
        replaced: dict[str, bytes] = {}
        notes: dict[str, int] = {}
        with open_package(path, options.limits) as package:
            for prefix, name, is_page in _members(package, options):
                options.stop()
                source = decode_html(package.read(name))
                own = given.get(prefix, {})
                if is_page:
                    text, told = filled_html(
                        source.text, own, target_language, options, is_xml=True
                    )
                else:
                    text, told = _filled_metadata(source.text, own, target_language)
                if text != source.text:
                    replaced[name] = encode_html(source, text)
                notes = {word: notes.get(word, 0) + told.get(word, 0) for word in {*notes, *told}}
        rewrite_package(path, target, replaced, options.limits)
        return Written(notes=notes)


def _members(package: Package, options: CodecOptions) -> Iterator[tuple[str, str, bool]]:
    """Yield a prefix for the ids of each member's segments, its name, and if it is a page."""
    contents = contents_of(package, options.limits)
    names = [*contents.pages, *contents.tables, contents.metadata]
    for number, name in enumerate(names, 1):
        yield f"m{number}", name, number <= len(contents.pages)


def _all_slots(package: Package, options: CodecOptions) -> Iterator[Slot]:
    for prefix, name, is_page in _members(package, options):
        options.stop()
        text = decode_html(package.read(name)).text
        found = html_slots(text, options, is_xml=True) if is_page else MetadataSlots(text)
        for slot in found.slots():
            segment_id = f"{prefix}.{slot.segment.segment_id}"
            yield replace(slot, segment=replace(slot.segment, segment_id=segment_id))


def _by_member(translations: Mapping[str, Content]) -> dict[str, dict[str, Content]]:
    found: dict[str, dict[str, Content]] = {}
    for segment_id, content in translations.items():
        prefix, _, own_id = segment_id.partition(".")
        found.setdefault(prefix, {})[own_id] = content
    return found


def _filled_metadata(
    text: str, translations: Mapping[str, Content], language: str
) -> tuple[str, dict[str, int]]:
    found = MetadataSlots(text)
    slots = list(found.slots())
    return fill(text, slots, translations, found.render, found.language_patches(language))
