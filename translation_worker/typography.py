"""Typography: suits a sentence to what engines were trained on, and undoes that afterwards.

Engines stumble over curly quotes, dashes, capitals and fragments: they translate a quotation mark
into nothing, a heading in capitals into nonsense, and finish what was no sentence with a comma.
`adapt` takes such things away, `Adapted.restore` gives the translation the source's quotes,
dashes, case and last stop.
"""

# ruff: noqa: RUF001 - look-alike quotes and dashes are what these patterns are about

import re
from collections.abc import Callable
from dataclasses import dataclass

_PAIRS = {"“": "”", "«": "»", "„": "“”", "‘": "’", '"': '"', "(": ")", "[": "]", "'": "'"}
_CLOSERS = {'"': '"', "”": "“„", "»": "«", "’": "‘", ")": "(", "]": "["}
_DOUBLE_QUOTES = "“”„«»"
_WRAPPING_EMPHASIS = re.compile(r"(\*{1,3}|_{1,3}|~~)(?=\S)(.+)(?<=\S)\1", re.DOTALL)
# A quotation mark; an apostrophe stands between letters, or after a letter without a partner.
_QUOTE = re.compile(r"[\"“”„«»]|(?<!\w)['‘](?=\w)|(?<=[\w.,!?…])['’](?!\w)")
# Searched for first: most sentences have none, and the expression above takes its time.
_ANY_QUOTE = re.compile(r"[\"“”„«»'‘’]")
_SMALL_LETTER = re.compile(r"[a-z]")
_DASH = re.compile(r"\s*[—–]\s*|\s-{1,3}\s")
_DASHES = "—–-"
_STOPS = ".!?:;,…"
_SENTENCE_STOPS = ".!?…"
_CLOSING_MARKS = "\"'”’»)"
_NUMBER_RANGE = re.compile(r"(?<=\d)[—–](?=\d)")
_WORD = re.compile(r"\w+")
_CAPITALIZED = re.compile(r"[A-Z]\w+")
_INVERTED = "¿¡"
_CLAUSE_START = re.compile(r"[.!?…:;]\s+|(?:^|(?<=[\s(]))[\"“«‘'(¿¡]+")
_INVERTED_TARGETS = frozenset({"ast", "es"})
_MIN_CAPITALS = 5
_SPACE_BEFORE_STOP = re.compile(r"(?<=\S) +([.,;:!?…])(?=\s|$)")
_SPACES = re.compile(r"[ \t\u00a0\u202f\u2009]+")


@dataclass(frozen=True)
class Adapted:
    """A sentence as an engine likes it, and what it takes to go back."""

    text: str
    source: str  # the sentence without its wrapping
    lead: str
    tail: str
    shouted: bool
    token: re.Pattern[str]

    def restore(self, translated: str, target_language: str) -> str:
        """Give a translation the looks of the source; none at all gives the source."""
        if translated == self.text:
            return f"{self.lead}{self.source}{self.tail}"
        text = _SPACES.sub(" ", translated).strip()
        text = _SPACE_BEFORE_STOP.sub(r"\1", text)
        text = text.lstrip(_INVERTED).lstrip()
        text = self._with_last_stop(text)
        text = self._with_first_letter(text)
        if self.shouted:
            text = _upper(text, self.token)
        text = _with_quotes(self.source, text)
        text = _with_dashes(self.source, text)
        if "…" in self.source and "..." not in self.source:
            text = text.replace("...", "…")
        lead, tail = self.lead, self.tail
        if target_language in _INVERTED_TARGETS:
            text = _with_inverted_marks(text)
        else:
            lead = lead.translate({ord(mark): None for mark in _INVERTED})
        return f"{lead}{text}{tail}"

    def _with_last_stop(self, text: str) -> str:
        within = self.source.rstrip(_CLOSING_MARKS)
        if within != self.source and within.endswith(tuple(_SENTENCE_STOPS)):
            return text
        wanted = self.source[len(self.source.rstrip(_STOPS)) :]
        body = text.rstrip(_STOPS).rstrip()
        return (body or text) + wanted

    def _with_first_letter(self, text: str) -> str:
        index = _first_letter(text, self.token)
        wanted = _first_letter(self.source, self.token)
        if index is None or wanted is None or self.shouted:
            return text
        letter, behind_token = self.source[wanted], bool(self.token.match(self.source))
        if behind_token != bool(self.token.match(text)):
            # The sentence begins with another word than in the source.
            return text
        if letter.isupper() and text[index].islower() and not behind_token:
            return text[:index] + text[index].upper() + text[index + 1 :]
        if letter.islower() and text[index].isupper():
            word = _WORD.match(text, index)
            names = {name.lower() for name in _CAPITALIZED.findall(self.source)}
            if word and word[0].istitle() and word[0].lower() not in names:
                return text[:index] + text[index].lower() + text[index + 1 :]
        return text


