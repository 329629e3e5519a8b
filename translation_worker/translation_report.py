"""Translation report: what did not go the plain way, for people and programs.

It holds counts, line numbers and the route, never the text itself.
"""

import json
from collections import Counter
from dataclasses import dataclass, field

from translation_worker.chain import Chain
from translation_worker.sentence_translation import Way

# Enough to find the trouble; a text of nothing but trouble shall not have a report of its size.
MAX_LISTED_LINES = 1000


@dataclass
class TranslationReport:
    """Counts over one text."""

    source_language: str
    target_language: str
    ways: Counter[Way] = field(default_factory=Counter)
    routes: Counter[str] = field(default_factory=Counter)
    lines: dict[Way, list[int]] = field(default_factory=dict)

    def count(self, way: Way, route: str, line: int) -> None:
        """Count a sentence that begins in this line of the source, from 1."""
        self.ways[way] += 1
        if route:
            self.routes[route] += 1
        if way not in (Way.MASKED, Way.NOTHING_TO_DO):
            listed = self.lines.setdefault(way, [])
            if len(listed) < MAX_LISTED_LINES:
                listed.append(line)

    @property
    def is_worth_telling(self) -> bool:
        """Tell whether any sentence needed a fallback or was kept."""
        return any(
            self.ways[way] for way in (Way.PROJECTED, Way.REMASKED, Way.SPLIT, Way.KEPT_SOURCE)
        )

    def to_json(self, chain: Chain) -> bytes:
        """Return the report as JSON, UTF-8, with a line end."""
        document = {
            "source_language": self.source_language,
            "target_language": self.target_language,
            "engines": engine_versions(chain),
            "routes": dict(sorted(self.routes.items())),
            "sentences": {
                "total": self.ways.total(),
                "masked": self.ways[Way.MASKED],
                "projected": self.ways[Way.PROJECTED],
                "remasked": self.ways[Way.REMASKED],
                "split": self.ways[Way.SPLIT],
                "kept_source": self.ways[Way.KEPT_SOURCE],
                "nothing_to_translate": self.ways[Way.NOTHING_TO_DO],
            },
            "projected_lines": self.lines.get(Way.PROJECTED, []),
            "remasked_lines": self.lines.get(Way.REMASKED, []),
            "split_lines": self.lines.get(Way.SPLIT, []),
            "kept_source_lines": self.lines.get(Way.KEPT_SOURCE, []),
        }
        return (json.dumps(document, indent=2) + "\n").encode()


def engine_versions(chain: Chain) -> dict[str, str]:
    """Return the version of each engine that a chain may use."""
    routes = chain.facts()["routes"]
    return {
        engine: version
        for hops in (routes if isinstance(routes, list) else [])
        for engine, version, _ in hops
    }
