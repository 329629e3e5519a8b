"""Foreign script: the symbols of a text, and the letters that its language is not written in."""

import unicodedata
from collections.abc import Iterator

# Script of each language that is not written in Latin letters, as in Unicode character names.
_SCRIPTS = {
    **dict.fromkeys(("be", "bg", "mk", "ru", "uk"), "CYRILLIC"),
    **dict.fromkeys(("ar", "fa", "ur"), "ARABIC"),
    "hi": "DEVANAGARI",
}
_SYMBOL_CATEGORIES = frozenset({"So", "Sm", "Sc", "Sk", "No", "Co", "Cn", "Cs", "Cf"})
# Ordinal marks, and characters without a width of their own.
_HARMLESS = frozenset("\u00aa\u00ad\u00ba\u200b\u200c\u200d\ufe0f")


def foreign_runs(text: str, source_language: str) -> Iterator[tuple[int, int]]:
    """Yield runs of symbols and of scripts that the source language is not written in."""
    if text.isascii():
        return
    start = -1
    for index, character in enumerate(text):
        if _is_foreign(character, source_language):
            start = index if start < 0 else start
        elif start >= 0 and not (unicodedata.combining(character) or character in "\u200d\ufe0f"):
            yield start, index
            start = -1
    if start >= 0:
        yield start, len(text)


def _is_foreign(character: str, source_language: str) -> bool:
    if character < "\u00a0" or character in _HARMLESS:
        return False
    category = unicodedata.category(character)
    if category in _SYMBOL_CATEGORIES:
        return True
    if category[0] != "L":
        return False
    script = unicodedata.name(character, "").split(" ", 1)[0]
    return script not in {"LATIN", "MODIFIER", _SCRIPTS.get(source_language, "LATIN")}
