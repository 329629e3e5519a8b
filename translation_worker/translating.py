"""Translating: one attempt at a translate_segments step, from a chunk to its translations.

The chunk goes through in parts of about 2,000 characters, each a unit of progress and of
checkpoints. What the tenant's memory holds is not asked for again.
"""

import importlib.metadata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from babelmill.jobs.v1 import lease_pb2, progress_pb2
from babelmill.kit.worker.checkpoints import Checkpoints
from babelmill.kit.worker.handler import Attempt, FailureReason, Result, StepFailure
from translation_worker.chain import Chains
from translation_worker.document import Segment, SegmentTranslation
from translation_worker.document_json import (
    JSON_MEDIA_TYPE,
    MAX_PART_BYTES,
    DamagedPartError,
    SegmentsPart,
    TranslationsPart,
    read_segments,
    read_translations,
    write_translations,
)
from translation_worker.resource_usage import UsageMeter, with_spending
from translation_worker.segment_chunks import characters_of
from translation_worker.segment_memory import SegmentMemory
from translation_worker.segment_translation import SegmentTranslator
from translation_worker.translation_brief import OpenedBrief, open_brief

PART_CHARACTERS = 2000
TRANSLATIONS_FILENAME = "translations.json"
STAGE = "translate"


@dataclass(frozen=True)
class _Work:
    """What an attempt does."""

    order: lease_pb2.TranslateSegmentsWork
    opened: OpenedBrief
    segments: tuple[Segment, ...]
    attempt: Attempt


class TranslateSegments:
    """Handler of translate_segments; one per child process, so that its engines stay loaded."""

    def __init__(self, chains: Chains) -> None:
        self._chains = chains

    def run(self, work: lease_pb2.Work, attempt: Attempt) -> Result:
        """Translate the segments of a chunk; the only output holds them in the same order."""
        order = work.translate_segments
        opened = open_brief(
            self._chains, order.source_language, order.target_language, order.settings, attempt
        )
        data = attempt.read_input(order.segments, MAX_PART_BYTES)
        meter = UsageMeter(opened.chain.process_ids)
        try:
            with meter:
                part = _read_part(data)
                done = _translate(_Work(order, opened, part.segments, attempt))
                translations = TranslationsPart(order.source_language, order.target_language, done)
                output = attempt.output_bytes(
                    TRANSLATIONS_FILENAME, JSON_MEDIA_TYPE, write_translations(translations)
                )
        finally:
            attempt.report_usage(with_spending(meter.usage(len(data), 0), opened.spending))
        attempt.log.info(
            "segments_translated",
            segments=len(done),
            from_memory=sum(each.from_memory for each in done),
            routes=sorted({each.route for each in done if each.route}),
        )
        usage = with_spending(meter.usage(len(data), output.size_bytes), opened.spending)
        return Result(outputs=(output,), usage=usage)


def _read_part(data: bytes) -> SegmentsPart:
    try:
        return read_segments(data)
    except DamagedPartError as error:
        raise StepFailure(FailureReason.INPUT_DAMAGED) from error


def _translate(work: _Work) -> tuple[SegmentTranslation, ...]:
    order, opened, attempt = work.order, work.opened, work.attempt
    translator = SegmentTranslator(
        opened.chain,
        order.source_language,
        order.target_language,
        attempt.cancellation.raise_if_requested,
        opened.glossary,
    )
    total = sum(characters_of(segment) for segment in work.segments)
    done_characters = 0

    def report() -> None:
        unit = progress_pb2.PROGRESS_UNIT_CHARACTERS
        attempt.report_progress(unit, done_characters, total, STAGE)

    report()
    parts = list(_parts(work.segments))
    checkpoints = attempt.checkpoints(_basis(work)) if len(parts) > 1 else None
    memory, known = _recall(work)
    done: list[SegmentTranslation] = []
    try:
        for index, part in enumerate(parts):
            kept = _kept(checkpoints, index, part, order)
            if kept is None:
                kept = _translate_part(translator, part, known)
                _keep(checkpoints, index, kept, order)
            done += kept
            attempt.cancellation.raise_if_requested()
            done_characters += sum(characters_of(segment) for segment in part)
            report()
    finally:
        # Also what an attempt has done that is stopped: the next one need not.
        if memory is not None:
            memory.remember({each.segment_id: each for each in work.segments}, done)
    return tuple(done)


def _recall(
    work: _Work,
) -> tuple[SegmentMemory | None, Mapping[str, SegmentTranslation]]:
    if work.order.settings.options.without_memory:
        return None, {}
    memory = SegmentMemory(work.attempt, work.opened.facts())
    return memory, memory.recall(work.segments)


def _translate_part(
    translator: SegmentTranslator,
    part: Sequence[Segment],
    known: Mapping[str, SegmentTranslation],
) -> list[SegmentTranslation]:
    fresh = iter(translator.translate([each for each in part if each.segment_id not in known]))
    return [known.get(each.segment_id) or next(fresh) for each in part]


def _parts(segments: Sequence[Segment]) -> Iterator[list[Segment]]:
    part: list[Segment] = []
    size = 0
    for segment in segments:
        part.append(segment)
        size += characters_of(segment)
        if size >= PART_CHARACTERS:
            yield part
            part, size = [], 0
    if part:
        yield part


def _basis(work: _Work) -> dict[str, object]:
    """Name all that a part's translation depends on."""
    digest = work.order.segments.digest
    return {
        "input": [digest.sha256, digest.size_bytes],
        "code": importlib.metadata.version("babelmill"),
        "part_characters": PART_CHARACTERS,
        **work.opened.facts(),
    }


def _kept(
    checkpoints: Checkpoints | None,
    index: int,
    part: Sequence[Segment],
    order: lease_pb2.TranslateSegmentsWork,
) -> list[SegmentTranslation] | None:
    data = checkpoints.get(_key(index)) if checkpoints is not None else None
    if data is None:
        return None
    try:
        kept = read_translations(data)
    except DamagedPartError:
        return None
    same = [each.segment_id for each in kept.segments] == [each.segment_id for each in part]
    return list(kept.segments) if same and kept.target_language == order.target_language else None


def _keep(
    checkpoints: Checkpoints | None,
    index: int,
    done: Sequence[SegmentTranslation],
    order: lease_pb2.TranslateSegmentsWork,
) -> None:
    if checkpoints is not None:
        part = TranslationsPart(order.source_language, order.target_language, tuple(done))
        checkpoints.put(_key(index), write_translations(part))


def _key(index: int) -> str:
    return f"part-{index:06d}"
