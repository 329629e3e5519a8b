r"""SubStation Alpha subtitles (.ass, .ssa): dialogue lines of styled text.

Only the text of dialogue lines is translated. Override blocks, positions, karaoke, comments,
styles, fonts and everything else stay as they are; drawings, and what effects have generated, is
not text. Lines wrap by themselves, so the number of `\N` of a line stays.
"""

import re
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

from babelmill.kit.wire.failure_reasons import FailureReason
from translation_worker.document import Content, Segment
from translation_worker.formats.codec import CodecOptions, DocumentError, Written
from translation_worker.formats.subtitle_codec import Cue, read_subtitles, write_subtitles
from translation_worker.formats.subtitle_markup import Token, TokenKind

_HEAD = re.compile(rb"\A(?:\xef\xbb\xbf)?\s*(?:[;!][^\r\n]*\s+)*\[Script Info\]", re.IGNORECASE)
_LINE = re.compile(r"[^\r\n]+")
_EVENTS = re.compile(r"^[ \t]*\[Events\]", re.IGNORECASE | re.MULTILINE)
_TIME = re.compile(r"\s*(\d{1,4}):(\d{1,2}):(\d{1,2})[.:](\d{1,3})\s*")
_MARKUP = re.compile(r"\{(?P<block>[^{}\r\n]*)\}|(?P<line>\\[Nn])")
_KARAOKE = re.compile(r"\\(?:k[fot]?|K)\d")
_DRAWING = re.compile(r"\{[^{}]*\\p[1-9][^{}]*\}")
# One switch alone in its block, as italics around a word are written.
_SWITCH = re.compile(r"\\(?P<name>[bius])(?P<value>[01])")
_GENERATED = re.compile(r"\s*(?:fx|code|template|karaoke|syl|line)\b.*", re.IGNORECASE)
_DEFAULT_FIELDS = (
    "layer", "start", "end", "style", "name", "marginl", "marginr", "marginv", "effect", "text",
)  # fmt: skip
_MIN_FIELDS = 3
_HEAD_CHARACTERS = 4096
_MAX_FIELDS = 64


class AssCodec:
    """Codec of SubStation Alpha subtitles."""

    name = "ass"
    description = "Styled subtitles of SubStation Alpha; override tags and karaoke are kept."
    extensions = (".ass", ".ssa")
    media_types = ("text/x-ssa", "text/x-ass", "application/x-ass")
    wraps_itself = True

    def recognises(self, head: bytes, members: Collection[str]) -> bool:
        """Tell by the first section."""
        return not members and _HEAD.match(head) is not None

    def read(self, path: Path, options: CodecOptions) -> list[Segment]:
        """Return a segment for each sentence or line. Raises DocumentError."""
        return read_subtitles(self, path, options)

    def write(
        self,
        path: Path,
        translations: Mapping[str, Content],
        target: Path,
        target_language: str,
        options: CodecOptions,
    ) -> Written:
        """Write the dialogue with other words. Raises DocumentError."""
        del target_language  # nothing in such a file names its language
        return write_subtitles(self, path, translations, target, options)

    def cues(self, text: str) -> Iterator[Cue]:
        """Yield the dialogue lines. Raises DocumentError DOCUMENT_DAMAGED if there can be none."""
        events = _EVENTS.search(text)
        if events is None and _HEAD.match(text[:_HEAD_CHARACTERS].encode(errors="replace")):
            return
        if events is None:
            raise DocumentError(FailureReason.DOCUMENT_DAMAGED, "The file is no SubStation Alpha.")
        fields: tuple[str, ...] = _DEFAULT_FIELDS
        in_events = True
        for line in _LINE.finditer(text, events.end()):
            kind, colon, _ = line[0].partition(":")
            kind = kind.strip().lower()
            if line[0].lstrip().startswith("["):
                in_events = kind.startswith("[events]")
            elif not in_events or not colon:
                continue
            elif kind == "format":
                fields = _fields(line[0])
            elif kind == "dialogue" and (cue := _cue(line, fields)) is not None:
                yield cue

    def tokens(self, payload: str) -> list[Token]:
        r"""Cut a payload at `\N`, `\n` and blocks of overrides."""
        tokens: list[Token] = []
        position = 0
        for match in _MARKUP.finditer(payload):
            if match.start() > position:
                tokens.append(Token(TokenKind.TEXT, payload[position : match.start()]))
            position = match.end()
            if match["line"]:
                tokens.append(Token(TokenKind.BREAK, match[0]))
            elif _KARAOKE.search(match["block"]):
                tokens.append(Token(TokenKind.TIMED, match[0]))
            elif switch := _SWITCH.fullmatch(match["block"].strip()):
                kind = TokenKind.OPENING if switch["value"] == "1" else TokenKind.CLOSING
                tokens.append(Token(kind, match[0], switch["name"]))
            else:
                tokens.append(Token(TokenKind.ALONE, match[0]))
        if position < len(payload):
            tokens.append(Token(TokenKind.TEXT, payload[position:]))
        return tokens

    def words_of(self, raw: str) -> str:
        r"""Return the words, with `\h` as the space that it is."""
        return raw.replace("\\h", "\u00a0")

    def raw_of(self, words: str) -> str:
        """Return words of which nothing is an override or an escape."""
        safe = words.replace("{", "(").replace("}", ")")
        # Nothing can escape a backslash; with a word joiner after it, it is none's beginning.
        safe = re.sub(r"\\(?=[Nnh])", "\\\\\u2060", safe)
        return safe.replace("\u00a0", "\\h")

    def line_break(self, text: str) -> str:  # noqa: ARG002 - the same in every file
        """Return the mark for an end of line."""
        return "\\N"


def _fields(line: str) -> tuple[str, ...]:
    """Return the names of a Format line; text is always the last, as commas may be in it."""
    names = tuple(name.strip().lower() for name in line.partition(":")[2].split(","))
    if names[-1] != "text" or not {"start", "end"} <= set(names) or len(names) > _MAX_FIELDS:
        raise DocumentError(
            FailureReason.DOCUMENT_DAMAGED, "The events of the file have no usable format."
        )
    return names


def _cue(line: re.Match[str], fields: tuple[str, ...]) -> Cue | None:
    """Return the cue of a dialogue line; None if it lacks fields."""
    colon = line[0].index(":") + 1
    values = line[0][colon:].split(",", len(fields) - 1)
    if len(values) < max(len(fields), _MIN_FIELDS):
        return None
    by_name = dict(zip(fields, values, strict=True))
    text = values[-1]
    is_text = not _DRAWING.search(text) and not _GENERATED.fullmatch(by_name.get("effect", ""))
    return Cue(
        start=line.end() - len(text),
        end=line.end(),
        starts_at_ms=_milliseconds(by_name["start"]),
        ends_at_ms=_milliseconds(by_name["end"]),
        voice="\0".join(by_name.get(name, "").strip() for name in ("layer", "style", "name")),
        translatable=is_text,
    )


def _milliseconds(value: str) -> int:
    """Return a time; one that cannot be read is 0, as players take it."""
    match = _TIME.fullmatch(value)
    if match is None:
        return 0
    hours, minutes, seconds, fraction = match.groups()
    whole = int(hours) * 3600_000 + int(minutes) * 60_000 + int(seconds) * 1000
    return whole + int(fraction.ljust(3, "0"))
