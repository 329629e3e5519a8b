"""Codec of HTML: words and readable attributes are patched in the source, which stays as it is."""

import re
from collections.abc import Collection, Mapping
from pathlib import Path

from translation_worker.document import Content, Segment, Tag
from translation_worker.formats.codec import CodecOptions, Written
from translation_worker.formats.html_slots import HtmlSlots
from translation_worker.formats.text_encoding import EncodedText, decode, read_bytes
from translation_worker.formats.text_slots import SliceText, Slot, counted, fill

_DECLARED_BYTES = 4096
_DECLARED = re.compile(
    rb"""<meta[^>]{1,200}?charset\s*=\s*["']?\s*([\w.:-]+)"""
    rb"""|\A\s*<\?xml[^>]{1,200}?encoding\s*=\s*["']([\w.-]+)""",
    re.IGNORECASE,
)
_IS_HTML = re.compile(
    rb"\s*+(?><!--.{0,2000}?-->\s*+|<\?xml[^>]{0,200}\?>\s*+)*+"
    rb"<(?:!doctype\s+html|html|head|body)[\s>]",
    re.IGNORECASE | re.DOTALL,
)
_IS_XML = re.compile(r"\s*<\?xml\s")


class HtmlCodec:
    """Reads and writes HTML and XHTML."""

    name = "html"
    description = "Web pages; scripts, styles, code and what is marked translate=no stay."
    extensions = (".html", ".htm", ".xhtml")
    media_types = ("text/html", "application/xhtml+xml")

    def recognises(self, head: bytes, members: Collection[str]) -> bool:  # noqa: ARG002 - protocol
        """Tell by its first element."""
        return _IS_HTML.match(head.removeprefix(b"\xef\xbb\xbf")) is not None

    def read(self, path: Path, options: CodecOptions) -> list[Segment]:
        """Return the blocks of text, and the attributes that people read. Raises DocumentError."""
        source = decode_html(read_bytes(path, options.limits))
        return [slot.segment for slot in counted(html_slots(source.text, options).slots(), options)]

    def write(
        self,
        path: Path,
        translations: Mapping[str, Content],
        target: Path,
        target_language: str,
        options: CodecOptions,
    ) -> Written:
        """Write the page with its words translated. Raises DocumentError."""
        source = decode_html(read_bytes(path, options.limits))
        text, notes = filled_html(source.text, translations, target_language, options)
        target.write_bytes(encode_html(source, text))
        return Written(notes=notes)


def decode_html(data: bytes) -> EncodedText:
    """Decode a page as it declares. Raises DocumentError DOCUMENT_DAMAGED."""
    match = _DECLARED.search(data[:_DECLARED_BYTES])
    declared = (match[1] or match[2]).decode("ascii", "replace") if match else ""
    return decode(data, declared=declared)


def encode_html(source: EncodedText, text: str) -> bytes:
    """Encode a page as it was; what its encoding lacks is written as references."""
    data, is_kept = source.encode(text)
    if is_kept:
        return data
    return source.byte_order_mark + text.encode(source.encoding, "xmlcharrefreplace")


def html_slots(text: str, options: CodecOptions, *, is_xml: bool = False) -> HtmlSlots:
    """Return what finds the slots of a page, which may say itself that it is XML."""
    return HtmlSlots(text, options.stop, is_xml=is_xml or _IS_XML.match(text) is not None)


def filled_html(
    text: str,
    translations: Mapping[str, Content],
    target_language: str,
    options: CodecOptions,
    *,
    is_xml: bool = False,
) -> tuple[str, dict[str, int]]:
    """Return a page with its words translated, and notes. Raises DocumentError."""
    found = html_slots(text, options, is_xml=is_xml)
    slots = list(counted(found.slots(), options))

    def render(slot: Slot, content: Content, slice_text: SliceText) -> str:
        pieces = [
            slice_text(*slot.tags[part])
            if isinstance(part, Tag)
            else escaped(part, found.spellings)
            for part in content
        ]
        quote = found.quotes.get(slot.start)
        if slot.tags or quote is None or not slot.segment.segment_id.startswith("a"):
            return "".join(pieces)
        return _quoted("".join(pieces), quote)

    return fill(text, slots, translations, render, found.language_patches(target_language))


def escaped(words: str, spellings: Mapping[str, str]) -> str:
    """Write words so that they are no markup, and characters as the page writes them."""
    escapes = {"&": "&amp;", "<": "&lt;", **spellings}
    return "".join(escapes.get(character, character) for character in words)


def _quoted(value: str, quote: str) -> str:
    if quote == "'":
        return value.replace("'", "&#39;")
    value = value.replace('"', "&quot;")
    return value if quote else f'"{value}"'
