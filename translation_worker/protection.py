r"""Protection: which parts of a text must come through a translation unchanged.

Finds variables, format specifiers, markup, addresses, code and symbols by their form. It decides
what is literal, `placeholders` keeps it exact. A number is not literal, it is verified; only a
`thorough` search takes numbers and emphasis marks too, for a sentence on which the first way has
failed.
"""

# ruff: noqa: RUF001 - look-alike quotes and dashes are what these patterns are about

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from translation_worker.foreign_script import foreign_runs

# Longer than any word or compound; base64, hashes and the like.
_LONGEST_WORD = 50
# A code span or tag longer than this is more likely an unbalanced mark.
_LONGEST_LITERAL = 2000


class SpanKind(Enum):
    """How a literal sits in its sentence."""

    LITERAL = "literal"  # takes the place of a word
    OPENING = "opening"  # belongs to what follows
    CLOSING = "closing"  # belongs to what precedes


@dataclass(frozen=True)
class Span:
    """A literal part of a text, by code point offsets.

    `words`, if they are set, are what a translation has in its place: a term of a glossary.
    """

    start: int
    end: int
    kind: SpanKind
    words: str | None = None

    def literal(self, text: str) -> str:
        """Return what has to be in a translation of the text."""
        return text[self.start : self.end] if self.words is None else self.words


_FILE_EXTENSIONS = (
    "avi bat bmp c cfg conf cpp css csv deb dll doc docx env epub exe flac gif go gz h htm html "
    "ico ini iso java jpeg jpg js json jsx log md mkv mov mp3 mp4 odp ods odt ogg old pdf php png "
    "po pot ppt pptx ps1 py rar rb rpm rs rst sh sql srt svg tar tgz toml ts tsv tsx txt vtt wav "
    "webm webp xlf xliff xls xlsx xml xz yaml yml zip"
).replace(" ", "|")
_TOP_DOMAINS = "app|br|co|com|de|dev|edu|es|eu|fr|gov|info|io|net|org|pt|uk|us"

