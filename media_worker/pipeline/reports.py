"""Makes what can be said of sound: its waveform as picture and figures, its loudness."""

import json
import sys
from array import array
from dataclasses import asdict

from babelmill.kit.process.telemetry import tracer
from babelmill.kit.worker.handler import Output
from media_worker.ffmpeg.command import SourceAccess
from media_worker.ffmpeg.media_info import StreamInfo
from media_worker.ffmpeg.progress import MediaProgress
from media_worker.ffmpeg.session import FfmpegSession
from media_worker.ffmpeg.stills import samples_arguments, waveform_arguments
from media_worker.pipeline.loudness import measure
from media_worker.pipeline.rendition import find_part
from media_worker.pipeline.stills import check_picture
from media_worker.presets.naming import output_filename
from media_worker.presets.options import Options
from media_worker.presets.recipe import Preset
from media_worker.verification import invalid_output

_JSON = "application/json"
_PICTURE_NAME = "waveform.png"
_WIDTH = 1200
_HEIGHT = 240
_POINTS = 2000
_FALLBACK_RATE_HZ = 48_000
_SAMPLE_BYTES = 2
_DURATION_TOLERANCE_SECONDS = 0.2


class Peaks:
    """The lowest and highest of every so many samples, as they arrive."""

    def __init__(self, samples_per_point: int) -> None:
        self._samples_per_point = samples_per_point
        self._pending = bytearray()
        self.samples = 0
        self.values: list[int] = []
        """Lowest and highest in turn, of 8 bits."""

    def feed(self, chunk: bytes) -> None:
        """Take the next bytes: samples of 16 bits, little-endian."""
        self._pending += chunk
        size = self._samples_per_point * _SAMPLE_BYTES
        end = len(self._pending) - len(self._pending) % size
        for start in range(0, end, size):
            self._take(self._pending[start : start + size])
        del self._pending[:end]

    def finish(self) -> None:
        """Take what is left."""
        whole = len(self._pending) - len(self._pending) % _SAMPLE_BYTES
        if whole:
            self._take(self._pending[:whole])
        self._pending.clear()

    def _take(self, data: bytearray) -> None:
        samples = array("h", data)
        if sys.byteorder == "big":
            samples.byteswap()
        self.samples += len(samples)
        self.values += [min(samples) >> 8, max(samples) >> 8]


def make_waveform(
    session: FfmpegSession,
    source: SourceAccess,
    preset: Preset,
    options: Options,
    input_filename: str,
) -> tuple[Output, ...]:
    """Make a picture of the sound, and JSON as players take it. Raises StepFailure, Stopped.

    The JSON is version 2 of what the program audiowaveform writes.
    """
    part = find_part(session, source, preset, options)
    audio = _audio(part.selection.audio)
    seconds = part.selection.end_seconds
    progress = MediaProgress(seconds)
    session.report(progress, "transcode")
    rate_hz = audio.sample_rate_hz or _FALLBACK_RATE_HZ
    peaks = Peaks(max(1, round(seconds * rate_hz / _POINTS)))
    path = session.directory / _PICTURE_NAME
    width, height = options.max_width or _WIDTH, options.max_height or _HEIGHT
    try:
        with tracer(__name__).start_as_current_span("ffmpeg.waveform"):
            session.run(
                waveform_arguments(
                    part.source, audio.index, width=width, height=height, output_name=path.name
                )
            )
            session.run(
                samples_arguments(part.source, audio.index, rate_hz),
                on_stdout=peaks.feed,
                progress=progress,
            )
        peaks.finish()
        if abs(peaks.samples / rate_hz - seconds) > _DURATION_TOLERANCE_SECONDS:
            raise invalid_output("audio_duration", peaks.samples / rate_hz, seconds)
        check_picture(session, path.name, codec="png", size=(width, height))
        form = {
            "version": 2,
            "channels": 1,
            "sample_rate": rate_hz,
            "samples_per_pixel": max(1, round(seconds * rate_hz / _POINTS)),
            "bits": 8,
            "length": len(peaks.values) // 2,
            "data": peaks.values,
        }
        picture = output_filename(input_filename, preset)
        outputs = (
            session.attempt.output_file(picture, preset.media_type, path),
            session.attempt.output_bytes(
                f"{picture.removesuffix('.png')}.json",
                _JSON,
                json.dumps(form, separators=(",", ":")).encode(),
            ),
        )
    finally:
        path.unlink(missing_ok=True)
    session.report(progress, "verify", progress.finish())
    return outputs


def make_loudness(
    session: FfmpegSession,
    source: SourceAccess,
    preset: Preset,
    options: Options,
    input_filename: str,
) -> tuple[Output, ...]:
    """Measure the sound by EBU R128. Raises StepFailure and Stopped."""
    part = find_part(session, source, preset, options)
    audio = _audio(part.selection.audio)
    span = None if audio.span is None else part.window.clip(audio.span)
    seconds = 0.0 if span is None else span.seconds
    progress = MediaProgress(seconds)
    session.report(progress, "measure")
    with tracer(__name__).start_as_current_span("ffmpeg.loudness"):
        found = measure(
            session,
            part.source,
            audio,
            skip_seconds=part.skip_seconds,
            seconds=options.duration_seconds,
            progress=progress,
        )
    form = {
        "standard": "EBU R128",
        **asdict(found),
        "channels": audio.channels,
        "sample_rate_hz": audio.sample_rate_hz,
        "seconds": round(seconds, 3),
    }
    session.report(progress, "verify", progress.finish())
    data = json.dumps(form, indent=2).encode() + b"\n"
    name = output_filename(input_filename, preset)
    return (session.attempt.output_bytes(name, preset.media_type, data),)


def _audio(found: StreamInfo | None) -> StreamInfo:
    if found is None:
        raise TypeError("the preset needs no sound")
    return found
