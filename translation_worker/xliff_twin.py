"""XLIFF twin: all segments of a document with their translations, to be edited and used again.

XLIFF 2.0 (OASIS Standard, 2014). A translated segment has the state "translated", one that keeps
its source "initial"; an editor raises them to "reviewed" or "final".
"""

import re
from collections.abc import Iterable, Sequence
from xml.sax.saxutils import escape, quoteattr

from translation_worker.document import Content, Segment, SegmentTranslation, TagKind
from translation_worker.sentence_translation import Way

XLIFF_MEDIA_TYPE = "application/xliff+xml"

_NAMESPACE = "urn:oasis:names:tc:xliff:document:2.0"
# What no XML 1.0 file may hold (section 2.2) goes into <cp>, by section 4.2.3.1 of XLIFF.
_NO_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def xliff_twin(
    original: str,
    source_language: str,
    target_language: str,
    pairs: Sequence[tuple[Segment, SegmentTranslation]],
) -> bytes:
    """Return the file, UTF-8; a unit's name is its segment's id."""
    return "".join(_lines(original, source_language, target_language, pairs)).encode()


def _lines(
    original: str,
    source_language: str,
    target_language: str,
    pairs: Sequence[tuple[Segment, SegmentTranslation]],
) -> Iterable[str]:
    source, target = quoteattr(source_language), quoteattr(target_language)
    yield (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<xliff xmlns="{_NAMESPACE}" version="2.0" srcLang={source} trgLang={target}>\n'
        f'<file id="f1" original={_attribute(original)} xml:space="preserve">\n'
    )
    for number, (segment, translation) in enumerate(pairs, 1):
        state = "initial" if translation.way == Way.KEPT_SOURCE else "translated"
        yield (
            f'<unit id="u{number}" name={_attribute(segment.segment_id)}>'
            f'<segment id="s1" state="{state}">'
            f"<source>{_inline(segment.content)}</source>"
            f"<target>{_inline(translation.content)}</target></segment></unit>\n"
        )
    yield "</file>\n</xliff>\n"


def _inline(content: Content) -> str:
    """Write words and tags; the same tag has the same id in source and target."""
    seen: dict[tuple[str, int], int] = {}
    pieces: list[str] = []
    for part in content:
        if isinstance(part, str):
            pieces.append(_text(part))
        elif part.kind is TagKind.CLOSING:
            pieces.append("</pc>")
        else:
            letter = "x" if part.kind is TagKind.ALONE else "g"
            count = seen[letter, part.number] = seen.get((letter, part.number), 0) + 1
            name = f"{letter}{part.number}" + (f".{count}" if count > 1 else "")
            pieces.append(f'<ph id="{name}"/>' if letter == "x" else f'<pc id="{name}">')
    return "".join(pieces)


def _text(words: str) -> str:
    # A bare carriage return would be read back as a line feed (XML 1.0, section 2.11).
    escaped = escape(words, {"\r": "&#13;"})
    return _NO_XML.sub(lambda match: f'<cp hex="{ord(match[0]):04X}"/>', escaped)


def _attribute(value: str) -> str:
    return quoteattr(_NO_XML.sub("\ufffd", value))
