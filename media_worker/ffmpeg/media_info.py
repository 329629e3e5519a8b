"""What is known about a media file: its streams, and the time that they cover.

Only nouns. Where the facts come from is the affair of `stream_dump` (what
ffmpeg prints about a file) and `packet_scan` (what its packets really hold).
"""

from dataclasses import dataclass
from enum import StrEnum

# Containers that frame every packet: in them any damage is a fault. The others
# are made for lossy channels, or carry tags and scraps that no decoder takes.
_STRICT_FORMATS = frozenset({"mov", "matroska"})


class StreamKind(StrEnum):
    """What a stream carries."""

    VIDEO = "video"
    AUDIO = "audio"
    SUBTITLE = "subtitle"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class PacketSpan:
    """The time that the packets of one stream cover; discarded packets are left out."""

    packet_count: int
    """For video this is the number of frames, except where fields are coded apart."""
    corrupt_count: int
    start_seconds: float
    last_start_seconds: float
    """Start of the packet that is shown last: unlike the end it needs no duration."""
    end_seconds: float
    longest_packet_seconds: float
    hole_seconds: float
    """Sum of the pauses in which the stream has no packet."""

    @property
    def seconds(self) -> float:
        """Time from the first packet's start to the last one's end."""
        return max(0.0, self.end_seconds - self.start_seconds)

    @property
    def content_seconds(self) -> float:
        """Time that is really filled: what is left when pauses are closed up."""
        return max(0.0, self.seconds - self.hole_seconds)

    @property
    def frame_seconds(self) -> float:
        """Mean time from one packet's start to the next."""
        if self.packet_count > 1:
            return max(0.0, self.last_start_seconds - self.start_seconds) / (self.packet_count - 1)
        return self.longest_packet_seconds


@dataclass(frozen=True, slots=True)
class StreamInfo:
    """One stream of a file. What does not apply, or is not known, is None."""

    index: int
    kind: StreamKind
    codec: str
    language: str = ""
    """ISO 639-2 as the file has it; empty if it says nothing."""
    is_default: bool = False
    is_forced: bool = False
    """Holds only what must be read, such as signs; of subtitles."""
    is_cover: bool = False
    """A still picture attached to the file; it is no video."""
    width: int | None = None
    height: int | None = None
    frames_per_second: float | None = None
    sample_rate_hz: int | None = None
    channels: int | None = None
    span: PacketSpan | None = None


@dataclass(frozen=True, slots=True)
class MediaInfo:
    """A media file as a whole."""

    format_names: tuple[str, ...]
    """Every name of the container's format, as in ("mov", "mp4", "m4a")."""
    declared_seconds: float | None
    """Duration as the file's header has it; not to be trusted."""
    streams: tuple[StreamInfo, ...]
    declared_start_seconds: float = 0.0
    """Start as the file has it; all times here are counted from it."""

    @property
    def duration_seconds(self) -> float:
        """Time up to the end of the last packet of picture or sound."""
        ends = [
            s.span.end_seconds
            for s in self.streams
            if s.span is not None and s.kind in {StreamKind.VIDEO, StreamKind.AUDIO}
        ]
        return max(ends, default=0.0)

    @property
    def is_strict(self) -> bool:
        """Whether the first damaged packet or frame is a fault of the file."""
        return not _STRICT_FORMATS.isdisjoint(self.format_names)

    def best(self, kind: StreamKind) -> StreamInfo | None:
        """Choose the stream to work on: the default one, else the first that has packets."""
        fit = [s for s in self.streams if s.kind is kind and not s.is_cover and s.span is not None]
        return next((s for s in fit if s.is_default), fit[0] if fit else None)
