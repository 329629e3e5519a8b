"""Routing: the best way from one language to another through the engines at hand.

Pure: it knows pairs and a table of quality, and neither starts nor asks an engine. A direct pair
is not always the best one: English to Spanish by way of neural Portuguese scores 6 to 9 BLEU above
direct Apertium, because the hop between two close relatives loses little.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from translation_worker.engines.engine import LanguagePair

MAX_HOPS = 3

# Share of the meaning that a hop keeps, on a scale where the product over a route gives its
# BLEU / 100. Measured with sacrebleu on aligned software strings and handbook paragraphs:
# en-pt 55; en-es direct 33, by pt 39; en-ca direct 35, by pt 43; en-es-fr 16, en-pt-es-fr 20;
# es-en 32; pt-en 66.
_MEASURED: Mapping[tuple[str, LanguagePair], float] = {
    ("bergamot", LanguagePair("en", "pt")): 0.55,
    ("bergamot", LanguagePair("pt", "en")): 0.66,
    ("apertium", LanguagePair("en", "es")): 0.33,
    ("apertium", LanguagePair("es", "en")): 0.32,
    ("apertium", LanguagePair("en", "ca")): 0.35,
    ("apertium", LanguagePair("pt", "es")): 0.70,
    ("apertium", LanguagePair("pt", "ca")): 0.78,
    ("apertium", LanguagePair("es", "fr")): 0.51,
}

# Estimates for what was not measured: rule-based translation keeps far more between relatives.
_RELATED = 0.60
_UNRELATED = 0.30

_FAMILIES: tuple[frozenset[str], ...] = (
    frozenset({"an", "ast", "ca", "es", "fr", "frp", "gl", "it", "oc", "pt", "ro", "sc"}),
    frozenset({"da", "is", "nb", "nn", "sv"}),
    frozenset({"af", "nl"}),
    frozenset({"be", "ru", "uk"}),
    frozenset({"bg", "mk", "sh", "sl"}),
    frozenset({"pl", "szl"}),
    frozenset({"id", "ms"}),
    frozenset({"hi", "ur"}),
)


@dataclass(frozen=True)
class Hop:
    """One engine's part of a route."""

    engine: str
    pair: LanguagePair


@dataclass(frozen=True)
class Route:
    """Hops to take in order, and the quality to expect of them all together."""

    hops: tuple[Hop, ...]
    quality: float

    def __str__(self) -> str:
        legs = [f"{hop.pair.source} -{hop.engine}-> " for hop in self.hops]
        return "".join([*legs, self.hops[-1].pair.target])


class Routes:
    """The best route for every pair that can be reached in MAX_HOPS hops."""

    def __init__(self, direct_pairs: Mapping[str, Iterable[LanguagePair]]) -> None:
        """Work out all routes from the pairs that each engine translates directly."""
        hops = [
            Hop(engine, pair) for engine, pairs in direct_pairs.items() for pair in sorted(pairs)
        ]
        self._routes = _best_routes(hops)
        self._by_engine = {
            engine: _best_routes([hop for hop in hops if hop.engine == engine])
            for engine in direct_pairs
        }

    def find(self, source: str, target: str, engine: str = "") -> Route | None:
        """Return the best route, with no engine but the named one if a name is given.

        A tag with a region or script that has no route of its own takes its language's: pt-BR
        goes to pt.
        """
        table = self._by_engine.get(engine, {}) if engine else self._routes
        for wanted in (
            LanguagePair(source.lower(), target.lower()),
            LanguagePair(_language(source), _language(target)),
        ):
            if wanted in table:
                return table[wanted]
        return None

    def all(self, engine: str = "") -> dict[LanguagePair, Route]:
        """Return every route, ordered by pair."""
        return dict(sorted((self._by_engine.get(engine, {}) if engine else self._routes).items()))


def hop_quality(hop: Hop) -> float:
    """Return the measured quality of a hop, or an estimate."""
    measured = _MEASURED.get((hop.engine, hop.pair))
    if measured is not None:
        return measured
    ends = {hop.pair.source, hop.pair.target}
    return _RELATED if any(ends <= family for family in _FAMILIES) else _UNRELATED


def _best_routes(hops: Iterable[Hop]) -> dict[LanguagePair, Route]:
    single = [Route((hop,), hop_quality(hop)) for hop in hops]
    best: dict[LanguagePair, Route] = {}
    paths = single
    for length in range(1, MAX_HOPS + 1):
        for route in paths:
            pair = LanguagePair(route.hops[0].pair.source, route.hops[-1].pair.target)
            if pair not in best or _rank(route) < _rank(best[pair]):
                best[pair] = route
        if length < MAX_HOPS:
            paths = [
                Route((*route.hops, *step.hops), route.quality * step.quality)
                for route in paths
                for step in single
                if step.hops[0].pair.source == route.hops[-1].pair.target
                and step.hops[0].pair.target not in _visited(route)
            ]
    return best


def _visited(route: Route) -> set[str]:
    return {route.hops[0].pair.source, *(hop.pair.target for hop in route.hops)}


def _rank(route: Route) -> tuple[float, int, str]:
    """Order routes: better first, then shorter, then by name so that ties are stable."""
    return (-round(route.quality, 6), len(route.hops), str(route))


def _language(tag: str) -> str:
    return tag.replace("_", "-").split("-", 1)[0].lower()
