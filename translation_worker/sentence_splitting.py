"""Sentence splitting: where sentences end within one line of flowing text.

Works by offsets into the given text and never changes it, so nothing can be lost. pysbd proposes
the ends for the languages that it knows, a regular expression for all others and for long texts
(pysbd's time grows with the square of the length); the proposals are then freed of the mistakes
that both make with abbreviations.
"""

# ruff: noqa: RUF001 - look-alike quotes and dashes are what these patterns are about

import bisect
import functools
import re
import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pysbd

# Languages with rules of their own in pysbd that were seen to do better than the expression.
_PYSBD_LANGUAGES = frozenset({"bg", "da", "en", "es", "fr", "hi", "it", "nl", "pl", "ru", "ur"})
_PYSBD_MAX_CHARACTERS = 3000

_END = re.compile(r"(?:[.!?…。]+|[؟۔।])[\"'”’»)\]*_]*\s+")
# Without one of these before a space, neither way proposes anything.
_POSSIBLE_END = re.compile(r"[.!?…。؟۔।)][\"'”’»)\]*_]*\s")
# Where pysbd has reasons of its own: lists, quotations in single quotes, other scripts.
_UNUSUAL = re.compile(
    r"[\r\n\t]|(?<!\w)\(?(?:\d{1,3}|[A-Za-z]|[ivx]{1,4})[.)]\s|[^\x00-\u024f–—’“”‘…]|(?<!\w)['‘](?=\w)"
)
_OPENING = '"“«¿¡'
_NESTING = {"(": ")", "[": "]", "“": "”", "«": "»"}
_STOPPED_WORD = re.compile(r"(\w+)[.?]\Z")
_LAST_WORD = re.compile(r"([\w.]+)\.[\"'”’»)\]]*\s*\Z")
_NEXT_LETTER = re.compile(r"[\W_]*(\w)")
_INITIAL = re.compile(r"(?:[A-Z]|(?:[A-Z]\.)+[A-Z])")
# As far as one looks to either side of an end.
_CONTEXT = 80
_CLOSING = "\"'”’»)]},;:"


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Followed by the rest of the sentence, whatever its case.
_TITLES = _words(
    "mr mrs ms dr prof rev gen sen rep gov capt lt col sgt st hon messrs jr sr sra srta dra drs "
    "eng exmo exma profa av pça mme mlle mgr dña sta sto dom dª"
)
# Followed by the rest of the sentence if that starts with a digit or a small letter.
_REFERENCES = _words(
    "no nos nr núm num n nº fig figs p pp pág págs pag cap caps art arts vol vols sec sect ch eq "
    "ed eds al cf vs approx aprox ca c etc inc ltd co corp dept est ext tel fone min max jan feb "
    "fev mar apr abr jun jul aug ago sep sept set oct out nov dec dez e.g i.e p.ex ex ej v"
)


def split_sentences(
    text: str, language: str, protected: Sequence[tuple[int, int]] = ()
) -> list[tuple[int, int]]:
    """Return the sentences as (start, end), in order; between them there is only space.

    No sentence ends within a `protected` part; those are in order. Space at either end of the text
    is left out.
    """
    ends = _propose(text, language)
    sentences: list[tuple[int, int]] = []
    start = 0
    for end in [*ends, len(text)]:
        if end <= start or (end < len(text) and not _is_end(text, start, end, protected)):
            continue
        chunk = text[start:end]
        if chunk.strip():
            left = start + len(chunk) - len(chunk.lstrip())
            sentences.append((left, left + len(chunk.strip())))
        start = end
    return sentences


def _propose(text: str, language: str) -> list[int]:
    """Return offsets at which a sentence may start, not 0."""
    if not _POSSIBLE_END.search(text):
        return []
    ends = list(_END.finditer(text))
    if language in _PYSBD_LANGUAGES and len(text) <= _PYSBD_MAX_CHARACTERS:
        if not _UNUSUAL.search(text) and all(_is_sure(text, end, language) for end in ends):
            # As pysbd would propose, which takes fifty times as long.
            return [match.end() for match in ends]
        proposed = _propose_by_pysbd(text, language)
        if proposed is not None:
            return proposed
    return [match.end() for match in ends]


def _is_sure(text: str, end: re.Match[str], language: str) -> bool:
    """Tell whether an end is neither in brackets or quotes, nor that of an abbreviation."""
    before, behind = text[: end.start()], text[end.end() : end.end() + 1]
    if before.count('"') % 2 or text[end.start()] == "!":
        return False
    if behind and not behind.isupper() and behind not in _OPENING:
        return False
    if any(before.count(mark) != before.count(closer) for mark, closer in _NESTING.items()):
        return False
    word = _STOPPED_WORD.search(before[-_CONTEXT:] + text[end.start()])
    return word is None or word[1].lower() not in _abbreviations(language)


def _propose_by_pysbd(text: str, language: str) -> list[int] | None:
    """Return pysbd's starts, or None if it changed, lost or doubled a part of the text."""
    try:
        parts = _pysbd(text, language)
    except (re.error, IndexError, ValueError, TypeError, AttributeError):
        # Raised by its own rewriting of the text on unlucky input.
        return None
    starts: list[int] = []
    position = 0
    for part in parts:
        body = part.strip()
        found = text.find(body, position)
        if not body or found < 0 or text[position:found].strip():
            return None
        if found > 0:
            starts.append(found)
        position = found + len(body)
    return None if text[position:].strip() else starts


@functools.cache
def _segmenter(language: str) -> "pysbd.Segmenter":
    with warnings.catch_warnings():
        # It holds regular expressions that newer compilers warn about.
        warnings.simplefilter("ignore")
        import pysbd

        return pysbd.Segmenter(language=language, clean=False)


def _pysbd(text: str, language: str) -> list[str]:
    # What its segment() does besides is to find the sentences in the text, by an expression that
    # it compiles for each of them; that takes as long as the rest.
    parts: list[str] = _segmenter(language).processor(text).process()
    return parts


@functools.cache
def _abbreviations(language: str) -> frozenset[str]:
    known = _segmenter(language).language_module.Abbreviation.ABBREVIATIONS
    return frozenset(word.strip().lower() for word in known)


def _is_within(offset: int, parts: Sequence[tuple[int, int]]) -> bool:
    """Tell whether an offset is inside one of the parts, which are in order."""
    index = bisect.bisect_left(parts, (offset,)) - 1
    return index >= 0 and parts[index][0] < offset < parts[index][1]


def _is_end(text: str, start: int, end: int, protected: Sequence[tuple[int, int]]) -> bool:
    if not text[end - 1].isspace() or _is_within(end, protected):
        return False
    before, after = text[max(start, end - _CONTEXT) : end], text[end : end + _CONTEXT]
    if after[:1] in _CLOSING and after[:1] not in "\"'":
        return False
    letter = _NEXT_LETTER.match(after)
    continues = letter is not None and (letter[1].islower() or letter[1].isdigit())
    last = _LAST_WORD.search(before)
    if last is None:
        return True
    word = last[1].lower()
    if word in _TITLES or (_INITIAL.fullmatch(last[1]) and len(last[1]) == 1):
        return False
    if continues and (word in _REFERENCES or "." in word):
        return False
    return not (letter is not None and letter[1].islower())
