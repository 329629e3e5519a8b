"""Document report: what became of every segment of a document, for people and programs.

It counts, and names segments by their ids and places. Of the document's words it holds none but
terms of the client's own glossary and, for records, the named entities that are asked for.
"""

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from translation_worker.document import Segment, SegmentTranslation, plain_text
from translation_worker.formats.codec import Written
from translation_worker.glossary import Glossary
from translation_worker.protection import without_literals
from translation_worker.sentence_translation import Way

# Enough to find the trouble; a document of nothing but trouble shall not have a report of its size.
MAX_LISTED_SEGMENTS = 1000
# Below this an engine itself doubts what it gave.
LOW_CONFIDENCE = 0.5


@dataclass(frozen=True, kw_only=True)
class DocumentReport:
    """All that a report is made of."""

    format: str
    source_language: str
    target_language: str
    pairs: Sequence[tuple[Segment, SegmentTranslation]]
    written: Written
    glossary: Glossary
    more: Mapping[str, object] = field(default_factory=dict)

    def to_json(self) -> bytes:
        """Return the report as JSON, UTF-8, with a line end."""
        document: dict[str, object] = {
            "format": self.format,
            "source_language": self.source_language,
            "target_language": self.target_language,
            "segments": self._counts(),
            "routes": dict(sorted(Counter(self._routes()).items())),
            "kept_source": self._listed(
                pair for pair in self.pairs if pair[1].way == Way.KEPT_SOURCE
            ),
            "low_confidence": self._listed(
                pair
                for pair in self.pairs
                if pair[1].confidence is not None and pair[1].confidence < LOW_CONFIDENCE
            ),
            "notes": {
                note: self._listed(pair for pair in self.pairs if note in pair[1].notes)
                for note in sorted({note for _, each in self.pairs for note in each.notes})
            },
            "writing": dict(sorted(self.written.notes.items())),
            **self.more,
        }
        if self.written.layout is not None:
            document["layout"] = self.written.layout
        if self.glossary:
            document["glossary"] = self._terms()
        return (json.dumps(document, indent=2) + "\n").encode()

    def _counts(self) -> dict[str, int]:
        ways = Counter(each.way for _, each in self.pairs)
        from_memory = sum(each.from_memory for _, each in self.pairs)
        return {
            "total": len(self.pairs),
            "from_memory": from_memory,
            **{way.value: ways[way] for way in Way},
        }

    def _routes(self) -> Iterable[str]:
        return (each.route for _, each in self.pairs if each.route)

    @staticmethod
    def _listed(
        pairs: Iterable[tuple[Segment, SegmentTranslation]],
    ) -> list[dict[str, str]]:
        """Name segments by their ids and what they are."""
        listed: list[dict[str, str]] = []
        for segment, _ in pairs:
            if len(listed) == MAX_LISTED_SEGMENTS:
                break
            listed.append({"id": segment.segment_id, "context": segment.context})
        return listed

    def _terms(self) -> list[dict[str, object]]:
        """Tell of each term that was found how often it was kept to."""
        found: Counter[tuple[str, str]] = Counter()
        missed: Counter[tuple[str, str]] = Counter()
        for segment, translation in self.pairs:
            source, translated = plain_text(segment.content), plain_text(translation.content)
            if not self.glossary.find(source):
                continue
            # What is in a literal is no term.
            words = without_literals(source, self.source_language)
            spots, terms = self.glossary.find(words), self.glossary.missed(words, translated)
            found.update((spot.term.source, spot.term.target) for spot in spots)
            missed.update((term.source, term.target) for term in terms)
        return [
            {
                "source": term[0],
                "target": term[1] or term[0],
                "met": count - missed[term],
                "missed": missed[term],
            }
            for term, count in sorted(found.items())
        ]
