"""Segment translation: the segments of a document into one language, tags and all.

A segment is flattened to tagged text, cut into sentences, translated by the ways of
`sentence_translation`, and parsed back. If its tags do not come back whole, the words between
them are translated run by run, where no tag can move. What stays in the source language is
flagged; nothing is lost silently.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from translation_worker.chain import Chain
from translation_worker.document import (
    Content,
    Segment,
    SegmentTranslation,
    content_of,
    plain_text,
)
from translation_worker.engines.brief import Term
from translation_worker.engines.engine import StopCheck
from translation_worker.glossary import Glossary
from translation_worker.protection import find_spans, without_literals
from translation_worker.segmentation import Piece, segment
from translation_worker.sentence_translation import SentenceTranslator, Translated, Way, join
from translation_worker.tagged_text import flatten

GLOSSARY_TERM_MISSED = "glossary_term_missed"
TOO_LONG = "too_long"

# As much as a checkpoint saves: about ten megabytes of sentences of average length.
MAX_REMEMBERED_SENTENCES = 20_000
# From the best to the worst, as they are tried; where there is nothing to do, nothing is worse.
_RANKS = {**{way: rank for rank, way in enumerate(Way, 1)}, Way.NOTHING_TO_DO: 0}


@dataclass(frozen=True)
class _Cut:
    """A text in pieces."""

    pieces: tuple[Piece, ...]

    def sentences(self) -> Iterable[str]:
        return (piece.flat for piece in self.pieces if piece.translatable)


class SegmentTranslator:
    """Translates segments through one chain; remembers the sentences that it has done."""

    def __init__(
        self,
        chain: Chain,
        source_language: str,
        target_language: str,
        stop: StopCheck,
        glossary: Glossary | None = None,
    ) -> None:
        self._source_language = source_language
        self._stop = stop
        self._glossary = glossary or Glossary(())
        self._whole_segments = chain.whole_segments
        put_in = Glossary(()) if chain.keeps_glossary else self._glossary
        self._sentences = SentenceTranslator(chain, source_language, target_language, stop, put_in)
        self._remembered: dict[str, Translated] = {}

    def translate(self, segments: Sequence[Segment]) -> list[SegmentTranslation]:
        """Translate each segment; the results are in the same order.

        Raises EngineError and StepFailure as the chain does, and what `stop` raises.
        """
        contents = dict.fromkeys(each.content for each in segments)
        whole = self._whole(list(contents))
        torn = [content for content, result in zip(contents, whole, strict=True) if result is None]
        mended = iter(self._by_runs(torn))
        done = {
            content: next(mended) if result is None else result
            for content, result in zip(contents, whole, strict=True)
        }
        return [self._finished(each, *done[each.content]) for each in segments]

    def _whole(self, contents: Sequence[Content]) -> list[tuple[Content, Translated] | None]:
        """Translate with the tags among the words; None where they did not come back whole."""
        flattened = [flatten(content) for content in contents]
        joined = self._texts([each.text for each in flattened])
        results: list[tuple[Content, Translated] | None] = []
        for each, translated in zip(flattened, joined, strict=True):
            content = each.parse(translated.text)
            results.append(None if content is None else (content, translated))
        return results

    def _by_runs(self, contents: Sequence[Content]) -> list[tuple[Content, Translated]]:
        """Translate what lies between tags, each run alone."""
        runs = [part for content in contents for part in content if isinstance(part, str)]
        answers = iter(self._texts(runs))
        results: list[tuple[Content, Translated]] = []
        for content in contents:
            parts = [next(answers) if isinstance(part, str) else part for part in content]
            told = [part for part in parts if isinstance(part, Translated)]
            way = worst([Way.SPLIT, *(part.way for part in told)])
            words = [part.text if isinstance(part, Translated) else part for part in parts]
            results.append((content_of(words), join(told, way)))
        return results

    def _texts(self, texts: Sequence[str]) -> list[Translated]:
        """Translate texts sentence by sentence, each sentence once."""
        cuts = [self._cut(text) for text in texts]
        wanted = dict.fromkeys(sentence for cut in cuts for sentence in cut.sentences())
        missing = [sentence for sentence in wanted if sentence not in self._remembered]
        if len(self._remembered) + len(missing) > MAX_REMEMBERED_SENTENCES:
            self._remembered.clear()
            missing = list(wanted)
        answers = self._sentences.translate(missing)
        self._remembered.update(zip(missing, answers, strict=True))
        return [self._joined(cut) for cut in cuts]

    def _cut(self, text: str) -> _Cut:
        pieces = segment(
            text, self._source_language, self._find_literals, whole=self._whole_segments
        )
        return _Cut(tuple(pieces))

    def _joined(self, cut: _Cut) -> Translated:
        parts: list[Translated] = []
        for piece in cut.pieces:
            if piece.translatable:
                done = self._remembered[piece.flat]
                text = piece.rebuild(done.text, self._find_literals)
                parts.append(Translated(text, done.way, done.route, done.confidence))
            else:
                parts.append(Translated(piece.text, Way.NOTHING_TO_DO))
        return join(parts, worst(part.way for part in parts))

    def _find_literals(self, line: str) -> list[tuple[int, int]]:
        self._stop()
        return [(span.start, span.end) for span in find_spans(line, self._source_language)]

    def _finished(
        self, source: Segment, content: Content, translated: Translated
    ) -> SegmentTranslation:
        notes: list[str] = []
        words = plain_text(content)
        if missed_terms(self._glossary, source.content, content, self._source_language):
            notes.append(GLOSSARY_TERM_MISSED)
        if source.max_characters is not None and len(words) > source.max_characters:
            notes.append(TOO_LONG)
        return SegmentTranslation(
            source.segment_id,
            content,
            translated.way,
            translated.route,
            confidence=translated.confidence,
            notes=tuple(notes),
        )


def missed_terms(
    glossary: Glossary, source: Content, translated: Content, source_language: str
) -> list[Term]:
    """Return the terms that a translation has missed; what is in a literal is no term."""
    words = plain_text(source)
    if not glossary.find(words):
        return []
    return glossary.missed(without_literals(words, source_language), plain_text(translated))


def worst(ways: Iterable[Way]) -> Way:
    """Return the worst of some ways; there is nothing to do where there are none."""
    return max(ways, key=_RANKS.__getitem__, default=Way.NOTHING_TO_DO)
