"""The media worker's definition and entry point."""

from collections.abc import Mapping
from importlib.metadata import version

from babelmill.jobs.v1 import worker_service_pb2
from babelmill.kit.worker.handler import StepHandler
from babelmill.kit.worker.process import WorkerDefinition, run_worker
from media_worker.ffmpeg.session import FfmpegSessions
from media_worker.pipeline.transcode import TranscodeHandler
from media_worker.presets.announcement import announced_presets
from media_worker.segments.registry import SEGMENT_STEP_KINDS, segment_handlers
from media_worker.settings import MediaWorkerSettings
from media_worker.subtitles.registry import SUBTITLE_STEP_KINDS, subtitle_handlers


def make_handlers(settings: MediaWorkerSettings) -> Mapping[str, StepHandler]:
    """Make a handler for each kind of work, by its name in Work."""
    ffmpeg, limits = settings.find_ffmpeg(), settings.media_limits()
    sessions = FfmpegSessions(ffmpeg, limits)
    return {
        "transcode": TranscodeHandler(ffmpeg, limits),
        **subtitle_handlers(sessions),
        **segment_handlers(sessions),
    }


def describe(_settings: MediaWorkerSettings) -> worker_service_pb2.AnnounceWorkerRequest:
    """Say what this worker can do."""
    return worker_service_pb2.AnnounceWorkerRequest(
        version=version("babelmill"),
        step_kinds=["transcode", *SUBTITLE_STEP_KINDS, *SEGMENT_STEP_KINDS],
        presets=announced_presets(),
    )


DEFINITION = WorkerDefinition(
    service="media_worker",
    queue_families=("media",),
    handlers=make_handlers,
    describe=describe,
    settings=MediaWorkerSettings,
)


def main() -> int:
    """Run the worker until it is told to stop."""
    return run_worker("media_worker.app:DEFINITION")
