"""Reading: the text objects, pictures and lines of a page, as PDFium understands them.

PDFium knows encodings, fonts and positions; nothing here interprets content itself. Objects inside
form XObjects are read in the place where they are drawn.
"""

import ctypes
import re
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pypdfium2 as pdfium  # type: ignore[import-untyped] # published without types
from pypdfium2 import raw

from babelmill.kit.wire.failure_reasons import FailureReason
from translation_worker.formats.codec import DocumentError
from translation_worker.formats.pdf.page_text import (
    IDENTITY,
    Box,
    FontFacts,
    Link,
    Matrix,
    PageText,
    Run,
)

# Past these a page is left as it is: a person's page has a hundredth of them.
_MAX_OBJECTS = 60_000
_MAX_TEXT_WORK = 2_000_000_000  # text objects by characters: PDFium searches all for each
_MAX_FORM_DEPTH = 16
_MAX_SHAPES = 5_000
_RULE_THICKNESS = 3.0

_FIXED_PITCH, _SERIF, _ITALIC, _FORCE_BOLD = 1 << 0, 1 << 1, 1 << 6, 1 << 18
_BOLD_WEIGHT = 600
_BOLD_NAME = re.compile(
    r"bold|black|heavy|demi|semib|[-,]bd|^cmb|^sfb|^ecb|^lmb|-medi$", re.IGNORECASE
)
_ITALIC_NAME = re.compile(
    r"ital|obli|slant|^cm(ti|sl)|^sf(ti|sl)|^ec(ti|sl)|[-,]it$", re.IGNORECASE
)
_MONO_NAME = re.compile(
    r"mono|courier|consol|typewriter|menlo|monaco|inconsolata|sourcecode|firacode|^cmtt|^sftt|^ectt"
    r"|^lmtt|nimbusmonl|hack-",
    re.IGNORECASE,
)
_SERIF_NAME = re.compile(
    r"times|serif|roman|georgia|garamond|palatino|minion|cambria|bookman|century|tinos|charter"
    r"|^cmr|^cmb|^cmti|^sfr|^sfb|^ecr|^lmroman|nimbusrom",
    re.IGNORECASE,
)
_SANS_NAME = re.compile(
    r"sans|arial|helvet|verdana|tahoma|calibri|carlito|arimo|grotesk", re.IGNORECASE
)
_SYMBOL_NAME = re.compile(
    r"symbol|dingbat|webding|^cm(mi|sy|ex)|^ms[ab]m|^stix.*math|math|^lmmath|fontawesome|icon",
    re.IGNORECASE,
)
_SUBSET_PREFIX = re.compile(r"^[A-Z]{6}\+")
_INVISIBLE_MODES = frozenset({3, 4, 5, 6, 7})  # drawn not at all, or used for clipping


def open_document(path: Path) -> Any:  # Any: PDFium's binding has no types
    """Open a document for reading. Raises DocumentError DOCUMENT_ENCRYPTED or DOCUMENT_DAMAGED."""
    try:
        return pdfium.PdfDocument(path)
    except pdfium.PdfiumError as error:
        encrypted = getattr(error, "err_code", None) == raw.FPDF_ERR_PASSWORD
        raise DocumentError(
            FailureReason.DOCUMENT_ENCRYPTED if encrypted else FailureReason.DOCUMENT_DAMAGED
        ) from error


def read_page(
    document: Any,  # Any: PDFium's binding has no types
    page_index: int,
    links: Sequence[Link],
) -> PageText:
    """Return what is on a page; `trouble` says so where it cannot be read."""
    try:
        page = document[page_index]
    except pdfium.PdfiumError:
        return PageText(page_index, Box(0, 0, 0, 0), (), 0, trouble="page_damaged")
    with closing(page):
        box = Box(*page.get_bbox())
        try:
            text_page = page.get_textpage()
        except pdfium.PdfiumError:
            return PageText(page_index, box, (), 0, trouble="page_damaged")
        with closing(text_page):
            return _PageReading(page, text_page, box, links).read(page_index)


