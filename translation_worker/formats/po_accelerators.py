"""Accelerators of catalogues: the letter of a menu entry that a key calls, as in "_File".

The mark is taken out before a text is translated, as it would cut a word in two, and set again
before a letter of the translation.
"""

import re

# A mark before the first letter of a word; "&amp;" is a character.
_MARK = re.compile(r"(?<![\w&_$%{])([_&])(?=[^\W\d_])(?!\w+;)")
_LETTER = re.compile(r"[^\W\d_]")
_MAX_LABEL_CHARACTERS = 60


def without_mark(text: str) -> tuple[str, str]:
    """Return a label without its mark, and the mark with its letter; empty if it has none."""
    found = list(_MARK.finditer(text))
    if len(found) != 1 or len(text) > _MAX_LABEL_CHARACTERS or "\n" in text:
        return text, ""
    position = found[0].start()
    return text[:position] + text[position + 1 :], text[position : position + 2]


def with_mark(translation: str, mark: str) -> str:
    """Set a mark before the same letter, at the start of a word if it can be, or the first one."""
    if not mark:
        return translation
    sign, letter = mark[0], re.escape(mark[1])
    for pattern in (rf"(?<!\w){letter}", letter):
        if found := re.search(pattern, translation, re.IGNORECASE):
            return translation[: found.start()] + sign + translation[found.start() :]
    first = _LETTER.search(translation)
    if first is None or first[0] > "\u2e7f":
        # Where letters are not on the keyboard, the source's follows in brackets.
        return f"{translation}({mark})"
    return translation[: first.start()] + sign + translation[first.start() :]
