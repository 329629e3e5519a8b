"""WebVTT subtitles (.vtt), as the W3C specifies them.

Blocks of notes, styles and regions, the identifiers and settings of cues, and the header stay as
they are; the payloads of cues are translated, with their tags and character references minded.
"""

import html
import re
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

from babelmill.kit.wire.failure_reasons import FailureReason
from translation_worker.document import Content, Segment
from translation_worker.formats.codec import CodecOptions, DocumentError, Written
from translation_worker.formats.subtitle_codec import Cue, read_subtitles, write_subtitles
from translation_worker.formats.subtitle_markup import Token, TokenKind

_SIGNATURE = re.compile(r"WEBVTT(?=[ \t\r\n]|\Z)")
_LINE = re.compile(r"([^\r\n]*)(\r\n|\n|\r|\Z)")
_TIME = r"(?:(\d{1,4}):)?(\d{1,2}):(\d{1,2})[.,](\d{1,3})"
_TIMING = re.compile(rf"[ \t]*{_TIME}[ \t]*-->[ \t]*{_TIME}(?:[ \t].*)?")
_MARKUP = re.compile(
    r"(?P<line>\r\n|\n|\r)"
    r"|<(?P<time>[0-9:.]{1,20})>"
    r"|</(?P<closing>[^<>\r\n]{0,100})>"
    r"|<(?P<opening>[A-Za-z]+)(?:[^<>]{0,500})>"
)


class VttCodec:
    """Codec of WebVTT subtitles."""

    name = "vtt"
    description = "WebVTT subtitles; sentences over several cues are translated as one."
    extensions = (".vtt",)
    media_types = ("text/vtt",)
    wraps_itself = False

    def recognises(self, head: bytes, members: Collection[str]) -> bool:
        """Tell by the signature."""
        text = head.removeprefix(b"\xef\xbb\xbf")[:8].decode("ascii", errors="replace")
        return not members and _SIGNATURE.match(text) is not None

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
        """Yield the cues. Raises DocumentError DOCUMENT_DAMAGED for what is no WebVTT."""
        if _SIGNATURE.match(text) is None:
            raise DocumentError(FailureReason.DOCUMENT_DAMAGED, "The file is not WebVTT.")
        timing: re.Match[str] | None = None
        start = end = 0
        can_be_cue = False  # not in the header, nor in a note, style or region
        is_first_line = True
        for line in _LINE.finditer(text):
            if timing is not None and line[1]:
                end = line.end(1)
            elif timing is not None:
                yield _cue(timing, start, end)
                timing = None
                is_first_line = True
            elif not line[1]:
                is_first_line = True
            elif line.start() > 0:
                if is_first_line:
                    can_be_cue = re.match(r"(?:NOTE|STYLE|REGION)(?:[ \t]|\Z)", line[1]) is None
                    is_first_line = False
                if can_be_cue and (found := _TIMING.fullmatch(line[1])):
                    timing, start, end = found, line.end(), line.end()
        if timing is not None:
            yield _cue(timing, start, end)

    def tokens(self, payload: str) -> list[Token]:
        """Cut a payload at its lines and tags; everything in angle brackets is a tag."""
        tokens: list[Token] = []
        position = 0
        for match in _MARKUP.finditer(payload):
            if match.start() > position:
                tokens.append(Token(TokenKind.TEXT, payload[position : match.start()]))
            position = match.end()
            if match["line"]:
                tokens.append(Token(TokenKind.BREAK, match[0]))
            elif match["time"]:
                tokens.append(Token(TokenKind.TIMED, match[0]))
            elif match["opening"]:
                tokens.append(Token(TokenKind.OPENING, match[0], match["opening"]))
            else:
                tokens.append(Token(TokenKind.CLOSING, match[0], (match["closing"] or "").strip()))
        if position < len(payload):
            tokens.append(Token(TokenKind.TEXT, payload[position:]))
        return tokens

    def words_of(self, raw: str) -> str:
        """Return the words, with character references resolved."""
        words = html.unescape(raw) if "&" in raw else raw
        # What a reference stands for may be no character of a text.
        return words.replace("\0", "\ufffd")

    def raw_of(self, words: str) -> str:
        """Return words with what would be markup escaped."""
        escaped = words.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
        return escaped.replace("\u200e", "&lrm;").replace("\u200f", "&rlm;")

    def line_break(self, text: str) -> str:
        """Return the end of the first line."""
        found = re.search(r"\r\n|\n|\r", text)
        return found[0] if found else "\n"


def _cue(timing: re.Match[str], start: int, end: int) -> Cue:
    parts = timing.groups()
    return Cue(start, max(start, end), _milliseconds(parts[:4]), _milliseconds(parts[4:]))


def _milliseconds(parts: Collection[str | None]) -> int:
    hours, minutes, seconds, fraction = parts
    value = int(hours or 0) * 3600_000 + int(minutes or 0) * 60_000 + int(seconds or 0) * 1000
    return value + int((fraction or "0").ljust(3, "0"))
