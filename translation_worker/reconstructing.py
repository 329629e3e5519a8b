"""Reconstructing: one attempt at a reconstruct step, from translated chunks to the document.

The document is written from the original, in which the codec changes nothing but words. Beside it
come a report of what became of every segment and, if they are asked for, a bilingual page and an
XLIFF file.
"""

from collections.abc import Sequence
from pathlib import PurePosixPath

from babelmill.jobs.v1 import lease_pb2, progress_pb2
from babelmill.kit.worker.handler import Attempt, FailureReason, Output, Result, StepFailure
from translation_worker.document import Segment, SegmentTranslation, plain_text
from translation_worker.document_bilingual import BILINGUAL_MEDIA_TYPE, bilingual_page
from translation_worker.document_files import DocumentFiles, codec_options, document_failures
from translation_worker.document_json import (
    JSON_MEDIA_TYPE,
    MAX_PART_BYTES,
    DamagedPartError,
    read_segments,
    read_translations,
)
from translation_worker.document_report import DocumentReport
from translation_worker.formats.entities import named_entities
from translation_worker.formats.registry import find
from translation_worker.output_names import output_filename
from translation_worker.resource_usage import UsageMeter
from translation_worker.sources.source_settings import SourceSettings
from translation_worker.tagged_text import keeps_tags
from translation_worker.translation_brief import open_glossary
from translation_worker.xliff_twin import XLIFF_MEDIA_TYPE, xliff_twin

STAGE = "reconstruct"
MAX_NAMED_ENTITIES = 1000
MAX_NAMED_RECORDS = 100

_Pairs = Sequence[tuple[Segment, SegmentTranslation]]


class ReconstructDocument:
    """Handler of reconstruct."""

    def __init__(self, settings: SourceSettings) -> None:
        self._files = DocumentFiles(settings)

    def run(self, work: lease_pb2.Work, attempt: Attempt) -> Result:
        """Write the document in one language.

        The first output is the document, the second report.json; the twins follow.
        """
        order = work.reconstruct
        meter = UsageMeter(self._files.process_ids)
        read_bytes = written_bytes = 0
        try:
            with meter:
                pairs = _pairs(order, attempt)
                outputs = _outputs(order, pairs, self._files, attempt)
                read_bytes = order.original.digest.size_bytes
                written_bytes = sum(output.size_bytes for output in outputs)
        finally:
            attempt.report_usage(meter.usage(read_bytes, 0))
        attempt.log.info("document_reconstructed", format=order.format, segments=len(pairs))
        return Result(outputs=tuple(outputs), usage=meter.usage(read_bytes, written_bytes))


def _outputs(
    order: lease_pb2.ReconstructWork, pairs: _Pairs, files: DocumentFiles, attempt: Attempt
) -> list[Output]:
    attempt.report_progress(progress_pb2.PROGRESS_UNIT_STEPS, 0, 1, STAGE)
    with document_failures():
        codec = find(order.format)
    glossary = open_glossary(order, order.target_language, attempt)
    name = order.output_prefix + output_filename(
        order.original.filename, order.target_language, codec.extensions or (".json",)
    )
    target = attempt.scratch / "translated"
    translations = {each.segment_id: each.content for _, each in pairs}
    with attempt.input_path(order.original) as original:
        written = files.write(
            codec,
            original,
            translations,
            target,
            order.target_language,
            codec_options(order, attempt),
            attempt,
        )
    outputs = [attempt.output_file(name, codec.media_types[0], target)]
    languages = (order.source_language, order.target_language)
    report = DocumentReport(
        format=codec.name,
        source_language=languages[0],
        target_language=languages[1],
        pairs=pairs,
        written=written,
        glossary=glossary,
        more=_named_entities(order, pairs) if codec.name == "records" else {},
    )
    report_name = f"{order.output_prefix}report.json"
    outputs.append(attempt.output_bytes(report_name, JSON_MEDIA_TYPE, report.to_json()))
    stem, original_name = str(PurePosixPath(name).with_suffix("")), order.original.filename
    if order.twins.bilingual:
        page = bilingual_page(original_name, *languages, pairs)
        outputs.append(attempt.output_bytes(f"{stem}.bilingual.html", BILINGUAL_MEDIA_TYPE, page))
    if order.twins.xliff:
        twin = xliff_twin(original_name, *languages, pairs)
        outputs.append(attempt.output_bytes(f"{stem}.segments.xlf", XLIFF_MEDIA_TYPE, twin))
    attempt.report_progress(progress_pb2.PROGRESS_UNIT_STEPS, 1, 1, STAGE)
    return outputs


def _named_entities(order: lease_pb2.ReconstructWork, pairs: _Pairs) -> dict[str, object]:
    texts = ((segment.segment_id, plain_text(segment.content)) for segment, _ in pairs)
    found = named_entities(texts, order.source_language)[:MAX_NAMED_ENTITIES]
    return {
        "named_entities": [
            {
                "text": each.text,
                "kind": each.kind,
                "count": each.count,
                "records": sorted(each.records)[:MAX_NAMED_RECORDS],
            }
            for each in found
        ]
    }


def _pairs(order: lease_pb2.ReconstructWork, attempt: Attempt) -> _Pairs:
    """Read all chunks and match translations with their segments. Raises StepFailure."""
    if len(order.segments) != len(order.translations):
        raise StepFailure(FailureReason.INPUT_DAMAGED)
    pairs: list[tuple[Segment, SegmentTranslation]] = []
    for content, translated in zip(order.segments, order.translations, strict=True):
        attempt.cancellation.raise_if_requested()
        data = attempt.read_input(content, MAX_PART_BYTES)
        done = attempt.read_input(translated, MAX_PART_BYTES)
        try:
            segments, translations = read_segments(data), read_translations(done)
            pairs += zip(segments.segments, translations.segments, strict=True)
        except (DamagedPartError, ValueError) as error:
            raise StepFailure(FailureReason.INPUT_DAMAGED) from error
    for segment, translation in pairs:
        same = segment.segment_id == translation.segment_id
        if not same or not keeps_tags(segment.content, translation.content):
            raise StepFailure(FailureReason.INPUT_DAMAGED)
    return pairs
