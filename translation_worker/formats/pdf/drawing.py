"""Drawing: the operators that show translated paragraphs, and move along what stays as it is."""

import math
from collections.abc import Callable, Sequence

import pikepdf
from pikepdf import Operator

from translation_worker.formats.pdf.content import Show
from translation_worker.formats.pdf.embedding import EmbeddedFace
from translation_worker.formats.pdf.faces import Face
from translation_worker.formats.pdf.fitting import DrawnWord, Setting
from translation_worker.formats.pdf.lines import Placed
from translation_worker.formats.pdf.page_text import Box, Matrix
from translation_worker.formats.pdf.typesetting import Letters, Redrawn
from translation_worker.formats.pdf.words import Style

_SLANT = math.tan(math.radians(12))
_BOLD_STROKE = 0.02  # ems
# A carriage return would be read as a line feed.
_ESCAPES = ((b"\\", b"\\\\"), (b"(", b"\\("), (b")", b"\\)"), (b"\r", b"\\r"))

FaceNames = Callable[[Face], EmbeddedFace]
FontNames = Callable[[Show], str | None]


class Drawing:
    """Collects the operators of one page, and where each link's words come to lie."""

    def __init__(self, shows: Sequence[Show], faces: FaceNames, fonts: FontNames) -> None:
        self._shows = shows
        self._faces = faces
        self._fonts = fonts
        self._parts: list[bytes] = []
        self.link_boxes: dict[int, list[Box]] = {}

    @property
    def data(self) -> bytes:
        """Return what was drawn."""
        return b"\n".join(self._parts)

    def add(self, setting: Setting) -> None:
        """Draw a paragraph."""
        parts = [b"q"]
        for line in setting.lines:
            self._note_links(setting, line)
            parts += self._line(setting, line)
        parts.append(b"Q")
        self._parts.append(b"\n".join(parts))

    def add_cut(self, placed: Placed, from_x: float, to_page: Matrix) -> None:
        """Draw a run where it was, but only what of it is right of `from_x`."""
        size = placed.size
        corners = [
            to_page.point(x, y)
            for x, y in (
                (from_x, placed.y - size),
                (placed.x1 + size, placed.y - size),
                (placed.x1 + size, placed.y + 2 * size),
                (from_x, placed.y + 2 * size),
            )
        ]
        path = b" ".join(
            b"%s %s %s" % (_real(x), _real(y), b"l" if number else b"m")
            for number, (x, y) in enumerate(corners)
        )
        run = self._run(placed, placed.run.matrix)
        if run:
            self._parts.append(b"q %s h W n\n%s\nQ" % (path, run))

    def _line(self, setting: Setting, line: Sequence[DrawnWord]) -> list[bytes]:
        """Return one text object for every stretch of words that are set alike."""
        parts: list[bytes] = []
        open_text: _TextShow | None = None
        for drawn in line:
            x = drawn.x
            space = drawn.space
            for piece in drawn.word.pieces:
                if isinstance(piece, Redrawn):
                    if open_text:
                        parts.append(open_text.finish())
                        open_text = None
                    parts += self._redrawn(setting, piece, x, drawn.y)
                else:
                    for face, text, width in _stretches(piece, setting):
                        key = face, piece.style
                        if open_text is None or open_text.key != key:
                            if open_text:
                                parts.append(open_text.finish())
                            open_text = _TextShow(
                                self._faces(face), piece.style, setting, x, drawn.y
                            )
                        elif space:
                            open_text.space(space)
                        open_text.show(text, width)
                        x += width
                        space = 0.0
                    continue
                x += piece.width * setting.scale * setting.narrowing
                space = 0.0
        if open_text:
            parts.append(open_text.finish())
        return parts

    def _redrawn(self, setting: Setting, piece: Redrawn, x: float, y: float) -> list[bytes]:
        first = piece.opaque.placed[0]
        unit = setting.scale * setting.narrowing
        parts = []
        base_y = min((p.y for p in piece.opaque.placed), key=lambda v: abs(v - first.y))
        for placed in piece.opaque.placed:
            origin = setting.to_page.point(
                x + (placed.x0 - first.x0) * unit, y + (placed.y - base_y) * setting.scale
            )
            m = placed.run.matrix
            # Narrowed along the text's own direction, which is the first row of its matrix.
            matrix = Matrix(
                m.a * unit, m.b * unit, m.c * setting.scale, m.d * setting.scale, *origin
            )
            run = self._run(placed, matrix)
            if run:
                parts.append(run)
        return parts

    def _run(self, placed: Placed, matrix: Matrix) -> bytes:
        show = self._shows[placed.run.number]
        name = self._fonts(show)
        if name is None:
            return b""
        state = show.state
        strings = pikepdf.unparse_content_stream([([pikepdf.Array(show.strings)], Operator("TJ"))])
        return b"BT %s %s Tf %s Tc %s Tw %s rg %s Tm %s ET" % (
            name.encode(),
            _real(state.font_size),
            _real(state.char_space),
            _real(state.word_space),
            _color(placed.run.color),
            _matrix(matrix),
            strings,
        )

    def _note_links(self, setting: Setting, line: Sequence[DrawnWord]) -> None:
        """Note per link the box around its words on this line, from baseline to baseline."""
        spans: dict[int, tuple[float, float]] = {}
        unit = setting.scale * setting.narrowing
        for drawn in line:
            x = drawn.x
            for piece in drawn.word.pieces:
                link = piece.link if isinstance(piece, Redrawn) else piece.style.link
                end = x + piece.width * unit
                if link is not None:
                    start, last = spans.get(link, (x, end))
                    spans[link] = min(start, x), max(last, end)
                x = end
        for link, (start, end) in spans.items():
            size = setting.size * setting.scale
            y = line[0].y
            level = Box(start, y - 0.22 * size, end, y + 0.89 * size)
            self.link_boxes.setdefault(link, []).append(setting.to_page.box(level))


