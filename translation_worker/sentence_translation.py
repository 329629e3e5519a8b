"""Sentence translation: takes sentences along a route, by the best way that keeps them whole.

Four ways, each for the sentences on which the one before has failed:

1. literals masked, everything else translated;
2. masked in other words, numbers and emphasis too;
3. cut at the literals, the parts between them translated alone;
4. the source is kept, and reported.

So no literal is ever lost, and nothing that looks wrong is passed on silently.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from translation_worker.engines.cutting import cut_at_clauses
from translation_worker.engines.engine import Engine, StopCheck
from translation_worker.placeholders import Masked, PlaceholderError, mask, split_around
from translation_worker.protection import Span, SpanKind, find_spans
from translation_worker.routing import Route
from translation_worker.typography import Adapted, adapt
from translation_worker.verification import find_faults


class Way(StrEnum):
    """How a sentence was translated."""

    MASKED = "masked"
    REMASKED = "remasked"
    SPLIT = "split"
    KEPT_SOURCE = "kept_source"
    NOTHING_TO_DO = "nothing_to_do"


@dataclass(frozen=True)
class Translated:
    """A sentence in the target language, and how it came to be."""

    text: str
    way: Way


@dataclass(frozen=True)
class _Prepared:
    """A sentence on its way to an engine."""

    lead: str
    masked: Masked
    adapted: Adapted
    tail: str

    def finish(self, translated: str, target_language: str) -> str | None:
        """Return the finished sentence, or None if the translation cannot be trusted."""
        restored = self.adapted.restore(translated, target_language)
        # Bare of placeholders, whose digits and length would mislead.
        bare = self.masked.without_placeholders
        if find_faults(bare(self.masked.text), bare(restored)):
            return None
        try:
            return f"{self.lead}{self.masked.unmask(restored)}{self.tail}"
        except PlaceholderError:
            return None


class SentenceTranslator:
    """Translates sentences of one language into another along one route."""

    def __init__(
        self, engines: Mapping[str, Engine], route: Route, source_language: str, stop: StopCheck
    ) -> None:
        self._engines = engines
        self._route = route
        self._source_language = source_language
        self._target_language = route.hops[-1].pair.target
        self._stop = stop

    def translate(self, sentences: Sequence[str]) -> list[Translated]:
        """Translate each sentence; the results are in the same order.

        Raises EngineError if an engine fails altogether, and what `stop` raises.
        """
        results: list[Translated | None] = [None] * len(sentences)
        for way, style in ((Way.MASKED, 0), (Way.REMASKED, 1)):
            self._translate_masked(sentences, results, way, style)
        for index, sentence in enumerate(sentences):
            if results[index] is None:
                text = self._translate_between_literals(sentence)
                results[index] = (
                    Translated(sentence, Way.KEPT_SOURCE)
                    if text is None
                    else Translated(text, Way.SPLIT)
                )
        return [result for result in results if result is not None]

    def _translate_masked(
        self, sentences: Sequence[str], results: list[Translated | None], way: Way, style: int
    ) -> None:
        waiting: list[int] = []
        prepared: list[_Prepared] = []
        for index, sentence in enumerate(sentences):
            if results[index] is not None:
                continue
            candidate = self._prepare(sentence, style)
            if candidate.masked.has_words:
                waiting.append(index)
                prepared.append(candidate)
            else:
                nothing = style == 0
                results[index] = Translated(sentence, Way.NOTHING_TO_DO) if nothing else None
        answers = self._along_route([candidate.adapted.text for candidate in prepared])
        for index, candidate, answer in zip(waiting, prepared, answers, strict=True):
            text = None if answer is None else candidate.finish(answer, self._target_language)
            if text is not None:
                results[index] = Translated(text, way)

    def _prepare(self, sentence: str, style: int) -> _Prepared:
        spans = find_spans(sentence, self._source_language, thorough=style > 0)
        start, end, inner = _without_edges(sentence, spans)
        core = [Span(span.start - start, span.end - start, span.kind) for span in inner]
        masked = mask(sentence[start:end], core, style=style)
        adapted = adapt(masked.text, masked.token_pattern())
        return _Prepared(sentence[:start], masked, adapted, sentence[end:])

    def _translate_between_literals(self, sentence: str) -> str | None:
        """Translate what lies between literals, each part alone; None if a part fails."""
        spans = find_spans(sentence, self._source_language, thorough=True)
        runs = split_around(sentence, spans)
        parts = [
            index
            for index, (text, literal) in enumerate(runs)
            if not literal and any(character.isalpha() for character in text)
        ]
        finished = [text for text, _ in runs]
        prepared: list[_Prepared] = []
        for index in parts:
            text = finished[index]
            left = len(text) - len(text.lstrip())
            right = len(text.rstrip())
            masked = mask(text[left:right], ())
            adapted = adapt(masked.text, masked.token_pattern())
            prepared.append(_Prepared(text[:left], masked, adapted, text[right:]))
        answers = self._along_route([part.adapted.text for part in prepared])
        for index, part, answer in zip(parts, prepared, answers, strict=True):
            text_or_none = None if answer is None else part.finish(answer, self._target_language)
            if text_or_none is None:
                return None
            finished[index] = text_or_none
        return "".join(finished)

    def _along_route(self, sentences: Sequence[str]) -> list[str | None]:
        current: list[str | None] = list(sentences)
        for hop in self._route.hops:
            engine = self._engines[hop.engine]
            limit = engine.max_sentence_characters
            # A sentence may grow on its way past what the next engine takes.
            parts = [[] if text is None else cut_at_clauses(text, limit) for text in current]
            flat = [part for group in parts for part in group]
            answers = iter(engine.translate(flat, hop.pair, self._stop) if flat else [])
            for index, group in enumerate(parts):
                done = [next(answers) for _ in group]
                whole = [answer for answer in done if answer is not None]
                current[index] = " ".join(whole) if whole and len(whole) == len(group) else None
        return current


def _without_edges(sentence: str, spans: Sequence[Span]) -> tuple[int, int, list[Span]]:
    """Leave out the literals at either end that an engine gains nothing from.

    Those are a pair of tags around everything, single tags, and symbols; a variable at the
    beginning is often the subject and stays.
    """
    start, end = 0, len(sentence)
    inner = list(spans)
    while inner:
        first, last = inner[0], inner[-1]
        at_start = not sentence[start : first.start].strip()
        at_end = not sentence[last.end : end].strip()
        if at_start and at_end and len(inner) > 1 and _are_partners(inner):
            start, end = first.end, last.start
            inner = inner[1:-1]
        elif at_start and _is_mute(sentence, first) and first.kind is not SpanKind.OPENING:
            start = first.end
            inner = inner[1:]
        elif at_end and _is_mute(sentence, last) and last.kind is SpanKind.LITERAL:
            end = last.start
            inner = inner[:-1]
        else:
            break
    core = sentence[start:end]
    if not core.strip():
        return 0, len(sentence), list(spans)
    return (
        start + len(core) - len(core.lstrip()),
        start + len(core.rstrip()),
        inner,
    )


def _are_partners(spans: Sequence[Span]) -> bool:
    """Tell whether the last of these closes what the first opens."""
    depth = 0
    for index, span in enumerate(spans):
        depth += {SpanKind.OPENING: 1, SpanKind.CLOSING: -1, SpanKind.LITERAL: 0}[span.kind]
        if depth == 0:
            return index == len(spans) - 1 and index > 0
    return False


def _is_mute(sentence: str, span: Span) -> bool:
    """Tell whether a literal is a tag, or has neither letter nor digit."""
    text = sentence[span.start : span.end]
    is_tag = text.startswith("<") and text.endswith(">")
    return is_tag or not any(character.isalnum() for character in text)
