"""Pipeline: one attempt at a translate_text step, from the lease's input to its outputs."""

import importlib.metadata

from babelmill.jobs.v1 import artifact_pb2, lease_pb2, progress_pb2
from babelmill.kit.worker.handler import Attempt, FailureReason, Output, Result, StepFailure
from translation_worker.chain import Chains
from translation_worker.output_names import output_filename
from translation_worker.resource_usage import UsageMeter, with_spending
from translation_worker.sentence_translation import Translated, Way
from translation_worker.text_translation import (
    CHUNK_CHARACTERS,
    MAX_REMEMBERED_SENTENCES,
    Finish,
    KeptChunks,
    OpenCheckpoints,
    translate_text,
)
from translation_worker.tone_rules import ToneRules
from translation_worker.translation_brief import OpenedBrief, open_brief
from translation_worker.translation_report import TranslationReport

MAX_INPUT_BYTES = 64 * 1024 * 1024
TEXT_MEDIA_TYPE = "text/plain; charset=utf-8"
STAGE = "translate"
_BYTE_ORDER_MARK = "\ufeff"


class TranslateText:
    """Handler of translate_text; one per child process, so that its engines stay loaded."""

    def __init__(self, chains: Chains) -> None:
        self._chains = chains

    def run(self, work: lease_pb2.Work, attempt: Attempt) -> Result:
        """Translate the source into the target language.

        The first output is the translation. A second, report.json, is there only if some
        sentence needed a fallback or was kept.
        """
        order = work.translate_text
        opened = open_brief(
            self._chains,
            order.source_language,
            order.target_language,
            order.settings,
            attempt,
            engine=order.engine,
        )
        data = attempt.read_input(order.source, MAX_INPUT_BYTES)
        text = _decoded(data)

        def checkpoints() -> KeptChunks:
            return attempt.checkpoints(_basis(order.source.digest, opened))

        meter = UsageMeter(opened.chain.process_ids)
        try:
            with meter:
                report = TranslationReport(order.source_language, order.target_language)
                translated = _translate(text, opened, report, attempt, checkpoints)
                outputs = _outputs(order, translated, opened, report, attempt)
        finally:
            # What a failed attempt has cost counts, too; it has put nothing out.
            attempt.report_usage(with_spending(meter.usage(len(data), 0), opened.spending))
        attempt.log.info(
            "text_translated",
            routes=sorted(report.routes),
            sentences=report.ways.total(),
            **{f"sentences_{way}": count for way, count in sorted(report.ways.items())},
        )
        written = sum(output.size_bytes for output in outputs)
        usage = with_spending(meter.usage(len(data), written), opened.spending)
        return Result(outputs=outputs, usage=usage)


def _basis(source: artifact_pb2.Digest, opened: OpenedBrief) -> dict[str, object]:
    """Name all that a chunk's translation depends on."""
    return {
        "input": [source.sha256, source.size_bytes],
        "code": importlib.metadata.version("babelmill"),
        "chunk_characters": CHUNK_CHARACTERS,
        "remembered_sentences": MAX_REMEMBERED_SENTENCES,
        **opened.facts(),
    }


def _translate(
    text: str,
    opened: OpenedBrief,
    report: TranslationReport,
    attempt: Attempt,
    checkpoints: OpenCheckpoints,
) -> str:
    def on_progress(done_characters: int) -> None:
        unit = progress_pb2.PROGRESS_UNIT_CHARACTERS
        attempt.report_progress(unit, done_characters, len(text), STAGE)

    on_progress(0)
    return translate_text(
        text,
        opened.chain,
        report,
        glossary=opened.glossary,
        finish=_finish(report.target_language, opened),
        stop=attempt.cancellation.raise_if_requested,
        on_progress=on_progress,
        checkpoints=checkpoints,
    )


def _finish(language: str, opened: OpenedBrief) -> Finish:
    """Return what gives a sentence the tone that its engine has not given it."""
    if not opened.tone:
        return lambda translated: translated.text
    rules = ToneRules(language, opened.tone, opened.glossary)
    toned_routes = opened.chain.toned_routes

    def finish(translated: Translated) -> str:
        routes = set(translated.route.split("; "))
        untouched = translated.way in (Way.KEPT_SOURCE, Way.NOTHING_TO_DO)
        return (
            translated.text if untouched or routes <= toned_routes else rules.adapt(translated.text)
        )

    return finish


def _outputs(
    order: lease_pb2.TranslateTextWork,
    translated: str,
    opened: OpenedBrief,
    report: TranslationReport,
    attempt: Attempt,
) -> tuple[Output, ...]:
    name = output_filename(order.source.filename, order.target_language)
    text = attempt.output_bytes(name, TEXT_MEDIA_TYPE, translated.encode())
    if not report.is_worth_telling:
        return (text,)
    details = report.to_json(opened.chain)
    return text, attempt.output_bytes("report.json", "application/json", details)


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
