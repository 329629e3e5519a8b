"""Reads what ffmpeg prints about an input file (`ffmpeg -v info -i FILE`), without running it.

The text is made for people and holds the file's own words, so it is only the
second witness: codec and size come from `packet_scan` where both speak. A
line that does not look as expected is passed over, never guessed at.
"""

import re

from media_worker.ffmpeg.media_info import MediaInfo, StreamInfo, StreamKind

_FORMAT = re.compile(r"^Input #0, (?P<names>[0-9A-Za-z_,]+), from ")
_DURATION = re.compile(r"^  Duration: (?P<h>\d+):(?P<m>\d\d):(?P<s>\d\d\.\d+)")
_START = re.compile(r", start: (?P<seconds>-?\d+\.\d+)")
_STREAM = re.compile(
    r"^ {2,8}Stream #0:(?P<index>\d{1,6})(?:\[0x[0-9a-f]+\])?(?:\((?P<language>[^)]*)\))?"
    r": (?P<kind>[A-Z][a-z]+): (?P<codec>[0-9A-Za-z_.-]+)(?P<rest>.*)$"
)
# The comma keeps a codec tag such as "0x31637661" from being read as a size.
_SIZE = re.compile(r", (?P<width>\d{1,6})x(?P<height>\d{1,6})(?=[ ,\[]|$)")
_RATE = re.compile(r", (?P<rate>\d+(?:\.\d+)?)(?P<kilo>k?) fps(?=,| |$)")
_SOUND = re.compile(r", (?P<hertz>\d{1,7}) Hz, (?P<layout>[0-9A-Za-z.() ]+?)(?=,|$)")
_CHANNEL_COUNT = re.compile(r"^(?P<count>\d{1,3}) channels")

_MAPPING = "\nStream mapping:\n"
_MAPPED = re.compile(r"^  Stream #0:(\d{1,6}) -> #0:\d{1,6} \(copy\)$", re.MULTILINE)

_KINDS = {
    "Video": StreamKind.VIDEO,
    "Audio": StreamKind.AUDIO,
    "Subtitle": StreamKind.SUBTITLE,
}
_CHANNELS_BY_LAYOUT = {"mono": 1, "stereo": 2, "downmix": 2, "quad": 4}
_DOTTED_LAYOUT = re.compile(r"^(?P<main>\d)\.(?P<low>\d)(?:\.(?P<high>\d))?(?:\(|$)")


def parse_stream_dump(text: str) -> MediaInfo | None:
    """Read the section of input 0; None if ffmpeg has not opened the file."""
    formats: tuple[str, ...] | None = None
    declared: float | None = None
    start = 0.0
    streams: dict[int, StreamInfo] = {}
    for line in _lines(text):
        if formats is None:
            opened = _FORMAT.match(line)
            if opened is not None:
                formats = tuple(opened["names"].split(","))
            continue
        duration = _DURATION.match(line)
        if duration is not None and declared is None:
            declared = (
                int(duration["h"]) * 3600.0 + int(duration["m"]) * 60.0 + float(duration["s"])
            )
            told = _START.search(line)
            start = float(told["seconds"]) if told is not None else 0.0
        stream = _parse_stream(line)
        if stream is not None:
            streams.setdefault(stream.index, stream)
    if formats is None:
        return None
    return MediaInfo(
        format_names=formats,
        declared_seconds=declared,
        streams=tuple(streams[index] for index in sorted(streams)),
        declared_start_seconds=start,
    )


def parse_stream_mapping(text: str) -> list[int]:
    """Give the input's streams that are copied to output 0, in their order there.

    Words of the file come before the last heading, if its outputs are to have no tags.
    """
    _, heading, told = text.rpartition(_MAPPING)
    return [int(index) for index in _MAPPED.findall(told)] if heading else []


def complaints(text: str) -> str:
    """Leave out what ffmpeg tells of files, which is indented and holds the files' own words."""
    return "\n".join(line for line in _lines(text) if not line.startswith(" "))


def _lines(text: str) -> list[str]:
    # ffmpeg indents a tag's further lines after these ends alone; of a line separator or the like
    # it knows nothing, and what stands behind that is still the tag's.
    return text.split("\n")


def channels_of_layout(name: str) -> int | None:
    """Count the channels of a layout by ffmpeg's name for it; None if it is unknown."""
    counted = _CHANNEL_COUNT.match(name)
    if counted is not None:
        return int(counted["count"])
    dotted = _DOTTED_LAYOUT.match(name)
    if dotted is not None:
        return int(dotted["main"]) + int(dotted["low"]) + int(dotted["high"] or 0)
    return _CHANNELS_BY_LAYOUT.get(name)


def _parse_stream(line: str) -> StreamInfo | None:
    found = _STREAM.match(line)
    if found is None:
        return None
    rest = found["rest"]
    size = _SIZE.search(rest)
    rate = _RATE.search(rest)
    sound = _SOUND.search(rest)
    language = found["language"] or ""
    return StreamInfo(
        index=int(found["index"]),
        kind=_KINDS.get(found["kind"], StreamKind.OTHER),
        codec=found["codec"],
        language="" if language == "und" else language,
        is_default="(default)" in rest,
        is_forced="(forced)" in rest,
        is_cover="(attached pic)" in rest,
        width=int(size["width"]) if size else None,
        height=int(size["height"]) if size else None,
        frames_per_second=_frames_per_second(rate),
        sample_rate_hz=int(sound["hertz"]) if sound else None,
        channels=channels_of_layout(sound["layout"].strip()) if sound else None,
    )


def _frames_per_second(rate: re.Match[str] | None) -> float | None:
    if rate is None:
        return None
    value = float(rate["rate"]) * (1000.0 if rate["kilo"] else 1.0)
    return value if value > 0 else None