# Earlier patterns win where two overlap from the same place.
_LITERALS = re.compile(
    "|".join(
        (
            # Elements whose content is code.
            r"<(?P<element>code|kbd|pre|samp|script|style|var)\b[^<>]*>.{0,2000}?</(?P=element)\s*>",
            # Markdown code span, of any number of backticks.
            r"(?<!`)(?P<ticks>`{1,3})(?!`).{1,500}?(?<!`)(?P=ticks)(?!`)",
            # Templates: Jinja, Mustache, ERB, shell, Ruby, wiki.
            r"\{\{\{?.{0,200}?\}?\}\}",
            r"\{[%#].{0,200}?[%#]\}",
            r"<%.{0,200}?%>",
            r"[$#%@]\{[^{}\n]{0,200}\}",
            r"\$\([^()\n]{1,200}\)",
            # Display mathematics.
            r"\$\$.{1,500}?\$\$",
            r"\\\(.{1,500}?\\\)",
            # Addresses and paths, which may have taken a stop from the sentence.
            r"(?P<address>"
            r"\b(?:[a-z][a-z0-9+.-]{1,15}://|mailto:|tel:|urn:|data:)"
            r"[^\s<>\"`{}|\\^]+(?:\{[^{}\s]*\}[^\s<>\"`{}|\\^]*)*"
            r"|\bwww\.[^\s<>\"`{}|\\^]+"
            r"|[\w.+%-]+@[\w-]+(?:\.[\w-]+)+"
            rf"|\b(?:[A-Za-z0-9-]+\.)+(?:{_TOP_DOMAINS})\b(?:[/?#:][^\s<>\"`]*)?"
            r"|(?<![\w./<])(?:~|\.{1,2})?/(?:[\w.@%+:-]+/)*[\w.@%+:-]*[\w@%+-]/?"
            r"|\b[A-Za-z]:\\[^\s<>:\"|?*]*"
            r")",
            # HTML entity.
            r"&(?:[A-Za-z][A-Za-z0-9]{1,31}|#\d{1,7}|#[xX][0-9A-Fa-f]{1,6});",
            # printf, Python, Objective-C, Qt, Windows environment.
            r"%\(\w+\)[#0 +-]*\d*(?:\.\d+)?[a-zA-Z]",
            r"(?<!\d)%(?:\d+\$)?[-+#0']*(?:\d+|\*)?(?:\.(?:\d+|\*))?(?:hh|h|ll|l|j|z|t|L|q)?"
            r"[diouxXeEfFgGaAcsSpn@]",
            # Behind a digit it may be a percentage, unless it ends a word: mode 0%o.
            r"%[diouxXs]\b",
            r"%[A-Za-z_][A-Za-z0-9_]*%",
            r"(?<!\d)%L?\d{1,2}",
            r"%%",
            # Variables: shell and PHP, and names between dollars.
            r"\$[A-Za-z_]\w*\$?",
            # Backslash escapes.
            r"\\(?:[abefnrtv0'\"\\]|u[0-9A-Fa-f]{4}|x[0-9A-Fa-f]{2})(?![a-z])",
            # Handles, hashtags, languages named by a letter and a sign.
            r"(?<![\w@])@[A-Za-z_][\w.-]*\w",
            r"(?<![\w#&])#[^\W\d_]\w+",
            r"\b[A-Z](?:\+\+|#)(?!\w)",
            r"(?<!\w)\.NET\b",
            # Faces, and names that rule-based engines take for an article.
            r"(?<!\S)[:;=8][-^o']?[()\[\]DPpO/\\|*](?!\w)",
            r"\bO'[A-Z]\w+",
            # Code: calls, dotted and underscored names, files, options, keys, versions, hashes.
            r"\b[A-Za-z_][\w.]*(?:::\w+)*\([^()\s]{0,60}\)",
            r"\b[A-Za-z_]\w*(?:::\w+)+",
            r"\b[A-Za-z_]\w+(?:\.[A-Za-z_]\w*){2,}\b",
            r"\b\w*[A-Za-z0-9]_[A-Za-z0-9]\w*",
            rf"(?<!\w)[\w-]*(?:\.[\w-]+)*\.(?:{_FILE_EXTENSIONS})\b(?!\.\w)",
            r"(?<![\w-])--[A-Za-z][\w-]*(?:=\S*\w)?",
            r"(?<![\w-])-[A-Za-z](?=[\s,.;:)\]|]|$)",
            r"\b(?:Ctrl|Control|Alt|Shift|Cmd|Win|Meta|Esc|Fn)(?:\s?\+\s?\w+)+",
            r"\bv?\d+(?:\.\d+){2,}[\w.+-]*\w|\bv\d+(?:\.\d+)*\b",
            r"\b0x[0-9A-Fa-f]+\b",
            r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b",
            r"\b(?=[0-9a-f]*\d)(?=[0-9a-f]*[a-f])[0-9a-f]{7,64}\b",
            rf"(?P<long>[^\s<>]{{{_LONGEST_WORD},}})",
        )
    ),
    re.DOTALL,
)
# Prose, and the marks and numbers that it has: nothing below finds anything there. Possessive, as
# a text that is something else must not be read again and again.
_LATIN = "A-Za-zÀ-ÖØ-öø-ɏ"
_PLAIN = re.compile(
    rf"(?:[{_LATIN} ,“”«»\"–—]++"
    rf"|(?<=[A-NP-Za-zÀ-ÖØ-öø-ɏ])['’](?=[{_LATIN}])|(?<=[{_LATIN}])-(?=[{_LATIN}])"
    r"|[.?!…]++(?=[\"”»)]*+(?:\s|\Z))|[;:](?=\s|\Z)"
    # A single digit may be the eyes of a face.
    r"|(?:(?<=[ (])|\A)\d{1,6}+(?:[.,]\d{1,6}+)?"
    r"(?:(?=[ ,;:!?\"”»]|[.](?:\s|\Z)|\Z)|(?<=\d\d)(?=\)))"
    rf"|(?:(?<= )|\A)\((?=[{_LATIN}\d\"“])|\)(?=[ ,;:!?]|[.](?:\s|\Z)|\Z))*+"
)
# Words that no literal begins at, each with the space behind it. What may follow a name of a key
# across a space is a plus.
_WORDS = re.compile(rf"(?:[{_LATIN}]{{1,{_LONGEST_WORD - 1}}}+[,;]?+ (?!\+))*+")
_LONG_WORD = re.compile(rf"\S{{{_LONGEST_WORD},}}")
_WEB_ADDRESS = re.compile(r"https?://[^\s<>\"`{}|\\^]+")
_COMMENT = re.compile(r"<!--.*?-->|<!\[CDATA\[.*?\]\]>|<[?!][A-Za-z][^<>]*>", re.DOTALL)
_TAG = re.compile(r"<(/?)([A-Za-z][\w:.-]*|\d{1,3})((?:\s[^<>]*?)?)(/?)>", re.DOTALL)
_LINK = re.compile(r"(!?\[)([^\[\]\n]{0,500})(\]\((?:[^()\s]|\([^()\s]*\))*(?:\s+\"[^\"\n]*\")?\))")
_BRACES = re.compile(r"[{}]")
_ICU = re.compile(
    r"\s*[\w.]+\s*,\s*(?:plural|select|selectordinal|number|date|time|spellout|ordinal|duration"
    r"|choice|list)\b"
)
_FIELD = re.compile(r"\s*[^\s{}]*\s*")
_NUMBER = re.compile(
    r"(?:[$€£¥]\s?)?\d+(?:[.,:/'\u00a0\u202f-]\d+)*(?:\s?[%‰€£¥]|\s?[ap]\.?m\b\.?)?"
)
# Marks that prose has no use for; engines drop them or take them for something else.
_MARKS = re.compile(r"[*_~`^=<>{}\[\]\\|@#]+")
_TRAILING = ".,;:!?'\"»”’"
_VOID_ELEMENT = re.compile(
    "area|br|col|embed|hr|img|input|link|meta|source|track|wbr", re.IGNORECASE
)
# What a literal may be part of: "file-{n}.txt" is one word, "{name}'s" and "({name})" are two.
_GLUED_BEFORE = re.compile(r"(?:\w[\w./@#&+-]*|[/@#.-])\Z")
_GLUED_AFTER = re.compile(r"(?:[./@#&+-]?\w)+/?")
_EXTENDABLE = re.compile(r"[{}%$&]")


