"""Sentence translation: takes sentences along a route, by the best way that keeps them whole.

Five ways, each for the sentences on which the one before has failed:

1. literals masked, everything else translated;
2. tags left out, and set around the translation of their words;
3. masked in other words, numbers and marks too;
4. cut at the literals, the parts between them translated alone;
5. the source is kept, and reported.

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
from translation_worker.tag_projection import (
    encloses_the_same,
    project,
    simple_pairs,
    without_tags,
)
from translation_worker.typography import Adapted, adapt
from translation_worker.verification import find_faults


class Way(StrEnum):
    """How a sentence was translated."""

    MASKED = "masked"
    PROJECTED = "projected"
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
        for try_way in (self._masked, self._projected, self._remasked, self._split):
            waiting = [index for index, result in enumerate(results) if result is None]
            if not waiting:
                break
            tried = try_way([sentences[index] for index in waiting])
            for index, result in zip(waiting, tried, strict=True):
                results[index] = result
        return [
            result or Translated(sentence, Way.KEPT_SOURCE)
            for sentence, result in zip(sentences, results, strict=True)
        ]

    def _masked(self, sentences: Sequence[str]) -> list[Translated | None]:
        return self._translate_masked(sentences, Way.MASKED, 0)

    def _remasked(self, sentences: Sequence[str]) -> list[Translated | None]:
        return self._translate_masked(sentences, Way.REMASKED, 1)

    def _translate_masked(
        self, sentences: Sequence[str], way: Way, style: int
    ) -> list[Translated | None]:
        results: list[Translated | None] = [None] * len(sentences)
        prepared = [self._prepare(sentence, style) for sentence in sentences]
        asked = [index for index, each in enumerate(prepared) if each.masked.has_words]
        answers = self._along_route([prepared[index].adapted.text for index in asked])
        misplaced = self._misplaced([prepared[index] for index in asked], answers)
        for index, answer, is_misplaced in zip(asked, answers, misplaced, strict=True):
            if answer is not None and not is_misplaced:
                text = prepared[index].finish(answer, self._target_language)
                results[index] = None if text is None else Translated(text, way)
        if style == 0:
            for index in set(range(len(sentences))) - set(asked):
                results[index] = Translated(sentences[index], Way.NOTHING_TO_DO)
        return results

    def _misplaced(
        self, prepared: Sequence[_Prepared], answers: Sequence[str | None]
    ) -> list[bool]:
        """Tell for each answer whether the words of some pair of tags have left it."""
        inner: list[str] = []
        found: list[tuple[int, str]] = []
        for index, (each, answer) in enumerate(zip(prepared, answers, strict=True)):
            sources = each.masked.enclosed(each.masked.text)
            targets = each.masked.enclosed(answer or "")
            if len(sources) == len(targets):
                inner += sources
                found += [(index, target) for target in targets]
        misplaced = [False] * len(prepared)
        expected = self._plain(inner)
        for text, (index, target) in zip(expected, found, strict=True):
            if text is not None and not encloses_the_same(text, target):
                misplaced[index] = True
        return misplaced

    def _projected(self, sentences: Sequence[str]) -> list[Translated | None]:
        """Translate without tags and set them around the words that they belong to."""
        results: list[Translated | None] = [None] * len(sentences)
        for index, sentence in enumerate(sentences):
            spans = find_spans(sentence, self._source_language)
            pairs = simple_pairs(sentence, spans)
            if pairs is None:
                continue
            (whole,) = self._masked([without_tags(sentence, spans)])
            inner = self._plain([pair.inner for pair in pairs])
            known = [text for text in inner if text is not None]
            if whole is None or len(known) < len(inner):
                continue
            text = project(whole.text, pairs, known)
            literals = [sentence[span.start : span.end] for span in spans]
            if text is not None and all(literal in text for literal in literals):
                results[index] = Translated(text, Way.PROJECTED)
        return results

    def _split(self, sentences: Sequence[str]) -> list[Translated | None]:
        """Translate what lies between literals, each part alone."""
        results: list[Translated | None] = []
        for sentence in sentences:
            spans = find_spans(sentence, self._source_language, thorough=True)
            runs = split_around(sentence, spans)
            parts = iter(self._plain([text for text, literal in runs if not literal]))
            done = [text if literal else next(parts) for text, literal in runs]
            whole = [text for text in done if text is not None]
            complete = len(whole) == len(done)
            results.append(Translated("".join(whole), Way.SPLIT) if complete else None)
        return results

    def _plain(self, texts: Sequence[str]) -> list[str | None]:
        """Translate texts without literals; the space around them stays, None is a failure."""
        results: list[str | None] = list(texts)
        asked: list[int] = []
        prepared: list[_Prepared] = []
        for index, text in enumerate(texts):
            if any(character.isalpha() for character in text):
                left, right = len(text) - len(text.lstrip()), len(text.rstrip())
                masked = mask(text[left:right], ())
                adapted = adapt(masked.text, masked.token_pattern())
                asked.append(index)
                prepared.append(_Prepared(text[:left], masked, adapted, text[right:]))
        answers = self._along_route([each.adapted.text for each in prepared])
        for index, each, answer in zip(asked, prepared, answers, strict=True):
            finished = None if answer is None else each.finish(answer, self._target_language)
            results[index] = finished
        return results

    def _prepare(self, sentence: str, style: int) -> _Prepared:
        spans = find_spans(sentence, self._source_language, thorough=style > 0)
        start, end, inner = _without_edges(sentence, spans)
        core = [Span(span.start - start, span.end - start, span.kind) for span in inner]
        masked = mask(sentence[start:end], core, style=style)
        adapted = adapt(masked.text, masked.token_pattern())
        return _Prepared(sentence[:start], masked, adapted, sentence[end:])

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
