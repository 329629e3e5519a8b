"""SubRip subtitles (.srt): cues of a number, a time and lines of text.

The format has no specification; what players read is read here: numbers that are missing or out
of order, blank lines within a cue, dots for commas in times, and the markup of HTML and ASS.
"""

import re
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

from babelmill.kit.wire.failure_reasons import FailureReason
from translation_worker.document import Content, Segment
from translation_worker.formats.codec import CodecOptions, DocumentError, Written
from translation_worker.formats.subtitle_codec import Cue, read_subtitles, write_subtitles
from translation_worker.formats.subtitle_markup import Token, TokenKind

_START = r"(?:^|(?<=\r))"
_TIME = r"(-?\d{1,4}):(\d{1,2}):(\d{1,2})(?:[,.:](\d{1,3}))?"
# A timing line, and before it the line with the cue's number, if there is one.
_HEADER = re.compile(
    rf"(?:{_START}[ \t]*\d{{1,9}}[ \t]*(?:\r\n|\n|\r))?{_START}"
    rf"[ \t]*{_TIME}[ \t]*-->[ \t]*{_TIME}[^\r\n]*"
    r"(?:\r\n|\n|\r|\Z)",
    re.MULTILINE,
)
_HEAD = re.compile(
    rb"\A(?:\xef\xbb\xbf)?\s*\d{1,9}\s*\r?\n[ \t]*\d{1,4}:\d\d:\d\d[,.]\d{1,3}[ \t]*-->"
)
_MARKUP = re.compile(
    r"(?P<line>\r\n|\n|\r)"
    r"|</(?P<closing>[A-Za-z]+)\s*>"
    r"|<(?P<opening>b|i|u|s|font|c|v|ruby|rt|lang)(?:[\s.][^<>\r\n]{0,500})?>"
    r"|\{\\[^{}\r\n]{1,500}\}",
    re.IGNORECASE,
)
_KNOWN = frozenset({"b", "c", "font", "i", "lang", "rt", "ruby", "s", "u", "v"})


class SrtCodec:
    """Codec of SubRip subtitles."""

    name = "srt"
    description = "SubRip subtitles; sentences over several cues are translated as one."
    extensions = (".srt",)
    media_types = ("application/x-subrip", "text/srt")
    wraps_itself = False

    def recognises(self, head: bytes, members: Collection[str]) -> bool:
        """Tell by a number and a time in the first lines."""
        return not members and _HEAD.match(head) is not None

    def read(self, path: Path, options: CodecOptions) -> list[Segment]:
        """Return a segment for each sentence or cue. Raises DocumentError."""
        return read_subtitles(self, path, options)

    def write(
        self,
        path: Path,
        translations: Mapping[str, Content],
        target: Path,
        target_language: str,
        options: CodecOptions,
    ) -> Written:
        """Write the cues with other words. Raises DocumentError."""
        del target_language  # nothing in such a file names its language
        return write_subtitles(self, path, translations, target, options)

    def cues(self, text: str) -> Iterator[Cue]:
        """Yield the cues. Raises DocumentError DOCUMENT_DAMAGED if there is none."""
        last: re.Match[str] | None = None
        for header in _HEADER.finditer(text):
            if last is not None:
                yield _cue(text, last, header.start())
            last = header
        if last is None:
            raise DocumentError(FailureReason.DOCUMENT_DAMAGED, "The file holds no cue.")
        yield _cue(text, last, len(text))

    def tokens(self, payload: str) -> list[Token]:
        """Cut a payload at its lines, tags and overrides."""
        tokens: list[Token] = []
        position = 0
        for match in _MARKUP.finditer(payload):
            closing = (match["closing"] or "").lower()
            if match["closing"] and closing not in _KNOWN:
                continue
            if match.start() > position:
                tokens.append(Token(TokenKind.TEXT, payload[position : match.start()]))
            position = match.end()
            if match["line"]:
                tokens.append(Token(TokenKind.BREAK, match[0]))
            elif closing:
                tokens.append(Token(TokenKind.CLOSING, match[0], closing))
            elif match["opening"]:
                tokens.append(Token(TokenKind.OPENING, match[0], match["opening"].lower()))
            else:
                tokens.append(Token(TokenKind.ALONE, match[0]))
        if position < len(payload):
            tokens.append(Token(TokenKind.TEXT, payload[position:]))
        return tokens

    def words_of(self, raw: str) -> str:
        """Return the words; the format escapes nothing."""
        return raw

    def raw_of(self, words: str) -> str:
        """Return words in which no line can be taken for a time."""
        return words.replace("-->", "->")

    def line_break(self, text: str) -> str:
        """Return the end of the first line."""
        found = re.search(r"\r\n|\n|\r", text)
        return found[0] if found else "\n"


def _cue(text: str, header: re.Match[str], end: int) -> Cue:
    payload = text[header.end() : end]
    trailing = len(payload) - len(payload.rstrip())
    start = header.end()
    return Cue(
        start=start,
        end=max(end - trailing, start),
        starts_at_ms=_milliseconds(header.groups()[:4]),
        ends_at_ms=_milliseconds(header.groups()[4:]),
    )


def _milliseconds(parts: Collection[str | None]) -> int:
    hours, minutes, seconds, fraction = parts
    value = int(hours or 0) * 3600_000 + int(minutes or 0) * 60_000 + int(seconds or 0) * 1000
    return value + int((fraction or "0").ljust(3, "0"))
