"""Layout of subtitles: how words are set in lines, and whether they can be read in time.

The measures are those of the guides for subtitling: at most two lines of 42 columns, at best 17
characters a second and at most 21.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from translation_worker.formats.subtitle_sharing import display_width, line_ends

MAX_LINES = 2
MAX_LINE_WIDTH = 42
GOOD_CHARACTERS_PER_SECOND = 17.0
MAX_CHARACTERS_PER_SECOND = 21.0
# As many cues as are listed one by one; all are counted.
_MAX_LISTED = 1000


@dataclass(frozen=True, slots=True)
class ShownCue:
    """What a viewer sees of a cue: its number from 1, its lines, and for how long.

    `source_lines` is what there was to see before it was translated.
    """

    number: int
    lines: Sequence[str]
    source_lines: Sequence[str]
    duration_ms: int

    @property
    def characters_per_second(self) -> float | None:
        """Reading speed; None where the cue is shown for no time at all."""
        return self._speed(self.lines)

    @property
    def source_characters_per_second(self) -> float | None:
        """Reading speed of the source."""
        return self._speed(self.source_lines)

    def _speed(self, lines: Sequence[str]) -> float | None:
        if self.duration_ms <= 0:
            return None
        return sum(len(line) for line in lines) * 1000 / self.duration_ms


def breaks(text: str, source_lines: int, *, wraps_itself: bool) -> list[tuple[int, int]]:
    """Return where to break a cue's words, as (end of a line, start of the next).

    Words that fit stay on one line, unless the source breaks such a short one, too. A format whose
    players wrap lines by themselves keeps the number of its lines.
    """
    width = display_width(text)
    if wraps_itself:
        count = source_lines
    elif width <= MAX_LINE_WIDTH:
        count = 1
    else:
        needed = -(-width // MAX_LINE_WIDTH)
        count = min(max(needed, MAX_LINES), max(MAX_LINES, source_lines))
    return line_ends(text, count, MAX_LINE_WIDTH) if count > 1 else []


def layout_report(cues: Iterable[ShownCue]) -> dict[str, object]:
    """Return the JSON-ready report of how the cues can be read."""
    count = fast = without_time = too_fast_count = too_long_count = 0
    too_fast: list[dict[str, object]] = []
    too_long: list[dict[str, object]] = []
    for cue in cues:
        count += 1
        speed = cue.characters_per_second
        if speed is None:
            without_time += 1
        elif speed > GOOD_CHARACTERS_PER_SECOND:
            fast += 1
            if speed > MAX_CHARACTERS_PER_SECOND:
                too_fast_count += 1
                if len(too_fast) < _MAX_LISTED:
                    too_fast.append(
                        {
                            "cue": cue.number,
                            "characters_per_second": round(speed, 1),
                            "source_characters_per_second": round(
                                cue.source_characters_per_second or 0.0, 1
                            ),
                        }
                    )
        widest = max((display_width(line) for line in cue.lines), default=0)
        if widest > MAX_LINE_WIDTH or len(cue.lines) > MAX_LINES:
            too_long_count += 1
            if len(too_long) < _MAX_LISTED:
                too_long.append({"cue": cue.number, "lines": len(cue.lines), "columns": widest})
    return {
        "cues": count,
        "fast_count": fast,
        "too_fast_count": too_fast_count,
        "too_long_count": too_long_count,
        "without_time_count": without_time,
        "too_fast": too_fast,
        "too_long": too_long,
        "limits": {
            "lines": MAX_LINES,
            "columns": MAX_LINE_WIDTH,
            "good_characters_per_second": GOOD_CHARACTERS_PER_SECOND,
            "max_characters_per_second": MAX_CHARACTERS_PER_SECOND,
        },
    }
