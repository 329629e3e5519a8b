"""The media worker's definition and entry point."""

from collections.abc import Mapping
from importlib.metadata import version

from babelmill.jobs.v1 import worker_service_pb2
from babelmill.kit.worker.handler import StepHandler
from babelmill.kit.worker.process import WorkerDefinition, run_worker
from babelmill.media.v1 import media_pb2
from media_worker.pipeline.transcode import TranscodeHandler
from media_worker.presets import PRESETS, PresetKind
from media_worker.settings import MediaWorkerSettings

_KINDS = {
    PresetKind.VIDEO: media_pb2.PRESET_KIND_VIDEO,
    PresetKind.AUDIO: media_pb2.PRESET_KIND_AUDIO,
}


def make_handlers(settings: MediaWorkerSettings) -> Mapping[str, StepHandler]:
    """Make a handler for each kind of work, by its name in Work."""
    return {"transcode": TranscodeHandler(settings.find_ffmpeg(), settings.media_limits())}


def describe(_settings: MediaWorkerSettings) -> worker_service_pb2.AnnounceWorkerRequest:
    """Say what this worker can do."""
    return worker_service_pb2.AnnounceWorkerRequest(
        version=version("babelmill"),
        step_kinds=["transcode"],
        presets=[
            media_pb2.Preset(
                name=preset.name,
                kind=_KINDS[preset.kind],
                description=preset.description,
                file_extension=preset.file_extension,
                media_type=preset.media_type,
            )
            for preset in PRESETS.values()
        ],
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