def adapt(text: str, token: re.Pattern[str]) -> Adapted:
    """Suit a sentence to an engine; `token` matches a placeholder, which stays as it is."""
    lead, source, tail = _unwrapped(text)
    plain = _SPACES.sub(" ", source)
    plain = plain.replace("…", "...").translate({ord(mark): '"' for mark in _DOUBLE_QUOTES})
    plain = plain.replace("’", "'").replace("‘", "'")
    if _has_any(plain, _DASHES):
        plain = _DASH.sub(" - ", _NUMBER_RANGE.sub("-", plain))
    plain = plain.strip()
    shouted = _is_shouted(plain, token)
    if shouted:
        plain = _sentence_case(plain, token)
    first = _first_letter(plain, token)
    words = token.sub(" ", plain).split()
    if first is not None and plain[first].islower() and len(words) > 1 and plain[-1] not in _STOPS:
        # A fragment in small letters reads as garbage to the model; a stop calms it.
        plain += "."
    return Adapted(plain, source, lead, tail, shouted, token)


def _unwrapped(text: str) -> tuple[str, str, str]:
    """Cut quotes, brackets and emphasis that enclose the whole, or have no partner in it."""
    start, end = 0, len(text)
    while start < end:
        inner = text[start:end]
        emphasis = _WRAPPING_EMPHASIS.fullmatch(inner)
        if emphasis is not None and emphasis[1] not in emphasis[2]:
            start, end = start + len(emphasis[1]), end - len(emphasis[1])
            continue
        first, last = inner[0], inner[-1]
        closers = _PAIRS.get(first, "")
        rest = inner[1:]
        if first in _INVERTED:
            start += 1
        elif closers and (
            not any(closer in rest for closer in closers)
            or (last in closers and len(inner) > 1 and not _has_any(inner[1:-1], first + closers))
        ):
            alone = not any(closer in rest for closer in closers)
            start, end = start + 1, end if alone else end - 1
        elif last in _CLOSERS and not _has_any(inner[:-1], _CLOSERS[last]):
            if last == "’" and inner[-2:-1].isalnum():
                break
            end -= 1
        else:
            break
    inner = text[start:end]
    left = len(inner) - len(inner.lstrip())
    right = len(inner) - len(inner.rstrip())
    if not inner.strip():
        return "", text, ""
    return text[: start + left], inner.strip(), text[end - right :]


def _has_any(text: str, characters: str) -> bool:
    return any(character in text for character in characters)


def _is_shouted(text: str, token: re.Pattern[str]) -> bool:
    # A placeholder has no small letters.
    if _SMALL_LETTER.search(text):
        return False
    plain = token.sub(" ", text)
    letters = [character for character in plain if character.isalpha()]
    return (
        len(letters) >= _MIN_CAPITALS
        and len(plain.split()) > 1
        and all(not letter.islower() for letter in letters)
        and any(letter.isupper() for letter in letters)
    )


def _sentence_case(text: str, token: re.Pattern[str]) -> str:
    lowered = _outside(text, token, str.lower)
    first = _first_letter(lowered, token)
    if first is None:
        return lowered
    return lowered[:first] + lowered[first].upper() + lowered[first + 1 :]


def _upper(text: str, token: re.Pattern[str]) -> str:
    return _outside(text, token, str.upper)


def _outside(text: str, token: re.Pattern[str], change: Callable[[str], str]) -> str:
    """Change a text everywhere but in its placeholders."""
    pieces: list[str] = []
    position = 0
    for match in token.finditer(text):
        pieces += [change(text[position : match.start()]), match[0]]
        position = match.end()
    return "".join([*pieces, change(text[position:])])


def _first_letter(text: str, token: re.Pattern[str]) -> int | None:
    """Return the index of the first letter behind any placeholder; None if a digit is before."""
    index = 0
    while index < len(text):
        placeholder = token.match(text, index)
        if placeholder is not None:
            index = placeholder.end()
            continue
        if text[index].isdigit():
            return None
        if text[index].isalpha():
            return index
        index += 1
    return None


def _with_quotes(source: str, text: str) -> str:
    """Set the source's quotation marks, if there are as many as in the source."""
    wanted = [match[0] for match in _QUOTE.finditer(source)] if _ANY_QUOTE.search(source) else []
    if wanted and len(wanted) == len(_QUOTE.findall(text)):
        marks = iter(wanted)
        text = _QUOTE.sub(lambda _: next(marks), text)
    if "’" in source and "'" not in source:
        text = re.sub(r"(?<=\w)'(?=\w)", "’", text)
    return text


def _with_dashes(source: str, text: str) -> str:
    """Set the source's dashes and the space around them."""
    if not _has_any(source, _DASHES):
        return text
    if _NUMBER_RANGE.search(source):
        text = re.sub(r"(?<=\d)-(?=\d)", "–", text)
        source = _NUMBER_RANGE.sub("-", source)
    wanted = [match[0] for match in _DASH.finditer(source)]
    if not wanted or all(dash.strip().startswith("-") for dash in wanted):
        return text
    found = len(_DASH.findall(text))
    dashes = iter(wanted if found == len(wanted) else [wanted[0]] * found)
    return _DASH.sub(lambda _: next(dashes), text)


def _with_inverted_marks(text: str) -> str:
    """Open each Spanish question and exclamation that is only closed.

    It opens where its sentence or its quotation begins.
    """
    for opening, closing in zip(_INVERTED, "?!", strict=True):
        position = 0
        while (end := text.find(closing, position)) >= 0:
            begin = max(
                (match.end() for match in _CLAUSE_START.finditer(text, position, end)),
                default=position,
            )
            if opening not in text[begin:end] and text[begin:end].strip(" .!?"):
                text = f"{text[:begin]}{opening}{text[begin:]}"
                end += 1
            position = end + 1
    return text
