"""The PDF codec: pages are read one by one, and written back with their paragraphs translated.

ADR 006 says how and why; docs/pdf.md what to expect.
"""

import zlib
from collections.abc import Collection, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path

import pikepdf

from babelmill.kit.wire.failure_reasons import FailureReason
from translation_worker.document import Content, Segment, plain_text
from translation_worker.formats.codec import CodecOptions, DocumentError, DocumentLimits, Written
from translation_worker.formats.pdf.active_content import strip_active_content
from translation_worker.formats.pdf.analysis import Analysis, analyse
from translation_worker.formats.pdf.assembling import Assembly
from translation_worker.formats.pdf.links import read_links
from translation_worker.formats.pdf.reading import open_document, read_page
from translation_worker.formats.pdf.report import LayoutReport
from translation_worker.formats.pdf.titles import read_titles, write_titles
from translation_worker.formats.pdf.words import mended, whole_words

_MAGIC = b"%PDF-"
_MAGIC_WITHIN_BYTES = 1024
# Of one page, unpacked; a page full of small type has a tenth of a megabyte.
_MAX_CONTENT_BYTES = 32 * 1024 * 1024


class PdfCodec:
    """Reads and writes PDF."""

    name = "pdf"
    description = (
        "PDF documents: text is replaced in its place, everything else stays; "
        "with a report of how the translation fits."
    )
    extensions = (".pdf",)
    media_types = ("application/pdf", "application/x-pdf")

    def recognises(self, head: bytes, members: Collection[str]) -> bool:
        """Tell by the header, which readers accept within the first kilobyte."""
        return not members and _MAGIC in head[:_MAGIC_WITHIN_BYTES]

    def read(self, path: Path, options: CodecOptions) -> list[Segment]:
        """Return paragraphs, bookmarks and the title.

        Raises DocumentError: SCANNED_DOCUMENT where no page has text and some are pictures, and as
        opening does.
        """
        segments: list[Segment] = []
        vocabulary: set[str] = set()
        scanned = 0
        characters = 0
        with _opened(path, options.limits) as pdf:
            for analysis in _analyses(path, pdf, options):
                scanned += analysis.page.is_scanned
                for text_block in analysis.blocks:
                    if text_block.untouched is None:
                        content = text_block.worded.content
                        characters += len(plain_text(content))
                        vocabulary.update(whole_words(content))
                        segments.append(Segment(text_block.segment_id, content, text_block.context))
                _check_amounts(len(segments), characters, options.limits)
            if scanned and not segments:
                raise DocumentError(
                    FailureReason.SCANNED_DOCUMENT, metadata={"scanned_pages": str(scanned)}
                )
            segments += read_titles(pdf)
        return [
            Segment(segment.segment_id, mended(segment.content, vocabulary), segment.context)
            for segment in segments
        ]

    def write(
        self,
        path: Path,
        translations: Mapping[str, Content],
        target: Path,
        target_language: str,
        options: CodecOptions,
    ) -> Written:
        """Write the translated document; the layout says how it fits. Raises DocumentError."""
        report = LayoutReport()
        with (
            _opened(path, options.limits) as pdf,
            closing(Assembly(pdf, target_language, report)) as assembly,
        ):
            for analysis in _analyses(path, pdf, options):
                assembly.add_page(analysis, translations)
            titles = write_titles(pdf, dict(translations))
            removed = strip_active_content(pdf)
            options.stop()
            assembly.save(target)
            layout = report.finish(removed, assembly.missing, titles)
        return Written(layout, {**report.counts, **{f"removed_{k}": v for k, v in removed.items()}})


@contextmanager
def _opened(path: Path, limits: DocumentLimits) -> Iterator[pikepdf.Pdf]:
    """Open a document for editing, and refuse what costs too much.

    Raises DocumentError: DOCUMENT_ENCRYPTED, DOCUMENT_DAMAGED, DOCUMENT_TOO_LARGE.
    """
    if path.stat().st_size > limits.max_file_bytes:
        raise DocumentError(FailureReason.DOCUMENT_TOO_LARGE)
    try:
        pdf = pikepdf.open(path)
    except pikepdf.PasswordError as error:
        raise DocumentError(FailureReason.DOCUMENT_ENCRYPTED) from error
    except pikepdf.PdfError as error:
        raise DocumentError(FailureReason.DOCUMENT_DAMAGED) from error
    with pdf:
        try:
            pages = len(pdf.pages)
        except pikepdf.PdfError as error:
            raise DocumentError(FailureReason.DOCUMENT_DAMAGED) from error
        if pages == 0:
            raise DocumentError(FailureReason.DOCUMENT_DAMAGED)
        if pages > limits.max_pages:
            raise DocumentError(
                FailureReason.DOCUMENT_TOO_LARGE,
                "The document has more pages than are accepted.",
                {"pages": str(pages), "max_pages": str(limits.max_pages)},
            )
        try:
            yield pdf
        except (pikepdf.PdfError, UnicodeDecodeError) as error:
            raise DocumentError(FailureReason.DOCUMENT_DAMAGED) from error


def _analyses(path: Path, pdf: pikepdf.Pdf, options: CodecOptions) -> Iterator[Analysis]:
    """Yield the pages one by one; at any time one of them is in memory."""
    with closing(open_document(path)) as document:
        if len(document) != len(pdf.pages):
            raise DocumentError(FailureReason.DOCUMENT_DAMAGED)
        for page_index, page in enumerate(pdf.pages):
            options.stop()
            _check_content(page)
            yield analyse(read_page(document, page_index, read_links(page)))


def _check_amounts(segments: int, characters: int, limits: DocumentLimits) -> None:
    if segments > limits.max_segments or characters > limits.max_characters:
        raise DocumentError(FailureReason.DOCUMENT_TOO_LARGE)


def _check_content(page: pikepdf.Page) -> None:
    """Refuse a page whose content unpacks to more than any page needs, without unpacking it all."""
    contents = page.obj.get("/Contents")
    streams = contents.as_list() if isinstance(contents, pikepdf.Array) else [contents]
    left = _MAX_CONTENT_BYTES
    for stream in streams:
        if isinstance(stream, pikepdf.Stream):
            left -= _unpacked_length(stream, left)
            if left < 0:
                raise DocumentError(FailureReason.DOCUMENT_TOO_LARGE)


def _unpacked_length(stream: pikepdf.Stream, enough: int) -> int:
    """Return how long a stream is unpacked, or more than `enough` if it is longer."""
    data = stream.read_raw_bytes()
    filters = stream.get("/Filter")
    names = filters.as_list() if isinstance(filters, pikepdf.Array) else [filters]
    for name in names:
        if name != pikepdf.Name.FlateDecode:
            break
        unpacking = zlib.decompressobj()
        try:
            data = unpacking.decompress(data, enough + 1)
        except zlib.error:
            break
    return len(data)
