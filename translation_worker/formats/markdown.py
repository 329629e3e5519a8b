"""Codec of Markdown: words are patched in the source, all markup stays as it was written.

Code, front matter, addresses, HTML blocks and definitions stay. A translation is put in only if
the parser finds the same markup in it as in the source.
"""

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path

from markdown_it import MarkdownIt

from babelmill.kit.wire.failure_reasons import FailureReason
from translation_worker.document import Content, Segment, content_of
from translation_worker.formats.codec import CodecOptions, DocumentError, Written
from translation_worker.formats.markdown_blocks import MarkdownBlock, MarkdownBlocks
from translation_worker.formats.markdown_inline import InlineParser, PlacedToken, parts_of
from translation_worker.formats.markdown_rendering import BlockSlot, render_block
from translation_worker.formats.text_encoding import EncodedText, decode, read_bytes
from translation_worker.formats.text_markup import markup_slot, runs_of
from translation_worker.formats.text_slots import SliceText, Slot, counted, fill, has_words

# The parser takes some ten seconds for it.
_MAX_CHARACTERS = 8_000_000
_MAX_NESTING = 60
_TITLE = re.compile(r"""\s(?:"(?P<double>[^"\\]*)"|'(?P<single>[^'\\]*)')\s*\)\Z""")
_NOT_PLAIN = re.compile(r"[][\\*_`<&\n]")


class MarkdownCodec:
    """Reads and writes Markdown as CommonMark and GitHub know it."""

    name = "md"
    description = "Markdown with tables; code, front matter and addresses stay."
    extensions = (".md", ".markdown", ".mdown", ".mkd")
    media_types = ("text/markdown", "text/x-markdown")

    def recognises(self, head: bytes, members: Collection[str]) -> bool:  # noqa: ARG002 - protocol
        """Return False: every text may be Markdown."""
        return False

    def read(self, path: Path, options: CodecOptions) -> list[Segment]:
        """Return the paragraphs, headings, cells, titles and image texts. Raises DocumentError."""
        document = _Document(_decoded(path, options).text)
        return [slot.segment for slot in counted(document.slots(options.stop), options)]

    def write(
        self,
        path: Path,
        translations: Mapping[str, Content],
        target: Path,
        target_language: str,  # noqa: ARG002 - protocol; Markdown does not tell its language
        options: CodecOptions,
    ) -> Written:
        """Write the document with its words translated. Raises DocumentError."""
        source = _decoded(path, options)
        document = _Document(source.text)
        slots = list(counted(document.slots(options.stop), options))
        text, notes = fill(source.text, slots, translations, document.render)
        data, is_kept = source.encode(text)
        target.write_bytes(data)
        return Written(notes=notes if is_kept else {**notes, "encoding_changed": 1})


def _decoded(path: Path, options: CodecOptions) -> EncodedText:
    source = decode(read_bytes(path, options.limits))
    if len(source.text) > _MAX_CHARACTERS:
        raise DocumentError(FailureReason.DOCUMENT_TOO_LARGE)
    return source


class _Document:
    """One document: its slots, and the blocks that they stand in."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._inline = InlineParser()
        self._markdown = MarkdownIt("commonmark", {"maxNesting": _MAX_NESTING})
        self._markdown.enable(["table", "strikethrough"])
        rules, rules2 = (
            self._markdown.inline.ruler.get_active_rules(),
            self._markdown.inline.ruler2.get_active_rules(),
        )
        self._inline.ruler.enableOnly(rules)
        self._inline.ruler2.enableOnly(rules2)
        self._markdown.inline = self._inline
        # Only blocks are looked for at first.
        self._markdown.core.ruler.enableOnly(["normalize", "block"])
        self._blocks = MarkdownBlocks(source, self._markdown)
        self._places: dict[str, BlockSlot] = {}

    def slots(self, stop: Callable[[], None]) -> Iterator[Slot]:
        """Yield the slots in their order, minding `stop` at each block."""
        for number, block in enumerate(self._blocks, 1):
            stop()
            tokens = self.tokens(block.text)
            start_of, end_of = block.source_offsets()
            for name, start, end in _inner_texts(block.text, tokens):
                words = block.text[start:end]
                if has_words(words):
                    segment = Segment(f"b{number}.{name}{start}", content_of([words]), name)
                    yield Slot(segment, start_of(start), end_of(end))
            for part, run in enumerate(runs_of(parts_of(block.text, tokens)), 1):
                segment_id = f"b{number}.{part}" if part > 1 else f"b{number}"
                slot = markup_slot(run, segment_id, block.context)
                if slot is None:
                    continue
                self._places[segment_id] = BlockSlot(
                    block, slot.start, slot.end, self._line_prefix(block)
                )
                places = {tag: (start_of(a), end_of(b)) for tag, (a, b) in slot.tags.items()}
                yield Slot(slot.segment, start_of(slot.start), end_of(slot.end), places)

    def render(self, slot: Slot, content: Content, slice_text: SliceText) -> str | None:
        """Return the source text for a translated slot; None if its markup would change."""
        place = self._places.get(slot.segment.segment_id)
        if place is None:
            return _inner_text(content, self._source[slot.start - 1])
        return render_block(slot, content, slice_text, place, self)

    def tokens(self, text: str) -> list[PlacedToken]:
        """Return the inline markup of a text."""
        return self._inline.placed(text, self._markdown, self._blocks.env)

    def blocks(self, text: str) -> list[str]:
        """Return the kinds of a text's blocks."""
        return [token.type for token in self._markdown.parse(text, {})]

    def _line_prefix(self, block: MarkdownBlock) -> str:
        """Return what stands between a line of a block and the next; empty if it has but one."""
        if len(block.starts) == 1:
            return ""
        return self._source[block.ends[0] : block.starts[1]]


def _inner_texts(text: str, tokens: list[PlacedToken]) -> Iterator[tuple[str, int, int]]:
    """Yield the texts of images and the titles of links, where nothing in them is escaped."""
    for placed in tokens:
        if placed.token.type == "image":
            start = placed.start + len("![")
            end = start + len(placed.token.content)
            if not _NOT_PLAIN.search(text, start, end):
                yield "alt", start, end
        if placed.token.type in {"image", "link_close"}:
            match = _TITLE.search(text[placed.start : placed.end])
            if match is not None and "\n" not in match[0]:
                start, end = match.span("double" if match["double"] is not None else "single")
                yield "title", placed.start + start, placed.start + end


def _inner_text(content: Content, before: str) -> str | None:
    """Return the text of an image or a title; `before` is the mark that it follows."""
    words = " ".join("".join(part for part in content if isinstance(part, str)).split())
    special = r"[\\[\]`<&*_]" if before == "[" else rf"[\\{before}&]"
    return re.sub(special, lambda match: f"\\{match[0]}", words)
