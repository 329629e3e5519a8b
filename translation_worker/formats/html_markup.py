"""Markup of HTML and XHTML with its places, read the way that browsers forgive it.

Nothing is built and nothing expanded, so what is not understood stays as it is, and no document
takes more than time in proportion to its length. Source: HTML Living Standard §13.2.5.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from babelmill.kit.wire.failure_reasons import FailureReason
from translation_worker.formats.codec import DocumentError

_TAG_NAME = re.compile(r"</?([A-Za-z][^\s/>]*+)")
_ATTRIBUTE = re.compile(
    r"""[\s/]*+(?:(?P<end>>)|(?P<name>[^\s/>][^\s/>=]*+)"""
    r"""(?:\s*+=\s*+(?:"(?P<double>[^"]*+)"|'(?P<single>[^']*+)'|(?P<bare>[^\s>"'][^\s>]*+)?))?)"""
)
_DOCTYPE_END = re.compile(r"[\[>]")
_RAW_ELEMENTS = frozenset(
    {"script", "style", "xmp", "iframe", "noembed", "noframes", "plaintext", "textarea", "title"}
)
_RAW_ENDS = {name: re.compile(rf"</{name}(?=[\s/>])", re.IGNORECASE) for name in _RAW_ELEMENTS}


class MarkupKind(Enum):
    """What a piece of markup is."""

    TEXT = "text"
    OPENING = "opening"
    CLOSING = "closing"
    SELF_CLOSED = "self-closed"
    # A comment, declaration or instruction.
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Attribute:
    """An attribute; `start` and `end` are its value's, without quotes. `quote` may be empty."""

    name: str
    start: int
    end: int
    quote: str


@dataclass(frozen=True, slots=True)
class Markup:
    """A piece of a document; names are in lower case."""

    kind: MarkupKind
    start: int
    end: int
    name: str = ""
    attributes: tuple[Attribute, ...] = ()

    def attribute(self, name: str) -> Attribute | None:
        """Return an attribute; of several, the first, as browsers do."""
        return next((one for one in self.attributes if one.name == name), None)


def markup_of(text: str, *, is_xml: bool) -> Iterator[Markup]:
    """Yield the pieces of a document without gaps. Raises DocumentError DOCUMENT_REFUSED.

    In XML an element can close itself, and there is character data in brackets.
    """
    position = 0
    while position < len(text):
        start = text.find("<", position)
        start = len(text) if start < 0 else start
        piece = _piece(text, start, is_xml=is_xml) if start < len(text) else None
        if piece is None:
            # A lone bracket is text, up to the next one.
            following = text.find("<", start + 1)
            start = len(text) if following < 0 or start == len(text) else following
            yield Markup(MarkupKind.TEXT, position, start)
            position = start
            continue
        if start > position:
            yield Markup(MarkupKind.TEXT, position, start)
        yield piece
        position = piece.end
        is_raw = piece.name in _RAW_ELEMENTS and piece.kind is MarkupKind.OPENING
        if is_raw and (not is_xml or piece.name in {"script", "style"}):
            end = _RAW_ENDS[piece.name].search(text, position)
            stop = end.start() if end else len(text)
            if stop > position:
                yield Markup(MarkupKind.TEXT, position, stop)
            position = stop


def _piece(text: str, start: int, *, is_xml: bool) -> Markup | None:
    mark = text[start + 1 : start + 2]
    if mark == "!":
        return _declaration(text, start, is_xml=is_xml)
    if mark == "?":
        return _until(text, start, "?>" if is_xml else ">", start + 1)
    name = _TAG_NAME.match(text, start)
    if name is None:
        return None
    return _tag(text, name, is_xml=is_xml)


def _declaration(text: str, start: int, *, is_xml: bool) -> Markup:
    if text.startswith("<!--", start):
        return _until(text, start, "-->", start + 2)
    if is_xml and text.startswith("<![CDATA[", start):
        return _until(text, start, "]]>", start)
    match = _DOCTYPE_END.search(text, start)
    if match is None or match[0] == ">":
        return _until(text, start, ">", start)
    end = text.find("]", start)
    if re.search(r"<!ENTITY", text[start : end if end >= 0 else None], re.IGNORECASE):
        raise DocumentError(FailureReason.DOCUMENT_REFUSED, "The document declares entities.")
    return _until(text, start, ">", max(end, start))


def _until(text: str, start: int, mark: str, after: int) -> Markup:
    """Return what ends with a mark, or with the document, as a piece of no meaning."""
    end = text.find(mark, after)
    return Markup(MarkupKind.OTHER, start, len(text) if end < 0 else end + len(mark))


def _tag(text: str, name: re.Match[str], *, is_xml: bool) -> Markup:
    start, position = name.start(), name.end()
    attributes: list[Attribute] = []
    while (match := _ATTRIBUTE.match(text, position)) is not None:
        position = match.end()
        if match["end"]:
            kind = MarkupKind.OPENING
            if text.startswith("</", start):
                kind = MarkupKind.CLOSING
            elif text[position - 2] == "/" and (is_xml or name[1].lower() not in _RAW_ELEMENTS):
                kind = MarkupKind.SELF_CLOSED
            return Markup(kind, start, position, name[1].lower(), tuple(attributes))
        for group, quote in (("double", '"'), ("single", "'"), ("bare", "")):
            if match[group] is not None:
                attributes.append(Attribute(match["name"].lower(), *match.span(group), quote))
    return Markup(MarkupKind.OTHER, start, len(text))
