"""Route quality: how much of the meaning each hop keeps, as measured, or else as estimated.

The scale is such that the product over a route gives its BLEU / 100. The measured figures are
data of this package, `route_quality.json`, which `bench/quality.py` writes:

    {"measured": [{"engine": "bergamot", "source": "en", "target": "pt", "quality": 0.55}]}

Other fields are for people.
"""

import functools
import importlib.resources
import json
from collections.abc import Mapping
from dataclasses import dataclass

from translation_worker.engines.engine import LanguagePair

# Estimates for what was not measured. Rule-based translation keeps far more between relatives.
_RELATED = 0.60
_UNRELATED = 0.30
# Large neural models, by the figures that their makers publish for close and distant pairs.
_BY_ENGINE: Mapping[str, float] = {
    "chat": 0.60,
    "deepl": 0.60,
    "libretranslate": 0.45,
    "ctranslate2": 0.45,
}

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


class MalformedQualityError(Exception):
    """The table of measured qualities is not as it should be."""


@dataclass(frozen=True)
class RouteQuality:
    """Measured qualities by engine and pair, and estimates for the others."""

    measured: Mapping[tuple[str, LanguagePair], float]

    def of(self, engine: str, pair: LanguagePair) -> float:
        """Return the quality of one hop, above 0 and at most 1."""
        measured = self.measured.get((engine, pair))
        if measured is not None:
            return measured
        if engine in _BY_ENGINE:
            return _BY_ENGINE[engine]
        ends = {pair.source, pair.target}
        return _RELATED if any(ends <= family for family in _FAMILIES) else _UNRELATED


def parse_quality(text: str) -> RouteQuality:
    """Read a table. Raises MalformedQualityError."""
    measured: dict[tuple[str, LanguagePair], float] = {}
    try:
        for row in json.loads(text)["measured"]:
            quality = float(row["quality"])
            if not 0 < quality <= 1:
                raise MalformedQualityError
            pair = LanguagePair(str(row["source"]), str(row["target"]))
            measured[str(row["engine"]), pair] = quality
    except (ValueError, TypeError, KeyError) as error:
        raise MalformedQualityError from error
    return RouteQuality(measured)


@functools.cache
def measured_quality() -> RouteQuality:
    """Return the table of this package, read once. Raises MalformedQualityError."""
    file = importlib.resources.files("translation_worker").joinpath("route_quality.json")
    return parse_quality(file.read_text(encoding="utf-8"))