class _PageReading:
    """One walk over the objects of a page."""

    def __init__(
        self,
        page: Any,  # Any: PDFium's binding has no types
        text_page: Any,  # Any: as above
        box: Box,
        links: Sequence[Link],
    ) -> None:
        self._page = page
        self._text_page = text_page
        self._characters = raw.FPDFText_CountChars(text_page.raw)
        self._buffer = (ctypes.c_ushort * 1024)()
        self._box = box
        self._links = links
        self._fonts: dict[int, FontFacts] = {}
        self._runs: list[Run] = []
        self._images: list[Box] = []
        self._rules: list[Box] = []
        self._panels: list[Box] = []
        self._objects = 0
        self._numbers = 0

    def read(self, page_index: int) -> PageText:
        trouble = "" if self._walk(self._top_objects(), IDENTITY, 0) else "page_too_complex"
        return PageText(
            page_index,
            self._box,
            () if trouble else tuple(self._runs),
            self._numbers,
            tuple(self._links),
            tuple(self._images),
            tuple(self._rules),
            tuple(self._panels),
            trouble,
        )

    def _top_objects(self) -> Iterator[Any]:
        for index in range(raw.FPDFPage_CountObjects(self._page.raw)):
            yield raw.FPDFPage_GetObject(self._page.raw, index)

    def _walk(self, objects: Iterator[Any], outer: Matrix, depth: int) -> bool:
        for item in objects:
            self._objects += 1
            if self._objects > _MAX_OBJECTS or depth > _MAX_FORM_DEPTH:
                return False
            kind = raw.FPDFPageObj_GetType(item)
            if kind == raw.FPDF_PAGEOBJ_TEXT:
                self._add_text(item, outer)
                if self._numbers * self._characters > _MAX_TEXT_WORK:
                    return False
            elif kind == raw.FPDF_PAGEOBJ_FORM:
                inside = (
                    raw.FPDFFormObj_GetObject(item, index)
                    for index in range(raw.FPDFFormObj_CountObjects(item))
                )
                if not self._walk(inside, _matrix(item).then(outer), depth + 1):
                    return False
            elif kind == raw.FPDF_PAGEOBJ_IMAGE:
                self._images.append(outer.box(_bounds(item)))
            elif kind == raw.FPDF_PAGEOBJ_PATH:
                self._add_shape(outer.box(_bounds(item)))
        return True

    def _add_shape(self, box: Box) -> None:
        if len(self._rules) + len(self._panels) >= _MAX_SHAPES:
            return
        thin = min(box.width, box.height) <= _RULE_THICKNESS
        (self._rules if thin else self._panels).append(box)

    def _add_text(self, item: Any, outer: Matrix) -> None:
        size = ctypes.c_float()
        raw.FPDFTextObj_GetFontSize(item, size)
        box = outer.box(_bounds(item))
        matrix = _matrix(item).then(outer)
        centre = (box.x0 + box.x1) / 2, (box.y0 + box.y1) / 2
        self._runs.append(
            Run(
                number=self._numbers,
                text=self._text(item),
                font=self._font(item),
                font_size=size.value,
                matrix=matrix,
                box=box,
                color=_fill_color(item),
                visible=raw.FPDFTextObj_GetTextRenderMode(item) not in _INVISIBLE_MODES,
                link=next((link.group for link in self._links if link.box.contains(*centre)), None),
            )
        )
        self._numbers += 1

    def _text(self, item: Any) -> str:
        needed = raw.FPDFTextObj_GetText(item, self._text_page.raw, self._buffer, 1024)
        buffer = self._buffer
        if needed > len(buffer) * 2:
            buffer = (ctypes.c_ushort * (needed // 2 + 1))()
            needed = raw.FPDFTextObj_GetText(item, self._text_page.raw, buffer, needed)
        if needed <= 0:
            return ""
        text = bytes(buffer)[: needed - 2].decode("utf-16-le", "replace")
        # PDFium writes a hyphen at the end of a line as STX.
        return text.replace("\x02", "\u00ad").replace("\0", "").replace("\r", "").replace("\n", "")

    def _font(self, item: Any) -> FontFacts:
        font = raw.FPDFTextObj_GetFont(item)
        if not font:
            return FontFacts()
        address = ctypes.cast(font, ctypes.c_void_p).value or 0
        if address not in self._fonts:
            self._fonts[address] = _font_facts(font)
        return self._fonts[address]


def _font_facts(font: Any) -> FontFacts:
    buffer = ctypes.create_string_buffer(256)
    raw.FPDFFont_GetBaseFontName(font, buffer, 256)
    name = _SUBSET_PREFIX.sub("", buffer.value.decode("latin-1"))
    flags = max(0, raw.FPDFFont_GetFlags(font))
    angle = ctypes.c_int()
    raw.FPDFFont_GetItalicAngle(font, angle)
    symbol = bool(_SYMBOL_NAME.search(name))
    return FontFacts(
        name=name,
        bold=bool(
            flags & _FORCE_BOLD
            or _BOLD_NAME.search(name)
            or raw.FPDFFont_GetWeight(font) >= _BOLD_WEIGHT
        ),
        italic=bool(flags & _ITALIC or _ITALIC_NAME.search(name) or angle.value),
        serif=not _SANS_NAME.search(name) and bool(flags & _SERIF or _SERIF_NAME.search(name)),
        mono=bool(flags & _FIXED_PITCH or _MONO_NAME.search(name)) and not symbol,
        symbolic=symbol,
    )


def _bounds(item: Any) -> Box:
    edges = [ctypes.c_float() for _ in range(4)]
    raw.FPDFPageObj_GetBounds(item, *edges)
    return Box(*(edge.value for edge in edges))


def _matrix(item: Any) -> Matrix:
    matrix = raw.FS_MATRIX()
    raw.FPDFPageObj_GetMatrix(item, matrix)
    return Matrix(matrix.a, matrix.b, matrix.c, matrix.d, matrix.e, matrix.f)


def _fill_color(item: Any) -> tuple[int, int, int]:
    red, green, blue, alpha = (ctypes.c_uint() for _ in range(4))
    raw.FPDFPageObj_GetFillColor(item, red, green, blue, alpha)
    return red.value, green.value, blue.value