def find_spans(text: str, source_language: str, *, thorough: bool = False) -> list[Span]:
    """Return the literal parts of a text in order, without overlaps."""
    # Plain prose has numbers, which a thorough search is to find.
    if not thorough and _PLAIN.fullmatch(text) and not _LONG_WORD.search(text):
        return []
    found: list[Span] = list(_link_spans(text))
    found += _tag_spans(text)
    found += [Span(start, end, SpanKind.LITERAL) for start, end in _brace_spans(text)]
    found += _literal_spans(text)
    if "://" in text:
        found += _web_spans(text)
    found += [
        Span(start, end, SpanKind.LITERAL) for start, end in foreign_runs(text, source_language)
    ]
    if thorough:
        for pattern in (_NUMBER, _MARKS):
            found += [
                Span(match.start(), match.end(), SpanKind.LITERAL)
                for match in pattern.finditer(text)
            ]
    return _without_overlaps([_extended(text, span) for span in found])


def without_literals(text: str, source_language: str) -> str:
    """Return a text with a space for each of its literals."""
    pieces: list[str] = []
    position = 0
    for span in find_spans(text, source_language):
        pieces += [text[position : span.start], " "]
        position = span.end
    return "".join([*pieces, text[position:]])


def _literal_spans(text: str) -> Iterator[Span]:
    position = 0
    while (match := _next_literal(text, position)) is not None:
        start, end = match.span()
        if match["address"] or match["long"]:
            end = _without_trailing_punctuation(text, start, end)
        if end > start:
            yield Span(start, end, SpanKind.LITERAL)
        position = max(end, start + 1)


