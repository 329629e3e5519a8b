"""The handler of transcodes: opens a session and lets the preset's kind choose the maker."""

from pathlib import Path

from babelmill.jobs.v1 import lease_pb2
from babelmill.kit.wire.failure_reasons import FailureReason
from babelmill.kit.worker.handler import Attempt, Result, StepFailure
from media_worker.ffmpeg.session import FfmpegSessions, MediaLimits
from media_worker.pipeline.rendition import make_rendition
from media_worker.presets.catalogue import PRESETS
from media_worker.presets.options import read_options


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
            return session.result(
                make_rendition(session, source, preset, options, wanted.source.filename)
            )
