"""Segment memory: translations that the tenant already has, found by all they depend on.

A key is a digest of a segment's content and of every fact that its translation rests on: engines
and versions, routes, tone, glossary, the code. So a changed document asks its engines for changed
segments only, and nothing old comes back when anything else has changed.
"""

import hashlib
import importlib.metadata
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from babelmill.kit.worker.handler import Attempt
from translation_worker.document import Segment, SegmentTranslation
from translation_worker.document_json import (
    DamagedPartError,
    content_row,
    translation_facts,
    translation_from_facts,
)
from translation_worker.sentence_translation import Way
from translation_worker.tagged_text import keeps_tags

MAX_ENTRIES = 1000
"""How many entries one call recalls or remembers."""

MAX_VALUE_BYTES = 64 * 1024

# Worth no memory: it is not from an engine, or another attempt may do better.
_NOT_KEPT = frozenset({Way.NOTHING_TO_DO, Way.KEPT_SOURCE})


class SegmentMemory:
    """The memory that one attempt sees; `facts` are what all its translations depend on."""

    def __init__(self, attempt: Attempt, facts: Mapping[str, object]) -> None:
        whole = {"code": importlib.metadata.version("babelmill"), **facts}
        self._attempt = attempt
        self._basis = hashlib.sha256(json.dumps(whole, sort_keys=True).encode()).digest()

    def recall(self, segments: Sequence[Segment]) -> dict[str, SegmentTranslation]:
        """Return what is known of these segments, by their ids."""
        keys = {each.segment_id: self._key(each) for each in segments}
        values: dict[bytes, bytes] = {}
        for batch in _batches(list(dict.fromkeys(keys.values()))):
            values |= self._attempt.recall_segments(batch)
        found = ((each, values.get(keys[each.segment_id])) for each in segments)
        known = (_read(value, each) for each, value in found if value is not None)
        return {each.segment_id: each for each in known if each is not None}

    def remember(self, segments: Mapping[str, Segment], done: Iterable[SegmentTranslation]) -> None:
        """Keep new translations of these segments, which are given by their ids."""
        entries: dict[bytes, bytes] = {}
        for translation in done:
            if translation.from_memory or translation.way in _NOT_KEPT:
                continue
            value = json.dumps(translation_facts(translation)).encode()
            if len(value) <= MAX_VALUE_BYTES:
                entries[self._key(segments[translation.segment_id])] = value
        for keys in _batches(list(entries)):
            self._attempt.remember_segments({key: entries[key] for key in keys})

    def _key(self, segment: Segment) -> bytes:
        # With the length its place holds, as the notes tell of it.
        row = json.dumps([content_row(segment.content), segment.max_characters]).encode()
        return hashlib.sha256(self._basis + row).digest()


def _read(value: bytes, segment: Segment) -> SegmentTranslation | None:
    """Return a remembered translation; None if it is damaged or not of this segment."""
    try:
        translation = translation_from_facts(segment.segment_id, json.loads(value))
    except (DamagedPartError, ValueError, RecursionError):
        return None
    if not keeps_tags(segment.content, translation.content):
        return None
    return replace(translation, from_memory=True)


def _batches(keys: Sequence[bytes]) -> Iterable[Sequence[bytes]]:
    return (keys[start : start + MAX_ENTRIES] for start in range(0, len(keys), MAX_ENTRIES))
