"""Reads the packet list that ffmpeg's framecrc muxer writes, as it arrives.

The list is the first witness of what a file holds: every packet's time,
duration and flags, read from the whole file. A two hours' film has half a
million lines, so they are counted and not kept.
"""

import re
from dataclasses import dataclass, field

from media_worker.ffmpeg.media_info import PacketSpan, StreamKind

_NO_TIMESTAMP = -(2**63)  # AV_NOPTS_VALUE
_FLAG_KEY = 0x1
_FLAG_CORRUPT = 0x2
_FLAG_DISCARD = 0x4
_FLAGS = re.compile(rb", F=0x([0-9A-Fa-f]+)")
_HEADER = re.compile(rb"^#(?P<name>[a-z_]+) (?P<stream>\d{1,6}): (?P<value>.*)$")
_FRACTION = re.compile(r"^(\d{1,12})/(\d{1,12})$")
_SIZE = re.compile(r"^(\d{1,6})x(\d{1,6})$")
_MIN_COLUMNS = 6
_MAX_LINE_BYTES = 64 * 1024
# A pause shorter than this comes from rounding in the container, not from missing sound.
_HOLE_SECONDS = 0.1

_KINDS = {"video": StreamKind.VIDEO, "audio": StreamKind.AUDIO, "subtitle": StreamKind.SUBTITLE}


class MalformedScan(ValueError):
    """The packet list is not as ffmpeg writes it."""


class _PacketCounter:
    """Adds up the packets of one stream, in ticks of its time base."""

    __slots__ = (
        "_corrupt",
        "_count",
        "_earliest",
        "_end",
        "_first_key",
        "_hole",
        "_last",
        "_last_duration",
        "_longest",
        "_previous_end",
    )

    def __init__(self) -> None:
        self._count = 0
        self._corrupt = 0
        self._first_key: int | None = None
        self._earliest = 0
        self._last = 0
        self._last_duration = 0
        self._end = 0
        self._longest = 0
        self._hole = 0
        self._previous_end: int | None = None

    def add(self, dts: int, pts: int, duration: int, flags: int, hole_ticks: float) -> None:
        """Count one packet."""
        if flags & _FLAG_CORRUPT:
            self._corrupt += 1
        # Old containers know only the order of decoding.
        shown = dts if pts == _NO_TIMESTAMP else pts
        if flags & _FLAG_DISCARD or shown == _NO_TIMESTAMP:
            return
        duration = max(0, duration)
        if self._count == 0:
            self._earliest = self._last = shown
            self._end = shown + duration
            # Pictures that are shown before the first key picture, but lie
            # behind it, refer to pictures that are not in the file.
            self._first_key = shown if flags & _FLAG_KEY else None
        self._count += 1
        self._earliest = min(self._earliest, shown)
        if shown >= self._last:
            self._last, self._last_duration = shown, duration
        self._end = max(self._end, shown + duration)
        self._longest = max(self._longest, duration)
        decoded = shown if dts == _NO_TIMESTAMP else dts
        if self._previous_end is not None and decoded - self._previous_end > hole_ticks:
            self._hole += decoded - self._previous_end
        self._previous_end = decoded + duration

    def span(self, seconds_per_tick: float, kind: StreamKind) -> PacketSpan | None:
        """Turn ticks into seconds."""
        if self._count == 0:
            return None
        start = self._earliest if self._first_key is None else self._first_key
        if kind is StreamKind.AUDIO:
            # Sound before zero is the encoder's run-up; it is never heard.
            start = max(start, 0)
        end = self._end
        if self._last_duration == 0 and self._count > 1:
            end += (self._last - start) // (self._count - 1)
        return PacketSpan(
            packet_count=self._count,
            corrupt_count=self._corrupt,
            start_seconds=start * seconds_per_tick,
            last_start_seconds=max(self._last, start) * seconds_per_tick,
            end_seconds=max(end, start) * seconds_per_tick,
            longest_packet_seconds=self._longest * seconds_per_tick,
            hole_seconds=self._hole * seconds_per_tick,
        )


@dataclass(slots=True)
class ScannedStream:
    """The facts of one stream of the list, in the order in which streams were mapped."""

    seconds_per_tick: float = 0.0
    kind: StreamKind = StreamKind.OTHER
    codec: str = ""
    width: int | None = None
    height: int | None = None
    sample_rate_hz: int | None = None
    layout: str = ""
    packets: _PacketCounter = field(default_factory=_PacketCounter)

    def span(self) -> PacketSpan | None:
        """Sum up the packets; None if there is none to be shown."""
        return self.packets.span(self.seconds_per_tick, self.kind)


class PacketScan:
    """Takes the list in pieces of any size, and knows the streams at the end.

    Raises MalformedScan from `feed` and `finish`.
    """

    def __init__(self) -> None:
        self._pending = b""
        self._streams: dict[int, ScannedStream] = {}

    def feed(self, chunk: bytes) -> None:
        """Take the next piece of the list."""
        lines = (self._pending + chunk).split(b"\n")
        self._pending = lines.pop()
        if len(self._pending) > _MAX_LINE_BYTES:
            raise MalformedScan("a line without end")
        for line in lines:
            self._take(line)

    def finish(self) -> list[ScannedStream]:
        """Take what is left and return the streams in their order."""
        if self._pending:
            line, self._pending = self._pending, b""
            self._take(line)
        return [self._streams[index] for index in sorted(self._streams)]

    def _take(self, line: bytes) -> None:
        if not line:
            return
        if line.startswith(b"#"):
            self._take_header(line)
            return
        columns = line.split(b",", 5)
        if len(columns) < _MIN_COLUMNS:
            raise MalformedScan("a packet with too few columns")
        try:
            index, dts, pts, duration = (int(column) for column in columns[:4])
        except ValueError:
            raise MalformedScan("a packet with a column that is no number") from None
        stream = self._streams.get(index)
        if stream is None or stream.seconds_per_tick <= 0:
            raise MalformedScan("a packet of a stream without time base")
        found = _FLAGS.search(columns[5])
        flags = _FLAG_KEY if found is None else int(found[1], 16)
        hole_ticks = _HOLE_SECONDS / stream.seconds_per_tick
        stream.packets.add(dts, pts, duration, flags, hole_ticks)

    def _take_header(self, line: bytes) -> None:
        found = _HEADER.match(line)
        if found is None:
            return
        stream = self._streams.setdefault(int(found["stream"]), ScannedStream())
        value = found["value"].decode("ascii", "replace").strip()
        match found["name"]:
            case b"tb":
                fraction = _FRACTION.match(value)
                if fraction is None or int(fraction[2]) == 0:
                    raise MalformedScan("a time base that is no fraction")
                stream.seconds_per_tick = int(fraction[1]) / int(fraction[2])
            case b"media_type":
                stream.kind = _KINDS.get(value, StreamKind.OTHER)
            case b"codec_id":
                stream.codec = value
            case b"dimensions":
                size = _SIZE.match(value)
                if size is not None:
                    stream.width, stream.height = int(size[1]), int(size[2])
            case b"sample_rate":
                stream.sample_rate_hz = int(value) if value.isdecimal() else None
            case b"channel_layout_name":
                stream.layout = value
            case _:
                return
