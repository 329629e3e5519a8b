"""Cues: when which words are shown. Pure.

They are read from SubRip as ffmpeg writes it, so that tracks and files of all formats can be
compared with each other.
"""

import re
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

MOST_CUES = 50_000
"""More are in no file that people watch."""

_MOST_TOGETHER = 200_000
_HEADER = re.compile(
    r"^\d+\r?\n(\d+):(\d\d):(\d\d),(\d{3}) --> (\d+):(\d\d):(\d\d),(\d{3})[^\n]*\n", re.MULTILINE
)
_FONT = re.compile(r"</?font\b[^<>]*>", re.IGNORECASE)
_MARKUP = re.compile(r"</?[A-Za-z][^<>]*>|\{\\[^{}]*\}")


class TooManyCues(Exception):
    """There are more cues, or more of them at a time, than are processed."""


@dataclass(frozen=True, slots=True)
class Cue:
    """Words and the time they are shown for; the text may hold SubRip's markup."""

    start_ms: int
    end_ms: int
    text: str

    @property
    def words(self) -> str:
        """The text without markup, and with single spaces."""
        return " ".join(_MARKUP.sub("", self.text).split())


def read_cues(text: str) -> tuple[Cue, ...]:
    """Read SubRip as ffmpeg writes it. Raises TooManyCues."""
    cues: list[Cue] = []
    headers = list(_HEADER.finditer(text))
    if len(headers) > MOST_CUES:
        raise TooManyCues
    ends = [*(header.start() for header in headers[1:]), len(text)]
    for header, end in zip(headers, ends, strict=False):
        times = [int(part) for part in header.groups()]
        body = text[header.end() : end].strip("\r\n")
        cues.append(Cue(_milliseconds(times[:4]), _milliseconds(times[4:]), body))
    return tuple(cues)


def write_cues(cues: Iterable[Cue]) -> str:
    """Write SubRip."""
    return "".join(
        f"{number}\n{_time(cue.start_ms)} --> {_time(cue.end_ms)}\n{cue.text}\n\n"
        for number, cue in enumerate(cues, start=1)
    )


def overlap(cues: Sequence[Cue]) -> bool:
    """Tell whether two cues are shown at one time."""
    ordered = sorted(cues, key=lambda cue: cue.start_ms)
    return any(one.end_ms > other.start_ms for one, other in pairwise(ordered))


def one_at_a_time(cues: Sequence[Cue]) -> tuple[Cue, ...]:
    """Join cues where they overlap: at each moment one cue, with all the words of that moment.

    Raises TooManyCues.
    """
    return tuple(_joined(cues))


def without_fonts(text: str) -> str:
    """Leave out what only names fonts and their sizes."""
    return _FONT.sub("", text).strip()


def differences(found: Sequence[Cue], expected: Sequence[Cue]) -> int:
    """Count the cues whose time or words differ, and those that are missing or too many."""
    pairs = zip(found, expected, strict=False)
    wrong = sum(
        (a.start_ms, a.end_ms, a.words) != (b.start_ms, b.end_ms, b.words) for a, b in pairs
    )
    return wrong + abs(len(found) - len(expected))


def _joined(cues: Sequence[Cue]) -> Iterator[Cue]:
    moments = sorted({moment for cue in cues for moment in (cue.start_ms, cue.end_ms)})
    waiting = deque(sorted(cues, key=lambda cue: cue.start_ms))
    shown: list[Cue] = []
    written = 0
    for start, end in pairwise(moments):
        while waiting and waiting[0].start_ms <= start:
            shown.append(waiting.popleft())
        shown = [cue for cue in shown if cue.end_ms > start]
        written += len(shown)
        if written > _MOST_TOGETHER:
            raise TooManyCues
        if shown:
            yield Cue(start, end, "\n".join(cue.text for cue in shown))


def _milliseconds(parts: Sequence[int]) -> int:
    hours, minutes, seconds, fraction = parts
    return ((hours * 60 + minutes) * 60 + seconds) * 1000 + fraction


def _time(moment_ms: int) -> str:
    seconds, fraction = divmod(moment_ms, 1000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02}:{minutes:02}:{seconds:02},{fraction:03}"
