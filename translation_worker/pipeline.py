"""Pipeline: one attempt at a translate_text step, from the lease's input to its outputs."""

import importlib.metadata
import re
from pathlib import PurePosixPath

from babelmill.jobs.v1 import artifact_pb2, lease_pb2, progress_pb2
from babelmill.kit.worker.handler import Attempt, FailureReason, Output, Result, StepFailure
from translation_worker.engines.engine import EngineError, EngineUnavailableError
from translation_worker.engines.registry import EngineRegistry
from translation_worker.resource_usage import UsageMeter
from translation_worker.routing import Route, Routes
from translation_worker.text_translation import (
    CHUNK_CHARACTERS,
    MAX_REMEMBERED_SENTENCES,
    KeptChunks,
    OpenCheckpoints,
    translate_text,
)
from translation_worker.translation_report import TranslationReport

MAX_INPUT_BYTES = 64 * 1024 * 1024
TEXT_MEDIA_TYPE = "text/plain; charset=utf-8"
STAGE = "translate"
_BYTE_ORDER_MARK = "\ufeff"
_UNSAFE = re.compile(r"[^\w.,()+ -]")
_MAX_STEM_CHARACTERS = 100


class TranslateText:
    """Handler of translate_text; one per child process, so that its engines stay loaded."""

    def __init__(self, engines: EngineRegistry) -> None:
        self._engines = engines
        self._routes = Routes(engines.direct_pairs())

    def run(self, work: lease_pb2.Work, attempt: Attempt) -> Result:
        """Translate the source into the target language.

        The first output is the translation. A second, report.json, is there only if some
        sentence needed a fallback or was kept.
        """
        order = work.translate_text
        route = self._route(order)
        data = attempt.read_input(order.source, MAX_INPUT_BYTES)
        text = _decoded(data)

        def helper_process_ids() -> list[int]:
            return [
                pid for hop in route.hops for pid in self._engines[hop.engine].process_ids(hop.pair)
            ]

        def checkpoints() -> KeptChunks:
            return attempt.checkpoints(self._basis(order.source.digest, route))

        meter = UsageMeter(helper_process_ids)
        try:
            with meter:
                report = TranslationReport(order.source_language, order.target_language, route)
                translated = self._translate(text, route, report, attempt, checkpoints)
                outputs = self._outputs(order, translated, report, attempt)
        finally:
            # What a failed attempt has cost counts, too; it has put nothing out.
            attempt.report_usage(meter.usage(len(data), 0))
        attempt.log.info(
            "text_translated",
            route=str(route),
            sentences=report.ways.total(),
            **{f"sentences_{way}": count for way, count in sorted(report.ways.items())},
        )
        written = sum(output.size_bytes for output in outputs)
        return Result(outputs=outputs, usage=meter.usage(len(data), written))

    def close(self) -> None:
        """Close the engines."""
        self._engines.close()

    def _route(self, order: lease_pb2.TranslateTextWork) -> Route:
        if order.engine and order.engine not in self._engines:
            raise StepFailure(
                FailureReason.UNSUPPORTED_ENGINE,
                metadata={"engines": " ".join(self._engines)},
            )
        route = self._routes.find(order.source_language, order.target_language, order.engine)
        if route is None:
            pairs = " ".join(str(pair) for pair in self._routes.all(order.engine))
            raise StepFailure(
                FailureReason.UNSUPPORTED_LANGUAGE_PAIR, metadata={"language_pairs": pairs}
            )
        return route

    def _basis(self, source: artifact_pb2.Digest, route: Route) -> dict[str, object]:
        """Name all that a chunk's translation depends on."""
        return {
            "input": [source.sha256, source.size_bytes],
            "code": importlib.metadata.version("babelmill"),
            "chunk_characters": CHUNK_CHARACTERS,
            "remembered_sentences": MAX_REMEMBERED_SENTENCES,
            "route": [
                [hop.engine, self._engines[hop.engine].version, str(hop.pair)] for hop in route.hops
            ],
        }

    def _translate(
        self,
        text: str,
        route: Route,
        report: TranslationReport,
        attempt: Attempt,
        checkpoints: OpenCheckpoints,
    ) -> str:
        def on_progress(done_characters: int) -> None:
            unit = progress_pb2.PROGRESS_UNIT_CHARACTERS
            attempt.report_progress(unit, done_characters, len(text), STAGE)

        on_progress(0)
        try:
            return translate_text(
                text,
                route,
                route.hops[0].pair.source,
                self._engines,
                report,
                stop=attempt.cancellation.raise_if_requested,
                on_progress=on_progress,
                checkpoints=checkpoints,
            )
        except EngineUnavailableError as error:
            raise StepFailure(FailureReason.ENGINE_UNAVAILABLE) from error
        except EngineError as error:
            raise StepFailure(FailureReason.ENGINE_FAILED) from error

    def _outputs(
        self,
        order: lease_pb2.TranslateTextWork,
        translated: str,
        report: TranslationReport,
        attempt: Attempt,
    ) -> tuple[Output, ...]:
        name = output_filename(order.source.filename, order.target_language)
        text = attempt.output_bytes(name, TEXT_MEDIA_TYPE, translated.encode())
        if not report.is_worth_telling:
            return (text,)
        details = report.to_json(self._engines)
        return text, attempt.output_bytes("report.json", "application/json", details)


def output_filename(source_filename: str, target_language: str) -> str:
    """Return a name for people: "letter.txt" becomes "letter.pt.txt", no name "pt.txt"."""
    language = _UNSAFE.sub("_", target_language)
    source = PurePosixPath(source_filename.replace("\\", "/")).name
    stem, suffix = PurePosixPath(source).stem, PurePosixPath(source).suffix
    stem = _UNSAFE.sub("_", stem)[:_MAX_STEM_CHARACTERS].strip(" .")
    suffix = suffix if re.fullmatch(r"\.[A-Za-z0-9]{1,8}", suffix) else ".txt"
    return f"{stem}.{language}{suffix}" if stem else f"{language}.txt"


def _decoded(data: bytes) -> str:
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise StepFailure(
            FailureReason.NOT_UTF8, metadata={"byte_offset": str(error.start)}
        ) from error
    if not any(character.isalnum() for character in text.lstrip(_BYTE_ORDER_MARK)):
        raise StepFailure(FailureReason.EMPTY_TEXT)
    return text
