"""The handler of transcodes: opens a session and lets the preset's kind choose the maker."""

from pathlib import Path

from babelmill.jobs.v1 import lease_pb2
from babelmill.kit.wire.failure_reasons import FailureReason
from babelmill.kit.worker.handler import Attempt, Output, Result, StepFailure
from media_worker.ffmpeg.command import SourceAccess
from media_worker.ffmpeg.session import FfmpegSession, FfmpegSessions, MediaLimits
from media_worker.pipeline.package import make_package
from media_worker.pipeline.rendition import make_rendition
from media_worker.pipeline.reports import make_loudness, make_waveform
from media_worker.pipeline.stills import make_poster, make_sprite
from media_worker.presets.catalogue import PRESETS
from media_worker.presets.options import Options, read_options
from media_worker.presets.recipe import Preset, PresetKind


class TranscodeHandler:
    """Makes what a preset names of a media file."""

    def __init__(self, ffmpeg: Path, limits: MediaLimits) -> None:
        self._sessions = FfmpegSessions(ffmpeg, limits)

    def run(self, work: lease_pb2.Work, attempt: Attempt) -> Result:
        """Do one attempt. Raises StepFailure; lets StepStopped pass."""
        wanted = work.transcode
        preset = PRESETS.get(wanted.preset)
        if preset is None:
            raise StepFailure(
                FailureReason.UNSUPPORTED_PRESET, metadata={"presets": ", ".join(PRESETS)}
            )
        options = read_options(wanted.options, preset)
        with self._sessions.open(attempt) as session, session.input(wanted.source) as source:
            return session.result(_make(session, source, preset, options, wanted.source.filename))


def _make(
    session: FfmpegSession,
    source: SourceAccess,
    preset: Preset,
    options: Options,
    input_filename: str,
) -> tuple[Output, ...]:
    match preset.name:
        case "poster":
            return make_poster(session, source, preset, options, input_filename)
        case "sprite":
            return make_sprite(session, source, preset, options)
        case "waveform":
            return make_waveform(session, source, preset, options, input_filename)
        case "loudness":
            return make_loudness(session, source, preset, options, input_filename)
        case _ if preset.kind is PresetKind.PACKAGE:
            return make_package(session, source, preset, options)
        case _:
            return make_rendition(session, source, preset, options, input_filename)
