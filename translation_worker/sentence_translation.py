"""Sentence translation: takes sentences along a route, by the best way that keeps them whole.

Five ways, each for the sentences on which the one before has failed:

1. literals masked, everything else translated;
2. tags left out, and set around the translation of their words;
3. masked in other words, numbers and marks too;
4. cut at the literals, the parts between them translated alone;
5. the source is kept, and reported.

So no literal is ever lost, and nothing that looks wrong is passed on silently.
"""

import string
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from translation_worker.chain import Chain
from translation_worker.engines.engine import StopCheck
from translation_worker.glossary import Glossary
from translation_worker.placeholders import Masked, PlaceholderError, mask, split_around
from translation_worker.protection import Span, SpanKind, find_spans
from translation_worker.tag_projection import (
    encloses_the_same,
    project,
    simple_pairs,
    without_tags,
)
from translation_worker.typography import Adapted, adapt
from translation_worker.verification import find_faults

# What stands between words and the literals beside them.
_MARKS = string.punctuation + string.whitespace + "“”‘’«»…–—¿¡"  # noqa: RUF001 - marks of prose


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
    """A sentence in the target language, and how it came to be.

    `route` names engines and languages, empty if none was asked with success; `confidence` is the
    least that an engine told, from 0 to 1.
    """

    text: str
    way: Way
    route: str = ""
    confidence: float | None = None


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
    """Translates sentences of one language into another through one chain of engines."""

    def __init__(
        self,
        chain: Chain,
        source_language: str,
        target_language: str,
        stop: StopCheck,
        glossary: Glossary | None = None,
    ) -> None:
        """Make one; the terms of `glossary` are put in here, the chain is not told of them."""
        self._chain = chain
        self._source_language = source_language
        self._target_language = target_language
        self._stop = stop
        self._glossary = glossary or Glossary(())

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
        spans = [self._spans(sentence, thorough=style > 0) for sentence in sentences]
        prepared = [
            _prepare(sentence, found, style)
            for sentence, found in zip(sentences, spans, strict=True)
        ]
        asked = [index for index, each in enumerate(prepared) if each.masked.has_words]
        answers = self._ask([prepared[index].adapted.text for index in asked])
        misplaced = self._misplaced([prepared[index] for index in asked], answers)
        for index, answer, is_misplaced in zip(asked, answers, misplaced, strict=True):
            if answer is not None and not is_misplaced:
                text = prepared[index].finish(answer.text, self._target_language)
                results[index] = None if text is None else replace(answer, text=text, way=way)
        if style == 0:
            for index in set(range(len(sentences))) - set(asked):
                # Literals alone, of which some may be terms of the glossary.
                runs = split_around(sentences[index], spans[index])
                text = "".join(run for run, _ in runs)
                results[index] = Translated(text, Way.NOTHING_TO_DO)
        return results

    def _misplaced(
        self, prepared: Sequence[_Prepared], answers: Sequence[Translated | None]
    ) -> list[bool]:
        """Tell for each answer whether the words of some pair of tags have left it."""
        inner: list[str] = []
        found: list[tuple[int, str]] = []
        for index, (each, answer) in enumerate(zip(prepared, answers, strict=True)):
            sources = each.masked.enclosed(each.masked.text)
            targets = each.masked.enclosed("" if answer is None else answer.text)
            if len(sources) == len(targets):
                inner += sources
                found += [(index, target) for target in targets]
        misplaced = [False] * len(prepared)
        expected = self._plain(inner)
        for text, (index, target) in zip(expected, found, strict=True):
            if text is not None and not encloses_the_same(text.text, target):
                misplaced[index] = True
        return misplaced

    def _projected(self, sentences: Sequence[str]) -> list[Translated | None]:
        """Translate without tags and set them around the words that they belong to."""
        spans = [self._spans(sentence) for sentence in sentences]
        pairs = [simple_pairs(*each) for each in zip(sentences, spans, strict=True)]
        asked = [index for index, each in enumerate(pairs) if each is not None]
        wholes = self._masked([without_tags(sentences[index], spans[index]) for index in asked])
        inner = iter(self._plain([pair.inner for each in pairs for pair in each or ()]))
        results: list[Translated | None] = [None] * len(sentences)
        for index, whole in zip(asked, wholes, strict=True):
            own = pairs[index] or []
            parts = [next(inner) for _ in own]
            known = [part.text for part in parts if part is not None]
            if whole is None or len(known) < len(own):
                continue
            text = project(whole.text, own, known)
            literals = [span.literal(sentences[index]) for span in spans[index]]
            if text is not None and all(literal in text for literal in literals):
                results[index] = replace(whole, text=text, way=Way.PROJECTED)
        return results

    def _split(self, sentences: Sequence[str]) -> list[Translated | None]:
        """Translate what lies between literals, each part alone, without the marks around it."""
        runs = [
            [
                run
                for text, literal in split_around(sentence, self._spans(sentence, thorough=True))
                for run in ([(text, True)] if literal else _without_marks(text))
            ]
            for sentence in sentences
        ]
        parts = iter(self._plain([text for each in runs for text, literal in each if not literal]))
        results: list[Translated | None] = []
        for each in runs:
            done = [
                Translated(text, Way.NOTHING_TO_DO) if literal else next(parts)
                for text, literal in each
            ]
            whole = [part for part in done if part is not None]
            complete = len(whole) == len(done)
            results.append(join(whole, Way.SPLIT) if complete else None)
        return results

    def _plain(self, texts: Sequence[str]) -> list[Translated | None]:
        """Translate texts without literals; the space around them stays, None is a failure."""
        results: list[Translated | None] = [Translated(text, Way.NOTHING_TO_DO) for text in texts]
        asked: list[int] = []
        prepared: list[_Prepared] = []
        for index, text in enumerate(texts):
            if any(character.isalpha() for character in text):
                left, right = len(text) - len(text.lstrip()), len(text.rstrip())
                masked = mask(text[left:right], ())
                adapted = adapt(masked.text, masked.token_pattern())
                asked.append(index)
                prepared.append(_Prepared(text[:left], masked, adapted, text[right:]))
        answers = self._ask([each.adapted.text for each in prepared])
        for index, each, answer in zip(asked, prepared, answers, strict=True):
            results[index] = None
            if answer is not None:
                finished = each.finish(answer.text, self._target_language)
                results[index] = None if finished is None else replace(answer, text=finished)
        return results

    def _spans(self, sentence: str, *, thorough: bool = False) -> list[Span]:
        """Return literals and terms of the glossary; a term within a literal is none."""
        spans = find_spans(sentence, self._source_language, thorough=thorough)
        spots = self._glossary.find(sentence)
        if not spots:
            return spans
        terms = [
            Span(spot.start, spot.end, SpanKind.LITERAL, spot.words)
            for spot in spots
            if not any(span.start < spot.end and spot.start < span.end for span in spans)
        ]
        return sorted([*spans, *terms], key=lambda span: span.start)

    def _ask(self, sentences: Sequence[str]) -> list[Translated | None]:
        if not sentences:
            return []
        answers = self._chain.translate(sentences, self._stop)
        return [
            None
            if answer is None
            else Translated(answer.text, Way.MASKED, str(answer.route), answer.confidence)
            for answer in answers
        ]


def join(parts: Sequence[Translated], way: Way) -> Translated:
    """Return parts as one, with all their routes and the least confidence."""
    routes = dict.fromkeys(part.route for part in parts if part.route)
    known = [part.confidence for part in parts if part.confidence is not None]
    text = "".join(part.text for part in parts)
    return Translated(text, way, "; ".join(routes), min(known, default=None))


def _without_marks(text: str) -> list[tuple[str, bool]]:
    """Cut marks off that an engine may lose beside a literal, which would glue two words."""
    left = len(text) - len(text.lstrip(_MARKS))
    right = max(left, len(text.rstrip(_MARKS)))
    runs = [(text[:left], True), (text[left:right], False), (text[right:], True)]
    return [run for run in runs if run[0]]


def _prepare(sentence: str, spans: Sequence[Span], style: int) -> _Prepared:
    start, end, inner = _without_edges(sentence, spans)
    core = [replace(span, start=span.start - start, end=span.end - start) for span in inner]
    masked = mask(sentence[start:end], core, style=style)
    adapted = adapt(masked.text, masked.token_pattern())
    return _Prepared(sentence[:start], masked, adapted, sentence[end:])


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
