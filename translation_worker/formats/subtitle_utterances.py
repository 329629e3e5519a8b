"""Utterances: what one speaker says in one cue, freed of the markup around it.

A cue holds one utterance or several, one for each speaker's dash. What an utterance begins and
ends with besides words - dashes, positions, italics around all of it - is kept as it is.
"""

# ruff: noqa: RUF001 - dashes that look alike are what these patterns are about

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from translation_worker.document import Tag, TagKind
from translation_worker.formats.subtitle_markup import Token, TokenKind, partners

# What a new speaker's line begins with.
_SPEAKER = re.compile(r"\s*(?:[-‐–—−]|>>|&gt;&gt;)\s*(?=\S|\Z)")
# A line that is a sound or a song, not speech: [door slams], (sighs), ♪ la la ♪.
_SOUND = re.compile(r"\s*(?:\[[^\[\]]*\]|\([^()]*\)|[♪♫#].*[♪♫#])\s*")
# Written without spaces between words.
WITHOUT_SPACES = re.compile(r"[\u3000-\u30ff\u3400-\u9fff\uf900-\ufaff\uff00-\uffef]")

# Tokens after the end of a line among which its first word is looked for.
_LOOKED_AHEAD = 8


@dataclass(frozen=True, slots=True)
class Utterance:
    """One speaker's words in a cue.

    `parts` are the words, a space for each end of a line, and tags numbered from 1; `text` is the
    words alone. `raws` is what stands for each tag. `timed` is each timed token and the share of
    the words that stood before it. `raw` is all of it as it is in the file. `has_speaker` tells
    that a dash or the like shows that somebody begins to speak.
    """

    raw: str
    lead: str
    parts: tuple[str | Tag, ...]
    text: str
    tail: str
    raws: dict[Tag, str]
    timed: tuple[tuple[float, str], ...]
    line_count: int
    has_speaker: bool

    @property
    def is_sound(self) -> bool:
        """Whether this is a sound or a song, not speech."""
        return _SOUND.fullmatch(self.text) is not None


def utterances(
    tokens: Sequence[Token], decode: Callable[[str], str]
) -> list[tuple[str, Utterance]]:
    """Cut the tokens of a cue into utterances, each with the end of line that precedes it."""
    lines: list[tuple[str, list[Token]]] = [("", [])]
    for token in tokens:
        if token.kind is TokenKind.BREAK:
            lines.append((token.raw, []))
        else:
            lines[-1][1].append(token)
    groups: list[tuple[str, list[list[Token]], list[str]]] = []
    for number, (line_break, line) in enumerate(lines):
        starts = number == 0 or _starts(line) or _is_sound(line) or _is_sound(lines[number - 1][1])
        if starts:
            groups.append((line_break, [line], []))
        else:
            groups[-1][1].append(line)
            groups[-1][2].append(line_break)
    return [(before, _utterance(group, breaks, decode)) for before, group, breaks in groups]


def _starts(line: Sequence[Token]) -> bool:
    if line and line[0].kind is TokenKind.OPENING and line[0].name == "v":
        return True
    return _SPEAKER.match(_words(line)) is not None


def _is_sound(line: Sequence[Token]) -> bool:
    return _SOUND.fullmatch(_words(line)) is not None


def _words(line: Sequence[Token]) -> str:
    return "".join(token.raw for token in line if token.kind is TokenKind.TEXT)


