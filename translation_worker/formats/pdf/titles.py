"""Titles: the words of a document that are not on its pages: its bookmarks and its name."""

from collections.abc import Iterator

import pikepdf
from pikepdf import Dictionary, Object, String

from translation_worker.document import Content, Segment, plain_text
from translation_worker.formats.pdf.paragraphs import has_words

_MAX_BOOKMARKS = 50_000
_DOCUMENT_TITLE = "title"


def read_titles(pdf: pikepdf.Pdf) -> list[Segment]:
    """Return the bookmarks and the document's title as segments."""
    segments = []
    for segment_id, context, _, text in _titles(pdf):
        content: Content = (text,)
        segments.append(Segment(segment_id, content, context))
    return segments


def write_titles(pdf: pikepdf.Pdf, translations: dict[str, Content]) -> int:
    """Write translated bookmarks and the title; return how many there were."""
    written = 0
    for segment_id, _, holder, text in list(_titles(pdf)):
        content = translations.get(segment_id)
        translated = plain_text(content).strip() if content else ""
        if translated and translated != text:
            holder.Title = String(translated)
            written += 1
    return written


def _titles(pdf: pikepdf.Pdf) -> Iterator[tuple[str, str, Object, str]]:
    info = pdf.trailer.get("/Info")
    if isinstance(info, Dictionary):
        text = _title(info)
        if text:
            yield _DOCUMENT_TITLE, "title", info, text
    for number, bookmark in enumerate(_bookmarks(pdf), start=1):
        text = _title(bookmark)
        if text:
            yield f"b{number}", "bookmark", bookmark, text


def _title(holder: Dictionary) -> str:
    title = holder.get("/Title")
    text = str(title).strip() if isinstance(title, String) else ""
    return text if has_words(text) and text.isprintable() else ""


def _bookmarks(pdf: pikepdf.Pdf) -> Iterator[Dictionary]:
    """Yield the bookmarks in their order; a ring of them ends where it began."""
    root = pdf.Root.get("/Outlines")
    waiting = [root.get("/First")] if isinstance(root, Dictionary) else []
    seen: set[tuple[int, int]] = set()
    while waiting and len(seen) < _MAX_BOOKMARKS:
        bookmark = waiting.pop()
        if not isinstance(bookmark, Dictionary) or bookmark.objgen in seen:
            continue
        seen.add(bookmark.objgen)
        yield bookmark
        waiting += [bookmark.get("/Next"), bookmark.get("/First")]
