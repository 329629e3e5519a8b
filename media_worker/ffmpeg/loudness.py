"""Measures how loud sound is, by EBU R128, and reads what ffmpeg says of it."""

import math
import re
from dataclasses import dataclass

from media_worker.ffmpeg.command import (
    SourceAccess,
    global_arguments,
    input_arguments,
    progress_arguments,
)

_NUMBER = r"(-?(?:\d+(?:\.\d+)?|inf|nan))"
_FIGURES = {
    "integrated_lufs": re.compile(rf"^ +I: +{_NUMBER} LUFS$", re.MULTILINE),
    "range_lu": re.compile(rf"^ +LRA: +{_NUMBER} LU$", re.MULTILINE),
    "range_low_lufs": re.compile(rf"^ +LRA low: +{_NUMBER} LUFS$", re.MULTILINE),
    "range_high_lufs": re.compile(rf"^ +LRA high: +{_NUMBER} LUFS$", re.MULTILINE),
    "true_peak_dbtp": re.compile(rf"^ +Peak: +{_NUMBER} dBFS$", re.MULTILINE),
}
# What the measure gives where it has heard nothing above its absolute gate.
_SILENCE_LUFS = -70.0


@dataclass(frozen=True, slots=True)
class Loudness:
    """What EBU R128 says of sound; a figure that silence has not is None."""

    integrated_lufs: float | None
    range_lu: float | None
    range_low_lufs: float | None
    range_high_lufs: float | None
    true_peak_dbtp: float | None


def loudness_arguments(
    source: SourceAccess, stream_index: int, *, skip_seconds: float = 0.0, seconds: float = 0.0
) -> list[str]:
    """Measure a stream; the figures are written to stderr at the end."""
    return [
        *global_arguments("info"),
        *progress_arguments(),
        *input_arguments(source),
        *("-map", f"0:{stream_index}"),
        *(["-ss", f"{skip_seconds:.6f}"] if skip_seconds else []),
        *(["-t", f"{seconds:.3f}"] if seconds else []),
        *("-af", "ebur128=peak=true:framelog=quiet", "-f", "null", "-"),
    ]


def read_loudness(stderr: str) -> Loudness | None:
    """Read the last summary that was written; None if there is none."""
    _, found, summary = stderr.rpartition("Summary:")
    if not found:
        return None
    figures: dict[str, float | None] = {}
    for name, pattern in _FIGURES.items():
        match = pattern.search(summary)
        value = float(match[1]) if match else math.nan
        figures[name] = value if math.isfinite(value) else None
    integrated = figures["integrated_lufs"]
    if integrated is not None and integrated <= _SILENCE_LUFS:
        figures |= dict.fromkeys(("integrated_lufs", "range_low_lufs", "range_high_lufs"))
    return Loudness(**figures)
