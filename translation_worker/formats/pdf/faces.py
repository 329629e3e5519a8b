"""Faces: the fonts that translations are set in, where they are found, and how wide letters are.

A document's own fonts are cut down to the letters of its own words, so a translation needs others.
Fonts that are measured like the ones most documents are set in are taken from the system where they
are installed; the packages that come with Babelmill cover Latin, Greek, Cyrillic and CJK anywhere.
"""

import importlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from fontTools.ttLib import TTFont, TTLibError  # type: ignore[import-untyped] # published without types

from translation_worker.formats.pdf.words import Style

_SYSTEM_DIRECTORIES = ("/usr/share/fonts", "/usr/local/share/fonts", "/Library/Fonts")
_MAX_SYSTEM_FONTS = 5_000
_BOLD_WEIGHT = 700.0
# Noto Serif is wider and its small letters are taller than those of the book faces it stands in
# for; in this width, and a little smaller, it takes as much room as they do.
_SERIF_WIDTH = 88.0
_SERIF_ZOOM = 0.92
_CJK_FACES = {"ja": 0, "ko": 1, "zh": 2}
_CJK_TRADITIONAL, _TRADITIONAL = 3, re.compile(r"^zh-(hant|tw|hk|mo)", re.IGNORECASE)
# Files of the system by family; for each: regular, bold, italic, bold italic.
_SYSTEM_FILES = {
    "serif": ("LiberationSerif", "DejaVuSerif"),
    "sans": ("LiberationSans", "DejaVuSans"),
    "mono": ("LiberationMono", "DejaVuSansMono"),
}
_LIBERATION = re.compile(
    r"liberation|times|arial|helvetica|courier|nimbus|tinos|arimo|cousine", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Source:
    """A font file, the face in it if it is a collection, and the place on its axes.

    `zoom` is how much larger it is drawn than the size says.
    """

    path: Path
    number: int = -1
    axes: tuple[tuple[str, float], ...] = ()
    slanted: bool = False
    emboldened: bool = False
    zoom: float = 1.0


class Face:
    """One font as it is drawn; widths are in ems of the size that is asked for, before the zoom."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.font: Any = TTFont(source.path, fontNumber=source.number, lazy=True)  # untyped library
        self.units_per_em: int = self.font["head"].unitsPerEm
        self._glyphs: Mapping[int, str] = self.font.getBestCmap()
        self._set: Any = self.font.getGlyphSet(location=dict(source.axes) or None)
        self._numbers: Mapping[str, int] = self.font.getReverseGlyphMap()
        self._widths: dict[str, float] = {}
        self.is_cff = "CFF " in self.font

    def close(self) -> None:
        """Close the file."""
        self.font.close()

    def has(self, character: str) -> bool:
        """Tell whether there is a glyph for a character."""
        return ord(character) in self._glyphs

    def width(self, text: str) -> float:
        """Return the width of text whose characters the face has, in ems."""
        return sum(map(self._width, text))

    def _width(self, character: str) -> float:
        width = self._widths.get(character)
        if width is None:
            name = self._glyphs[ord(character)]
            width = self._set[name].width / self.units_per_em * self.source.zoom
            self._widths[character] = width
        return width

    def code(self, character: str) -> int:
        """Return the number by which a content stream names a character's glyph.

        For CFF that is the CID (Adobe Technical Note 5176, 18), which stays in a subset; for
        TrueType the glyph's index.
        """
        name = self._glyphs[ord(character)]
        if self.is_cff and name.startswith("cid") and name[3:].isdigit():
            return int(name[3:])
        return self._numbers[name]


class Faces:
    """Chooses a face for each stretch of text; one is for one target language."""

    def __init__(self, target_language: str) -> None:
        self._language = target_language.lower()
        self._opened: dict[Source, Face | None] = {}
        self._chains: dict[Style, tuple[Source, ...]] = {}
        self._keys: dict[Style, Style] = {}
        self._found: dict[Style, dict[str, tuple[Face, str]]] = {}
        self.missing: set[str] = set()

    def close(self) -> None:
        """Close the files of all faces."""
        for face in self._opened.values():
            if face is not None:
                face.close()

    def split(self, text: str, style: Style) -> list[tuple[Face, str]]:
        """Cut text into stretches that one face each has the glyphs for.

        A character that no face has becomes the replacement or question mark; `missing` has it.
        """
        stretches: list[tuple[Face, str]] = []
        found = self._found.setdefault(self._key(style), {})
        current: Face | None = None
        for character in text:
            if current is not None and not character.isalnum() and current.has(character):
                face, drawn = current, character
            else:
                if character not in found:
                    found[character] = self._face_for(character, style)
                face, drawn = found[character]
            if face is current:
                stretches[-1] = face, stretches[-1][1] + drawn
            else:
                stretches.append((face, drawn))
            current = face
        return stretches

    def _face_for(self, character: str, style: Style) -> tuple[Face, str]:
        first = None
        for source in self._chain(self._key(style)):
            face = self._open(source)
            if face is None:
                continue
            if face.has(character):
                return face, character
            first = first or face
        assert first is not None, "a packaged face is always in the chain"
        self.missing.add(character)
        return first, "?"

    def _open(self, source: Source) -> Face | None:
        if source not in self._opened:
            try:
                self._opened[source] = Face(source)
            except (OSError, TTLibError, KeyError):
                self._opened[source] = None
        return self._opened[source]

    def _key(self, style: Style) -> Style:
        """Return what of a style the choice of a face depends on."""
        if style not in self._keys:
            self._keys[style] = Style(
                bold=style.bold,
                italic=style.italic,
                serif=style.serif,
                mono=style.mono,
                family="like" if _LIBERATION.search(style.family) else "",
            )
        return self._keys[style]

    def _chain(self, key: Style) -> tuple[Source, ...]:
        if key not in self._chains:
            self._chains[key] = tuple(self._sources(key))
        return self._chains[key]

    def _sources(self, style: Style) -> Iterator[Source]:
        kind = "mono" if style.mono else "serif" if style.serif else "sans"
        system = list(_system_sources(kind, style))
        packaged = list(_packaged_sources(kind, style))
        measured = [source for source in system if "Liberation" in source.path.stem]
        yield from measured if style.family or kind == "mono" else ()
        yield from packaged
        yield from _cjk_sources(self._language, style)
        yield from system


def _system_sources(kind: str, style: Style) -> Iterator[Source]:
    files = _system_files()
    for family in _SYSTEM_FILES[kind]:
        name = family + _suffix(family, style)
        if name in files:
            yield Source(files[name])
        elif family in files:
            yield Source(files[family], slanted=style.italic, emboldened=style.bold)


def _suffix(family: str, style: Style) -> str:
    slant = "Oblique" if family in {"DejaVuSans", "DejaVuSansMono"} else "Italic"
    bold, italic = "Bold" * style.bold, slant * style.italic
    if family.startswith("Liberation") and not (bold or italic):
        return "-Regular"
    return f"-{bold}{italic}" if bold or italic else ""


@lru_cache(maxsize=1)
def _system_files() -> Mapping[str, Path]:
    """Return the font files of the system by their stems."""
    files: dict[str, Path] = {}
    for directory in map(Path, _SYSTEM_DIRECTORIES):
        for path in directory.rglob("*.ttf"):
            files.setdefault(path.stem, path)
            if len(files) >= _MAX_SYSTEM_FONTS:
                return files
    return files


def _packaged_sources(kind: str, style: Style) -> Iterator[Source]:
    weight = ("wght", _BOLD_WEIGHT if style.bold else 400.0)
    sans = _package_file(
        "fontpkg_arimo", "files/Arimo-Italic[wght].ttf" if style.italic else "files/Arimo[wght].ttf"
    )
    serif = _package_file(
        "fontpkg_noto_serif",
        "files/NotoSerif-Italic[wdth,wght].ttf"
        if style.italic
        else "files/NotoSerif[wdth,wght].ttf",
    )
    sources = [
        Source(sans, axes=(weight,)),
        Source(serif, axes=(("wdth", _SERIF_WIDTH), weight), zoom=_SERIF_ZOOM),
    ]
    yield from reversed(sources) if kind == "serif" else sources


def _cjk_sources(language: str, style: Style) -> Iterator[Source]:
    path = _package_file("noto_cjk_sans_otc", "NotoSansCJK-Regular.ttc")
    number = _CJK_FACES.get(language.split("-", 1)[0], _CJK_FACES["zh"])
    if _TRADITIONAL.match(language):
        number = _CJK_TRADITIONAL
    yield Source(path, number, emboldened=style.bold)


def _package_file(package: str, name: str) -> Path:
    root: Sequence[str] = importlib.import_module(package).__path__
    return Path(root[0]) / name
