"""App: the translation worker as a process: what it announces and which handlers it runs."""

import importlib.metadata
from collections.abc import Mapping

from babelmill.jobs.v1 import worker_service_pb2
from babelmill.kit.worker.handler import StepHandler
from babelmill.kit.worker.process import WorkerDefinition, run_worker
from babelmill.translation.v1 import translation_pb2
from translation_worker.chain import Chains, open_routes
from translation_worker.engines.registry import EngineRegistry, find_engines
from translation_worker.pipeline import TranslateText
from translation_worker.routing import Route
from translation_worker.settings import TranslationSettings


def handlers(settings: TranslationSettings) -> Mapping[str, StepHandler]:
    """Return the handlers of one child process; engines load at their first sentence."""
    engines = find_engines(settings.engines, settings.apertium_modes_dir)
    return {"translate_text": TranslateText(Chains(engines))}


def describe(settings: TranslationSettings) -> worker_service_pb2.AnnounceWorkerRequest:
    """Return what this worker can translate, after trying the neural models once."""
    engines = find_engines(settings.engines, settings.apertium_modes_dir, probe=True)
    return worker_service_pb2.AnnounceWorkerRequest(
        version=importlib.metadata.version("babelmill"),
        step_kinds=["translate_text"],
        engines=_engines(engines),
        language_pairs=[_language_pair(route) for route in open_routes(engines).all().values()],
    )


def main() -> int:
    """Run the worker until it is told to stop; return the exit code."""
    return run_worker("translation_worker.app:DEFINITION")


def _engines(engines: EngineRegistry) -> list[translation_pb2.Engine]:
    return [
        translation_pb2.Engine(
            name=engine.name, version=engine.version, description=engine.description
        )
        for engine in engines.values()
    ]


def _language_pair(route: Route) -> translation_pb2.LanguagePair:
    return translation_pb2.LanguagePair(
        source_language=route.hops[0].pair.source,
        target_language=route.hops[-1].pair.target,
        hops=[
            translation_pb2.RouteHop(
                engine=hop.engine,
                source_language=hop.pair.source,
                target_language=hop.pair.target,
            )
            for hop in route.hops
        ],
    )


DEFINITION = WorkerDefinition(
    service="translation_worker",
    queue_families=("reconstruction", "tone", "extraction", "translation"),
    handlers=handlers,
    describe=describe,
    settings=TranslationSettings,
)
