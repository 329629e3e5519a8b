"""The media worker's definition and entry point."""

from collections.abc import Mapping
from importlib.metadata import version

from babelmill.jobs.v1 import worker_service_pb2
from babelmill.kit.worker.handler import StepHandler
from babelmill.kit.worker.process import WorkerDefinition, run_worker
from media_worker.pipeline.transcode import TranscodeHandler
from media_worker.presets.announcement import announced_presets
from media_worker.settings import MediaWorkerSettings


def make_handlers(settings: MediaWorkerSettings) -> Mapping[str, StepHandler]:
    """Make a handler for each kind of work, by its name in Work."""
    return {"transcode": TranscodeHandler(settings.find_ffmpeg(), settings.media_limits())}


def describe(_settings: MediaWorkerSettings) -> worker_service_pb2.AnnounceWorkerRequest:
    """Say what this worker can do."""
    return worker_service_pb2.AnnounceWorkerRequest(
        version=version("babelmill"),
        step_kinds=["transcode"],
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
