"""Embedding: a face becomes one font object of the written file, cut down to the glyphs in use.

Composite fonts with two-byte codes (PDF 32000-1, 9.7): one object serves any number of letters,
and a map to Unicode keeps the text searchable. Every page names the same objects, so a font is in
the file once.
"""

import io
from contextlib import closing
from typing import Any

import pikepdf
from fontTools import subset  # type: ignore[import-untyped] # published without types
from fontTools.ttLib import TTFont  # type: ignore[import-untyped] # published without types
from fontTools.varLib import instancer  # type: ignore[import-untyped] # published without types
from pikepdf import Array, Dictionary, Name, Stream, String

from translation_worker.formats.pdf.faces import Face

_NONSYMBOLIC, _ITALIC = 1 << 5, 1 << 6
_STEM_WIDTH, _BOLD_STEM_WIDTH = 80, 140
_SLANT_DEGREES = 12


class EmbeddedFace:
    """A face's font object, which is filled when it is known what was drawn."""

    def __init__(self, pdf: pikepdf.Pdf, face: Face, name: str) -> None:
        self.face = face
        self.name = name
        self.object = pdf.make_indirect(Dictionary(Type=Name.Font))
        self._pdf = pdf
        self._codes: dict[int, str] = {}

    def encode(self, text: str) -> bytes:
        """Return text as the codes of this font, two bytes each."""
        codes = bytearray()
        for character in text:
            code = self.face.code(character)
            self._codes.setdefault(code, character)
            codes += code.to_bytes(2, "big")
        return bytes(codes)

    def finish(self) -> None:
        """Fill the font object; nothing can be drawn with it after."""
        face = self.face
        characters = "".join(self._codes.values())
        with closing(_subset(face, characters)) as font:
            self._fill(font, characters)

    def _fill(
        self,
        font: Any,  # Any: the library has no types
        characters: str,
    ) -> None:
        pdf, face = self._pdf, self.face
        base_name = Name("/" + _tag(characters) + "+" + _postscript_name(font))
        scale = 1000 / face.units_per_em
        head, hhea = font["head"], font["hhea"]
        descriptor = Dictionary(
            Type=Name.FontDescriptor,
            FontName=base_name,
            Flags=_NONSYMBOLIC | (_ITALIC if "Italic" in str(base_name) else 0),
            FontBBox=Array(
                [round(v * scale) for v in (head.xMin, head.yMin, head.xMax, head.yMax)]
            ),
            ItalicAngle=round(font["post"].italicAngle),
            Ascent=round(hhea.ascent * scale),
            Descent=round(hhea.descent * scale),
            CapHeight=round(0.7 * 1000),
            StemV=_BOLD_STEM_WIDTH if "Bold" in str(base_name) else _STEM_WIDTH,
        )
        if face.is_cff:
            data = font.getTableData("CFF ")
            file = Stream(pdf, data)
            file.Subtype = Name.CIDFontType0C
            descriptor.FontFile3 = pdf.make_indirect(file)
            system = _character_collection(font)
        else:
            buffer = io.BytesIO()
            font.save(buffer)
            file = Stream(pdf, buffer.getvalue())
            file.Length1 = len(buffer.getvalue())
            descriptor.FontFile2 = pdf.make_indirect(file)
            system = Dictionary(Registry=String("Adobe"), Ordering=String("Identity"), Supplement=0)
        descendant = Dictionary(
            Type=Name.Font,
            Subtype=Name.CIDFontType0 if face.is_cff else Name.CIDFontType2,
            BaseFont=base_name,
            CIDSystemInfo=system,
            FontDescriptor=pdf.make_indirect(descriptor),
            DW=1000,
            W=self._widths(),
        )
        if not face.is_cff:
            descendant.CIDToGIDMap = Name.Identity
        self.object.Subtype = Name.Type0
        self.object.BaseFont = base_name
        self.object.Encoding = Name("/Identity-H")
        self.object.DescendantFonts = Array([pdf.make_indirect(descendant)])
        self.object.ToUnicode = pdf.make_indirect(Stream(pdf, _to_unicode(self._codes)))

    def _widths(self) -> Array:
        widths = Array()
        for code, character in sorted(self._codes.items()):
            widths.append(code)
            width = self.face.width(character) / self.face.source.zoom
            widths.append(Array([round(width * 1000)]))
        return widths


def _subset(face: Face, characters: str) -> Any:  # Any: the library has no types
    """Return the face with the glyphs of some characters only, at its place on its axes."""
    options = subset.Options(
        retain_gids=not face.is_cff,
        notdef_outline=True,
        hinting=False,
        layout_features=[],
        desubroutinize=False,
        drop_tables=[*subset.Options().drop_tables, "GSUB", "GPOS", "GDEF", "STAT", "MATH", "BASE"],
        name_IDs=[1, 2, 4, 6],
    )
    source = face.source
    # Without the time of writing in it, the same letters give the same bytes.
    font = TTFont(source.path, fontNumber=source.number, lazy=True, recalcTimestamp=False)
    subsetter = subset.Subsetter(options)
    subsetter.populate(unicodes=[ord(character) for character in characters])
    subsetter.subset(font)
    if "fvar" in font:
        # Axes that are not set stay where the font has them by itself.
        location = {axis.axisTag: axis.defaultValue for axis in font["fvar"].axes}
        font = instancer.instantiateVariableFont(
            font, {**location, **dict(source.axes)}, inplace=True
        )
    return font


def _postscript_name(font: Any) -> str:  # Any: the library has no types
    name = font["name"].getDebugName(6) or "Face"
    return "".join(c for c in name if c.isascii() and (c.isalnum() or c == "-"))[:60] or "Face"


def _tag(characters: str) -> str:
    """Return the six letters before the name of a subset (PDF 32000-1, 9.6.4)."""
    number = sum((place + 1) * ord(character) for place, character in enumerate(characters))
    letters = []
    for _ in range(6):
        number, letter = divmod(number, 26)
        letters.append(chr(ord("A") + letter))
    return "".join(letters)


def _character_collection(font: Any) -> Dictionary:  # Any: the library has no types
    top = font["CFF "].cff.topDictIndex[0]
    registry, ordering, supplement = getattr(top, "ROS", ("Adobe", "Identity", 0))
    return Dictionary(
        Registry=String(registry), Ordering=String(ordering), Supplement=int(supplement)
    )


def _to_unicode(codes: dict[int, str]) -> bytes:
    """Return a ToUnicode map (PDF 32000-1, 9.10.3)."""
    lines = [
        b"/CIDInit /ProcSet findresource begin 12 dict begin begincmap",
        b"/CIDSystemInfo <</Registry (Adobe) /Ordering (UCS) /Supplement 0>> def",
        b"/CMapName /Adobe-Identity-UCS def /CMapType 2 def",
        b"1 begincodespacerange <0000> <ffff> endcodespacerange",
    ]
    rows = sorted(codes.items())
    for start in range(0, len(rows), 100):
        chunk = rows[start : start + 100]
        lines.append(b"%d beginbfchar" % len(chunk))
        lines += [
            b"<%04x> <%s>" % (code, character.encode("utf-16-be").hex().encode())
            for code, character in chunk
        ]
        lines.append(b"endbfchar")
    lines.append(b"endcmap CMapName currentdict /CMap defineresource pop end end")
    return b"\n".join(lines)
