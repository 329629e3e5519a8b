"""Chooses the font that subtitles are drawn in, and lays its file where ffmpeg looks.

Fonts that come as packages are taken first, so that pictures look alike on every host; the
system's stand in for characters that those lack.
"""

import re
import shutil
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

_CJK = re.compile(
    "[\u1100-\u11ff\u2e80-\u9fff\ua960-\ua97f\uac00-\ud7ff\uf900-\ufaff\uff00-\uffef"
    "\U00020000-\U0003ffff]"
)
_FAMILIES_BY_LANGUAGE = {"ko": "Noto Sans CJK KR", "zh": "Noto Sans CJK SC"}
_TRADITIONAL = re.compile(r"zh-(hant|tw|hk|mo)", re.IGNORECASE)
_KANA = re.compile("[\u3040-\u30ff]")
_HANGUL = re.compile("[\u1100-\u11ff\uac00-\ud7ff]")


@dataclass(frozen=True, slots=True)
class Font:
    """A family, and the file that it is in; both empty if the system is to choose."""

    family: str = ""
    file: Path | None = None


def font_for(text: str, language: str) -> Font:
    """Choose a font for a text, whose language tells how Han characters look."""
    if _CJK.search(text):
        file = _package_file("noto_cjk_sans_otc", "NotoSansCJK-Regular.ttc")
        return Font(_cjk_family(text, language), file) if file else Font()
    file = _package_file("fontpkg_arimo", "files/Arimo[wght].ttf")
    return Font("Arimo", file) if file else Font()


def lay_out(font: Font, directory: Path) -> None:
    """Copy a font's file into the directory that ffmpeg is told of."""
    directory.mkdir(exist_ok=True)
    if font.file is not None:
        shutil.copyfile(font.file, directory / f"font{font.file.suffix}")


def _cjk_family(text: str, language: str) -> str:
    if _TRADITIONAL.match(language):
        return "Noto Sans CJK TC"
    told = _FAMILIES_BY_LANGUAGE.get(language.partition("-")[0].casefold())
    if told is not None:
        return told
    if _HANGUL.search(text) and not _KANA.search(text):
        return "Noto Sans CJK KR"
    return "Noto Sans CJK JP"


def _package_file(package: str, name: str) -> Path | None:
    found = find_spec(package)
    places = [] if found is None else found.submodule_search_locations or []
    files = (Path(place) / name for place in places)
    return next((file for file in files if file.is_file()), None)
