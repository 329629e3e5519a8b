"""An engine for tests, whose translations are a function of the sentence."""

from collections.abc import Callable, Sequence

from translation_worker.chain import Breakers, Chain, Chains
from translation_worker.engines.brief import NO_BRIEF, Brief
from translation_worker.engines.engine import (
    Engine,
    EngineCapabilities,
    LanguagePair,
    StopCheck,
)
from translation_worker.engines.registry import EngineRegistry
from translation_worker.routing import Hop, Route

PAIR = LanguagePair("en", "pt")
ROUTE = Route((Hop("scripted", PAIR),), 1.0)


class ScriptedEngine:
    """Translates by calling a function; remembers what it was asked."""

    name = "scripted"
    version = "1"
    description = "Does what a test says."
    capabilities = EngineCapabilities()

    def __init__(
        self, translate: Callable[[str], str | None], *, max_sentence_characters: int = 300
    ) -> None:
        self._translate = translate
        self.max_sentence_characters = max_sentence_characters
        self.asked: list[str] = []
        self.closed = False

    def direct_pairs(self) -> frozenset[LanguagePair]:
        return frozenset({PAIR})

    def translate(
        self,
        sentences: Sequence[str],
        pair: LanguagePair,
        stop: StopCheck,
        brief: Brief = NO_BRIEF,
    ) -> list[str | None]:
        results: list[str | None] = []
        for sentence in sentences:
            stop()
            self.asked.append(sentence)
            results.append(self._translate(sentence))
        return results

    def process_ids(self, pair: LanguagePair) -> tuple[int, ...]:
        return ()

    def close(self) -> None:
        self.closed = True


def scripted_chain(engine: Engine, *, route: Route = ROUTE, **others: Engine) -> Chain:
    """Return a chain of one route over these engines."""
    return Chain({engine.name: engine, **others}, (route,), NO_BRIEF, Breakers())


def scripted_chains(*engines: Engine) -> Chains:
    """Return the chains that these engines make."""
    return Chains(EngineRegistry(engines))