class _TextShow:
    """One BT … ET: words of one style and face, with the spaces between them."""

    def __init__(
        self, face: EmbeddedFace, style: Style, setting: Setting, x: float, y: float
    ) -> None:
        self.key = face.face, style
        self._face = face
        self._style = style
        self._setting = setting
        size = setting.size * setting.scale * style.size
        self._size = size * face.face.source.zoom
        self._origin = x, y + style.rise * setting.size * setting.scale
        # Codes, and between them shifts in thousandths of an em.
        self._strings: list[bytes | int] = []
        self._em = self._size * setting.narrowing

    def show(self, text: str, width: float) -> None:
        """Show text, whose width in points is known."""
        del width  # glyph widths move the pen themselves
        self._strings.append(self._face.encode(text))

    def space(self, width: float) -> None:
        """Show a space of a width in points."""
        if self._face.face.has(" "):
            own = self._face.face.width(" ") * self._em / self._face.face.source.zoom
            self._strings.append(self._face.encode(" "))
        else:
            own = 0.0
        shift = -1000 * (width - own) / self._em
        if abs(shift) >= 1:
            self._strings.append(round(shift))

    def finish(self) -> bytes:
        source, setting = self._face.face.source, self._setting
        slant = _SLANT if source.slanted else 0.0
        matrix = Matrix(setting.narrowing, 0, slant, 1, *self._origin).then(setting.to_page)
        parts = [
            b"BT /%s %s Tf %s rg"
            % (self._face.name.encode(), _real(self._size), _color(self._style.color))
        ]
        if source.emboldened:
            parts.append(
                b"%s RG %s w 2 Tr" % (_color(self._style.color), _real(_BOLD_STROKE * self._size))
            )
        strings = _joined(self._strings)
        parts.append(b"%s Tm [%s] TJ" % (_matrix(matrix), strings))
        if source.emboldened:
            parts.append(b"0 Tr")
        return b" ".join([*parts, b"ET"])


def _joined(strings: Sequence[bytes | int]) -> bytes:
    """Write the strings and shifts of a TJ; strings that stand side by side become one."""
    parts: list[bytes] = []
    codes = b""
    for item in strings:
        if isinstance(item, bytes):
            codes += item
            continue
        if codes:
            parts.append(_literal(codes))
        parts.append(b"%d" % item)
        codes = b""
    if codes:
        parts.append(_literal(codes))
    return b"".join(parts)


def _literal(codes: bytes) -> bytes:
    """Write a literal string (PDF 32000-1, 7.3.4.2)."""
    for plain, escaped in _ESCAPES:
        codes = codes.replace(plain, escaped)
    return b"(%s)" % codes


def _stretches(piece: Letters, setting: Setting) -> list[tuple[Face, str, float]]:
    em = setting.size * piece.style.size * setting.scale * setting.narrowing
    return [(face, text, face.width(text) * em) for face, text in piece.stretches]


def _real(value: float, places: int = 3) -> bytes:
    return f"{value:.{places}f}".rstrip("0").rstrip(".").encode() or b"0"


def _color(color: tuple[int, int, int]) -> bytes:
    return b" ".join(_real(part / 255) for part in color)


def _matrix(matrix: Matrix) -> bytes:
    turn = b" ".join(_real(value, 5) for value in matrix[:4])
    return b"%s %s %s" % (turn, _real(matrix.e, 2), _real(matrix.f, 2))
