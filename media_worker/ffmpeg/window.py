"""The part of an input that is taken, and what it leaves of a stream's time. Pure."""

import math
from dataclasses import dataclass, replace

from media_worker.ffmpeg.media_info import PacketSpan


@dataclass(frozen=True, slots=True)
class Window:
    """From when to when, on the clock of the input."""

    start_seconds: float = 0.0
    end_seconds: float = math.inf

    @property
    def is_all(self) -> bool:
        """Whether nothing is left out."""
        return self.start_seconds <= 0 and math.isinf(self.end_seconds)

    def clip(self, span: PacketSpan) -> PacketSpan | None:
        """Give the time that is left of a stream, on the window's own clock; None for none."""
        if self.is_all:
            return span
        start = max(span.start_seconds, self.start_seconds)
        end = min(span.end_seconds, self.end_seconds)
        if end <= start:
            return None
        share = (end - start) / span.seconds if span.seconds else 1.0
        last = max(start, min(span.last_start_seconds, end - span.frame_seconds))
        return replace(
            span,
            packet_count=max(1, round(span.packet_count * share)),
            start_seconds=start - self.start_seconds,
            last_start_seconds=last - self.start_seconds,
            end_seconds=end - self.start_seconds,
            hole_seconds=min(span.hole_seconds, end - start),
        )