def _next_literal(text: str, position: int) -> re.Match[str] | None:
    """Search for a literal, passing over words: the expression takes its time at each letter."""
    while position < len(text):
        words = _WORDS.match(text, position)
        position = words.end() if words else position
        behind = text.find(" ", position) + 1 or len(text)
        for start in range(position, behind):
            if match := _LITERALS.match(text, start):
                return match
        position = behind
    return None


def _web_spans(text: str) -> Iterator[Span]:
    """Yield web addresses also where they are glued to a literal before them."""
    for match in _WEB_ADDRESS.finditer(text):
        end = _without_trailing_punctuation(text, match.start(), match.end())
        yield Span(match.start(), end, SpanKind.LITERAL)


def _without_trailing_punctuation(text: str, start: int, end: int) -> int:
    """Give back the stops and unopened brackets that an address took from the sentence."""
    while end > start:
        last = text[end - 1]
        body = text[start:end]
        unopened = (last == ")" and body.count(")") > body.count("(")) or (
            last == "]" and body.count("]") > body.count("[")
        )
        if last not in _TRAILING and not unopened:
            break
        end -= 1
    return end


def _tag_spans(text: str) -> Iterator[Span]:
    """Yield tags; one that has no partner in the text is a literal of its own."""
    for match in _COMMENT.finditer(text):
        yield Span(match.start(), match.end(), SpanKind.LITERAL)
    opened: dict[str, list[re.Match[str]]] = {}
    for match in _TAG.finditer(text):
        slash, name, _, self_closed = match.groups()
        if len(match[0]) > _LONGEST_LITERAL:
            continue
        if slash:
            if opened.get(name):
                partner = opened[name].pop()
                yield Span(partner.start(), partner.end(), SpanKind.OPENING)
                yield Span(match.start(), match.end(), SpanKind.CLOSING)
            else:
                # The opening tag may stand in an earlier sentence.
                yield Span(match.start(), match.end(), SpanKind.CLOSING)
        elif self_closed or _VOID_ELEMENT.fullmatch(name):
            yield Span(match.start(), match.end(), SpanKind.LITERAL)
        else:
            opened.setdefault(name, []).append(match)
    for unpaired in opened.values():
        for match in unpaired:
            yield Span(match.start(), match.end(), SpanKind.LITERAL)


def _link_spans(text: str) -> Iterator[Span]:
    for match in _LINK.finditer(text):
        yield Span(match.start(1), match.end(1), SpanKind.OPENING)
        yield Span(match.start(3), match.end(3), SpanKind.CLOSING)


def _brace_spans(text: str) -> Iterator[tuple[int, int]]:
    """Yield outermost balanced braces that hold a field or an ICU message, not prose."""
    depth = start = 0
    for match in _BRACES.finditer(text):
        if match[0] == "{":
            if depth == 0:
                start = match.start()
            depth += 1
        elif depth:
            depth -= 1
            content = text[start + 1 : match.start()]
            if depth == 0 and (_FIELD.fullmatch(content) or _ICU.match(content)):
                yield start, match.end()


def _extended(text: str, span: Span) -> Span:
    """Widen a variable to the word that it is part of."""
    if span.kind is not SpanKind.LITERAL or not _EXTENDABLE.search(text[span.start : span.end]):
        return span
    if text[span.start] == "<":
        return span
    start, end = span.start, span.end
    before = _GLUED_BEFORE.search(text, max(0, start - 80), start)
    if before is not None and before.end() == start and before.start() < start:
        candidate = text[before.start() : start]
        if any(character.isalnum() for character in candidate):
            start = before.start()
    after = _GLUED_AFTER.match(text, end)
    if after is not None:
        end = after.end()
    return Span(start, end, span.kind)


def _without_overlaps(spans: list[Span]) -> list[Span]:
    """Merge overlapping spans into literals and return them in order."""
    merged: list[Span] = []
    for span in sorted(spans, key=lambda item: (item.start, -item.end)):
        if not merged or span.start >= merged[-1].end:
            merged.append(span)
            continue
        last = merged[-1]
        if span.end <= last.end:
            continue
        merged[-1] = Span(last.start, span.end, SpanKind.LITERAL)
    return merged
