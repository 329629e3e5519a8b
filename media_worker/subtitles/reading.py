"""Reads a client's subtitle file: its charset, and which format it is of.

What comes of it is UTF-8 under a name of ours, so that nothing has to guess again.
"""

import codecs
import re

import charset_normalizer

from babelmill.jobs.v1 import lease_pb2
from babelmill.kit.wire.failure_reasons import FailureReason
from babelmill.kit.worker.handler import Attempt, StepFailure
from media_worker.subtitles.forms import ASS, SRT, VTT, SubtitleForm

MAX_SUBTITLE_BYTES = 16 * 1024 * 1024

# UTF-32 before UTF-16, whose mark its own begins with.
_BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_LEGACY_CHARSETS = [
    "cp1250", "cp1251", "cp1252", "cp1253", "cp1254", "cp1255", "cp1256", "koi8_r", "big5",
    "euc_jp", "euc_kr", "gb18030", "shift_jis",
]  # fmt: skip
# Letters of western European languages: a text with no others is in the Windows charset of them,
# of which a guess by statistics is not sure.
_WESTERN_LETTERS = frozenset("áàâãäåæçéèêëíìîïñóòôõöøœúùûüýÿßªºÁÀÂÃÄÅÆÇÉÈÊËÍÌÎÏÑÓÒÔÕÖØŒÚÙÛÜÝŸ")
_GUESSED_BYTES = 64 * 1024
_SRT_TIME = re.compile(r"^\s*\d{1,4}:\d{1,2}:\d{1,2}[,.:]\d{1,3}\s*-->", re.MULTILINE)
_TIME = re.compile(r"(\d{1,4}):(\d{1,2}):(\d{1,2})[,.:](\d{1,3})(?!\d)")
_TIMING_LINE = re.compile(rf"^[ \t]*{_TIME.pattern}[ \t]*-->[ \t]*{_TIME.pattern}", re.MULTILINE)
_DRAWING = re.compile(r"\{[^{}\n]*\\p[1-9][^{}\n]*\}[^\n]*?(?=\{[^{}\n]*\\p0|$)", re.MULTILINE)
_ASS_HEAD = re.compile(r"\A\s*\[script info\]", re.IGNORECASE)
_HEAD_CHARACTERS = 64 * 1024


def read_subtitles(
    content: lease_pb2.StoredContent, charset: str, attempt: Attempt
) -> tuple[str, SubtitleForm]:
    """Return a subtitle file's text and what it is.

    Raises StepFailure: NOT_SUBTITLES, INPUT_TOO_LARGE, and as `Attempt.read_input`.
    """
    text = decode(attempt.read_input(content, MAX_SUBTITLE_BYTES), charset)
    form = form_of(text)
    return (with_whole_times(text) if form is SRT else text), form


def decode(data: bytes, charset: str = "") -> str:
    """Decode by the charset that was given, the file's mark, as UTF-8, or by a guess.

    Raises StepFailure: NOT_SUBTITLES for what is no text.
    """
    if charset:
        text = _decoded(data, charset)
        if text is None:
            raise StepFailure(
                FailureReason.NOT_SUBTITLES,
                "The file is not in the charset that was given for it.",
                metadata={"charset": charset},
            )
    else:
        text = _by_mark(data) or _decoded(data, "utf-8") or _guessed(data)
    if text is None or "\0" in text:
        raise StepFailure(FailureReason.NOT_SUBTITLES)
    return text.removeprefix("\ufeff")


def form_of(text: str) -> SubtitleForm:
    """Tell a file's format by its head. Raises StepFailure: NOT_SUBTITLES."""
    head = text[:_HEAD_CHARACTERS]
    if head.startswith("WEBVTT"):
        return VTT
    if _ASS_HEAD.match(head):
        return ASS
    if _SRT_TIME.search(head):
        return SRT
    raise StepFailure(FailureReason.NOT_SUBTITLES)


def with_whole_times(text: str) -> str:
    """Write out SubRip's times: readers disagree on "0:0:1.5" where a digit is left out."""

    def write(found: re.Match[str]) -> str:
        hours, minutes, seconds, fraction = found.groups()
        return f"{int(hours):02}:{int(minutes):02}:{int(seconds):02},{fraction:0<3}"

    return _TIMING_LINE.sub(lambda line: _TIME.sub(write, line[0]), text)


def without_drawings(text: str) -> str:
    """Leave out of ASS what draws lines: elsewhere the strokes would be read as words."""
    return _DRAWING.sub("", text)


def _by_mark(data: bytes) -> str | None:
    for mark, charset in _BYTE_ORDER_MARKS:
        if data.startswith(mark):
            return _decoded(data[len(mark) :], charset)
    return None


def _guessed(data: bytes) -> str | None:
    if b"\0" in data:
        return None
    western = _decoded(data, "cp1252")
    if western is not None and _WESTERN_LETTERS.issuperset(
        letter for letter in western if letter > "\x7f" and letter.isalpha()
    ):
        return western
    guess = charset_normalizer.from_bytes(
        data[:_GUESSED_BYTES], cp_isolation=_LEGACY_CHARSETS
    ).best()
    return (_decoded(data, guess.encoding) if guess else None) or western


def _decoded(data: bytes, charset: str) -> str | None:
    try:
        return data.decode(charset)
    except (UnicodeError, LookupError):
        return None
