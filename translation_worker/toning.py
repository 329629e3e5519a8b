"""Toning: one attempt at an adapt_tone step, from translations to the same in another tone.

What an engine has given its tone already is left as it is; the rules see to the rest. They are
shown words only: no tag, literal or term of the glossary can change.
"""

from collections.abc import Sequence
from dataclasses import replace

from babelmill.jobs.v1 import lease_pb2, progress_pb2
from babelmill.kit.worker.handler import Attempt, FailureReason, Result, StepFailure
from translation_worker.chain import Chains
from translation_worker.document import SegmentTranslation, content_of, plain_text
from translation_worker.document_json import (
    JSON_MEDIA_TYPE,
    MAX_PART_BYTES,
    DamagedPartError,
    read_segments,
    read_translations,
    write_translations,
)
from translation_worker.resource_usage import UsageMeter
from translation_worker.sentence_translation import Way
from translation_worker.tone_rules import ToneRules
from translation_worker.translating import TRANSLATIONS_FILENAME
from translation_worker.translation_brief import OpenedBrief, open_brief

TONE_ADAPTED = "tone_adapted"
STAGE = "tone"

# These are still in the source language.
_NOT_TRANSLATED = frozenset({Way.KEPT_SOURCE, Way.NOTHING_TO_DO})
_SEGMENTS_BETWEEN_REPORTS = 50


class AdaptTone:
    """Handler of adapt_tone."""

    def __init__(self, chains: Chains) -> None:
        self._chains = chains

    def run(self, work: lease_pb2.Work, attempt: Attempt) -> Result:
        """Adapt the translations of a chunk; the only output has the form of its input.

        Raises StepFailure UNSUPPORTED_TONE if there are no rules for a segment that needs them.
        """
        order = work.adapt_tone
        opened = open_brief(
            self._chains, order.source_language, order.target_language, order.settings, attempt
        )
        data = attempt.read_input(order.translations, MAX_PART_BYTES)
        segments = attempt.read_input(order.segments, MAX_PART_BYTES)
        meter = UsageMeter(lambda: ())
        try:
            with meter:
                try:
                    part, source = read_translations(data), read_segments(segments)
                except DamagedPartError as error:
                    raise StepFailure(FailureReason.INPUT_DAMAGED) from error
                if [each.segment_id for each in part.segments] != [
                    each.segment_id for each in source.segments
                ]:
                    raise StepFailure(FailureReason.INPUT_DAMAGED)
                done = _adapted(part.segments, order.target_language, opened, attempt)
                adapted = write_translations(replace(part, segments=tuple(done)))
                output = attempt.output_bytes(TRANSLATIONS_FILENAME, JSON_MEDIA_TYPE, adapted)
        finally:
            attempt.report_usage(meter.usage(len(data), 0))
        changed = sum(TONE_ADAPTED in each.notes for each in done)
        attempt.log.info("tone_adapted", segments=len(done), segments_changed=changed)
        return Result(outputs=(output,), usage=meter.usage(len(data), output.size_bytes))


def _adapted(
    translations: Sequence[SegmentTranslation],
    language: str,
    opened: OpenedBrief,
    attempt: Attempt,
) -> list[SegmentTranslation]:
    rules = ToneRules(language, opened.tone, opened.glossary)
    toned_routes = opened.chain.toned_routes
    done: list[SegmentTranslation] = []
    for index, translation in enumerate(translations):
        if index % _SEGMENTS_BETWEEN_REPORTS == 0:
            attempt.cancellation.raise_if_requested()
            unit = progress_pb2.PROGRESS_UNIT_STEPS
            attempt.report_progress(unit, index / len(translations), 1, STAGE)
        routes = set(translation.route.split("; "))
        if translation.way in _NOT_TRANSLATED or routes <= toned_routes:
            done.append(translation)
            continue
        content = content_of(
            [rules.adapt(part) if isinstance(part, str) else part for part in translation.content]
        )
        notes = translation.notes
        if plain_text(content) != plain_text(translation.content):
            notes = (*notes, TONE_ADAPTED)
        done.append(replace(translation, content=content, notes=notes))
    return done