def _utterance(
    lines: Sequence[Sequence[Token]], breaks: Sequence[str], decode: Callable[[str], str]
) -> Utterance:
    tokens = list(lines[0])
    for line_break, line in zip(breaks, lines[1:], strict=True):
        tokens += [Token(TokenKind.BREAK, line_break), *line]
    raw = "".join(token.raw for token in tokens)
    lead, inner, tail = _peeled(tokens)
    pair_of = partners(inner)
    parts: list[str | Tag] = []
    raws: dict[Tag, str] = {}
    timed: list[tuple[int, str]] = []
    numbers: dict[int, int] = {}
    length = 0
    for index, token in enumerate(inner):
        if token.kind is TokenKind.TIMED:
            timed.append((length, token.raw))
        elif token.kind is TokenKind.TEXT:
            text = decode(token.raw)
            after_break = index > 0 and inner[index - 1].kind is TokenKind.BREAK
            parts.append(text.lstrip() if after_break else text)
            length += len(text)
        elif token.kind is TokenKind.BREAK:
            if parts and isinstance(parts[-1], str):
                parts[-1] = parts[-1].rstrip()
            parts.append(_between(parts, inner[index + 1 : index + 1 + _LOOKED_AHEAD]))
            length += 1
        else:
            kind = _tag_kind(token, index in pair_of)
            number = numbers.get(pair_of.get(index, -1), len(numbers) + 1)
            numbers[index] = number
            tag = Tag(number, kind)
            parts.append(tag)
            raws[tag] = token.raw
    scale = max(length, 1)
    return Utterance(
        raw=raw,
        lead=lead,
        parts=tuple(parts),
        text="".join(part for part in parts if isinstance(part, str)),
        tail=tail,
        raws=raws,
        timed=tuple((offset / scale, mark) for offset, mark in timed),
        line_count=1 + sum(token.kind is TokenKind.BREAK for token in inner),
        has_speaker=_starts(lines[0]),
    )


def _tag_kind(token: Token, is_paired: bool) -> TagKind:
    if not is_paired:
        return TagKind.ALONE
    return TagKind.OPENING if token.kind is TokenKind.OPENING else TagKind.CLOSING


def _peeled(tokens: Sequence[Token]) -> tuple[str, list[Token], str]:
    """Return what stands before the words, the words with the markup among them, and the rest."""
    pair_of = partners(tokens)
    first, last = 0, len(tokens)
    lead: list[str] = []
    tail: list[str] = []  # from the end on
    has_dash = False
    inner = list(tokens)
    while first < last:
        if inner[first].kind is TokenKind.TEXT:
            # A dash stands before the words once; another is a word's.
            taken, inner[first] = _without_space(inner[first], takes_dash=not has_dash)
            lead.append(taken)
            has_dash = has_dash or bool(taken.strip())
        if inner[first].kind is not TokenKind.TEXT and first not in pair_of:
            lead.append(inner[first].raw)
            first += 1
        elif not inner[first].raw:
            first += 1
        elif _is_edge(inner[last - 1]) and last - 1 not in pair_of:
            last -= 1
            tail.append(inner[last].raw)
        elif pair_of.get(first) == last - 1:
            last -= 1
            lead.append(inner[first].raw)
            tail.append(inner[last].raw)
            first += 1
        else:
            break
    if first < last and inner[last - 1].kind is TokenKind.TEXT:
        kept = inner[last - 1].raw.rstrip()
        tail.append(inner[last - 1].raw[len(kept) :])
        inner[last - 1] = Token(TokenKind.TEXT, kept)
    return "".join(lead), inner[first:last], "".join(reversed(tail))


def _without_space(token: Token, *, takes_dash: bool) -> tuple[str, Token]:
    """Take space, and a speaker's dash, from the start of a text."""
    raw = token.raw
    dash = _SPEAKER.match(raw) if takes_dash else None
    size = dash.end() if dash else len(raw) - len(raw.lstrip())
    return raw[:size], Token(TokenKind.TEXT, raw[size:])


def _is_edge(token: Token) -> bool:
    return token.kind is not TokenKind.TEXT or not token.raw.strip()


def _between(parts: Sequence[str | Tag], following: Sequence[Token]) -> str:
    """Return what stands for the end of a line: a space, where the script has any."""
    before = "".join(part for part in parts[-3:] if isinstance(part, str))[-1:]
    after = next((token.raw.lstrip()[:1] for token in following if token.raw.strip()), "")
    joined = WITHOUT_SPACES.match(before) and WITHOUT_SPACES.match(after)
    return "" if joined else " "
