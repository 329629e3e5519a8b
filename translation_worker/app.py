"""App: the translation worker as a process: what it announces and which handlers it runs."""

import importlib.metadata
from collections.abc import Mapping

from babelmill.jobs.v1 import worker_service_pb2
from babelmill.kit.worker.handler import StepHandler
from babelmill.kit.worker.process import WorkerDefinition, run_worker
from babelmill.translation.v1 import translation_pb2
from translation_worker.chain import Chains, open_routes
from translation_worker.engine_opening import open_engines
from translation_worker.engines.engine import Engine
from translation_worker.engines.registry import EngineRegistry
from translation_worker.extracting import ExtractDocument
from translation_worker.formats.registry import CODECS
from translation_worker.pipeline import TranslateText
from translation_worker.reconstructing import ReconstructDocument
from translation_worker.routing import Route
from translation_worker.settings import TranslationSettings
from translation_worker.toning import AdaptTone
from translation_worker.translating import TranslateSegments

STEP_KINDS = ("translate_text", "extract", "translate_segments", "adapt_tone", "reconstruct")


def handlers(settings: TranslationSettings) -> Mapping[str, StepHandler]:
    """Return the handlers of one child process; engines load at their first sentence."""
    engines = open_engines(settings)
    chains = Chains(engines)
    return {
        "translate_text": TranslateText(chains),
        "extract": ExtractDocument(settings, chains),
        "translate_segments": TranslateSegments(chains),
        "adapt_tone": AdaptTone(chains),
        "reconstruct": ReconstructDocument(settings),
    }


def describe(settings: TranslationSettings) -> worker_service_pb2.AnnounceWorkerRequest:
    """Return what this worker can translate, after trying the neural models once."""
    engines = open_engines(settings, probe=True)
    return worker_service_pb2.AnnounceWorkerRequest(
        version=importlib.metadata.version("babelmill"),
        step_kinds=STEP_KINDS,
        engines=_engines(engines),
        language_pairs=[_language_pair(route) for route in open_routes(engines).all().values()],
        formats=[
            translation_pb2.Format(
                name=codec.name,
                description=codec.description,
                extensions=codec.extensions,
                media_types=codec.media_types,
            )
            for codec in CODECS
        ],
    )


def main() -> int:
    """Run the worker until it is told to stop; return the exit code."""
    return run_worker("translation_worker.app:DEFINITION")


def _engines(engines: EngineRegistry) -> list[translation_pb2.Engine]:
    return [_engine(engine) for engine in engines.values()]


def _engine(engine: Engine) -> translation_pb2.Engine:
    capabilities = engine.capabilities
    return translation_pb2.Engine(
        name=engine.name,
        version=engine.version,
        description=engine.description,
        any_pair=capabilities.any_pair,
        needs_chat_model=capabilities.needs_chat_model,
        keeps_glossary=capabilities.keeps_glossary,
        sets_tone=capabilities.sets_tone,
        max_batch_segments=capabilities.max_batch_segments,
        costs_money=capabilities.costs_money,
    )


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
