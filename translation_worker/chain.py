"""Chain: the routes to try for one piece of work, one after the other.

The next route takes over where one is away, over its limits or its budget, or cannot do a
sentence. Each answer tells the route that it came by.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import structlog

from babelmill.kit.wire.failure_reasons import FailureReason
from babelmill.kit.worker.outcome import StepFailure
from translation_worker.breaker import Breaker
from translation_worker.engines.brief import Brief, BudgetExceeded
from translation_worker.engines.cutting import cut_at_clauses
from translation_worker.engines.engine import (
    Engine,
    EngineBusyError,
    EngineCapabilities,
    EngineError,
    EngineQuotaError,
    EngineRefusedError,
    EngineUnavailableError,
    StopCheck,
    TellsConfidence,
)
from translation_worker.engines.registry import EngineRegistry
from translation_worker.routing import Hop, Route, Routes

MAX_BREAKERS = 256

_log = structlog.stdlib.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Answered:
    """A translation, the way that it took, and how sure the engines are of it, if they tell."""

    text: str
    route: Route
    confidence: float | None = None


@dataclass(frozen=True, slots=True)
class _Passing:
    """A sentence between two hops."""

    text: str
    confidence: float | None = None


class Breakers:
    """The breakers of one process, by engine and account."""

    def __init__(self) -> None:
        self._breakers: dict[tuple[str, str], Breaker] = {}

    def of(self, engine: Engine, brief: Brief) -> Breaker:
        """Return an engine's breaker; a chat API has one for each address and key."""
        account = ""
        if engine.capabilities.needs_chat_model and brief.chat_model is not None:
            model = brief.chat_model
            account = hashlib.sha256(f"{model.base_url}\0{model.api_key}".encode()).hexdigest()
        key = (engine.name, account)
        breaker = self._breakers.pop(key, None) or Breaker()
        # Last used, last in line; whoever is first has not failed for the longest time.
        self._breakers[key] = breaker
        while len(self._breakers) > MAX_BREAKERS:
            del self._breakers[next(iter(self._breakers))]
        return breaker


class Chain:
    """Routes in the order in which they are tried, with what the engines are told."""

    def __init__(
        self,
        engines: Mapping[str, Engine],
        routes: tuple[Route, ...],
        brief: Brief,
        breakers: Breakers,
    ) -> None:
        self.routes = routes
        self._engines = engines
        self._brief = brief
        self._breakers = breakers

    def translate(self, sentences: Sequence[str], stop: StopCheck) -> list[Answered | None]:
        """Translate each sentence; None stands for one that no route can do.

        Raises StepFailure if every route failed, and what `stop` raises.
        """
        results: list[Answered | None] = [None] * len(sentences)
        failures: list[EngineError | BudgetExceeded] = []
        for route in self.routes:
            waiting = [index for index, result in enumerate(results) if result is None]
            if not waiting:
                break
            try:
                answers = self._along(route, [sentences[index] for index in waiting], stop)
            except (EngineError, BudgetExceeded) as error:
                failures.append(error)
                _log.warning(
                    "route_failed",
                    route=str(route),
                    error_type=type(error).__name__,
                    is_last=route is self.routes[-1],
                )
                continue
            for index, answer in zip(waiting, answers, strict=True):
                if answer is not None:
                    results[index] = Answered(answer.text, route, answer.confidence)
        if failures and len(failures) == len(self.routes):
            raise _step_failure(failures) from failures[0]
        return results

    @property
    def whole_segments(self) -> bool:
        """Whether every route takes paragraphs as well as sentences."""
        return all(each.whole_segments for each in self._capabilities())

    @property
    def characters_per_second(self) -> float:
        """How fast the route that is tried first is, roughly, in one process."""
        speeds = (
            self._engines[hop.engine].capabilities.characters_per_second
            for hop in self.routes[0].hops
        )
        return 1 / sum(1 / speed for speed in speeds)

    @property
    def keeps_glossary(self) -> bool:
        """Whether every route keeps to the glossary by itself."""
        return all(each.keeps_glossary for each in self._capabilities())

    @property
    def sets_tone(self) -> bool:
        """Whether every route gives the tone by itself."""
        return all(each.sets_tone for each in self._capabilities())

    @property
    def toned_routes(self) -> frozenset[str]:
        """Routes, as answers name them, of which the last engine gives the tone by itself."""
        return frozenset(
            str(route)
            for route in self.routes
            if self._engines[route.hops[-1].engine].capabilities.sets_tone
        )

    def facts(self) -> dict[str, object]:
        """Return all that a translation depends on besides the sentence, ready for JSON.

        It holds no secret and not the words of the glossary, only their digest.
        """
        model = self._brief.chat_model
        uses_model = model is not None and any(
            self._engines[hop.engine].capabilities.needs_chat_model
            for route in self.routes
            for hop in route.hops
        )
        terms = sorted(
            (term.source, term.target, term.case_sensitive) for term in self._brief.glossary
        )
        return {
            "routes": [
                [[hop.engine, self._engines[hop.engine].version, str(hop.pair)] for hop in hops]
                for hops in (route.hops for route in self.routes)
            ],
            "tone": self._brief.tone,
            "domain": self._brief.domain,
            "glossary": hashlib.sha256(json.dumps(terms).encode()).hexdigest() if terms else "",
            "model": [model.base_url, model.model_name] if model and uses_model else [],
        }

    def process_ids(self) -> tuple[int, ...]:
        """Return the ids of the helper processes of all its engines."""
        hops = dict.fromkeys(hop for route in self.routes for hop in route.hops)
        return tuple(pid for hop in hops for pid in self._engines[hop.engine].process_ids(hop.pair))

    def _capabilities(self) -> list[EngineCapabilities]:
        return [
            self._engines[hop.engine].capabilities for route in self.routes for hop in route.hops
        ]

    def _along(
        self, route: Route, sentences: Sequence[str], stop: StopCheck
    ) -> list[_Passing | None]:
        current: list[_Passing | None] = [_Passing(sentence) for sentence in sentences]
        for hop in route.hops:
            limit = self._engines[hop.engine].max_sentence_characters
            # A sentence may grow on its way past what the next engine takes.
            groups = [[] if each is None else cut_at_clauses(each.text, limit) for each in current]
            flat = [part for group in groups for part in group]
            answers = iter(self._ask(hop, flat, stop) if flat else [])
            for index, group in enumerate(groups):
                done = [next(answers) for _ in group]
                current[index] = _joined(current[index], done)
        return current

    def _ask(self, hop: Hop, sentences: Sequence[str], stop: StopCheck) -> list[_Passing | None]:
        engine = self._engines[hop.engine]
        breaker = self._breakers.of(engine, self._brief)
        if breaker.seconds_closed_out > 0:
            raise EngineUnavailableError("The engine has failed again and again.")
        stop()
        try:
            answers = self._translate(engine, hop, sentences, stop)
        except (EngineBusyError, EngineQuotaError, EngineRefusedError):
            # It answers, though not as one would wish.
            breaker.succeeded()
            raise
        except EngineError:
            if breaker.failed():
                _log.warning("breaker_opened", engine=engine.name)
            raise
        breaker.succeeded()
        self._brief.spending.add_characters(sum(map(len, sentences)))
        return answers

    def _translate(
        self, engine: Engine, hop: Hop, sentences: Sequence[str], stop: StopCheck
    ) -> list[_Passing | None]:
        if isinstance(engine, TellsConfidence):
            scored = engine.translate_scored(sentences, hop.pair, stop, self._brief)
            return [
                None if each is None else _Passing(each.text, each.confidence) for each in scored
            ]
        texts = engine.translate(sentences, hop.pair, stop, self._brief)
        return [None if text is None else _Passing(text) for text in texts]


class Chains:
    """Opens chains over the engines of one process; it remembers which engines have failed."""

    def __init__(self, engines: EngineRegistry) -> None:
        self._engines = engines
        self._breakers = Breakers()
        self._pairs: object = None
        self._routes = Routes({})

    def open(
        self, source_language: str, target_language: str, engine_names: Sequence[str], brief: Brief
    ) -> Chain:
        """Return the chain for a pair of languages.

        Without names the best route comes first, then the others; a chat model that the job
        brings is tried before all, and engines that cost money are left out. Raises StepFailure
        with UNSUPPORTED_ENGINE or UNSUPPORTED_LANGUAGE_PAIR.
        """
        routes = self._current_routes()
        if engine_names:
            self._check(engine_names, brief)
            found = routes.in_order(source_language, target_language, engine_names)
        else:
            usable = [name for name in self._engines if self._is_free(name)]
            found = routes.by_quality(source_language, target_language, usable)
            if brief.chat_model is not None:
                chat = [name for name, each in self._engines.items() if _takes_model(each)]
                found = (*routes.in_order(source_language, target_language, chat), *found)
        if not found:
            names = engine_names or ("",)
            pairs = sorted({str(pair) for name in names for pair in routes.all(name)})
            raise StepFailure(
                FailureReason.UNSUPPORTED_LANGUAGE_PAIR,
                metadata={"language_pairs": " ".join(pairs)},
            )
        return Chain(self._engines, found, brief, self._breakers)

    def close(self) -> None:
        """Close the engines."""
        self._engines.close()

    def _check(self, names: Sequence[str], brief: Brief) -> None:
        for name in names:
            if name not in self._engines or (
                _takes_model(self._engines[name]) and brief.chat_model is None
            ):
                raise StepFailure(
                    FailureReason.UNSUPPORTED_ENGINE,
                    metadata={"engines": " ".join(self._engines)},
                )

    def _is_free(self, name: str) -> bool:
        capabilities = self._engines[name].capabilities
        return not (capabilities.costs_money or capabilities.needs_chat_model)

    def _current_routes(self) -> Routes:
        """Return the routes; a server's languages can come and go while this process lives."""
        pairs = self._engines.direct_pairs()
        if pairs != self._pairs:
            self._pairs = pairs
            self._routes = open_routes(self._engines)
        return self._routes


def open_routes(engines: EngineRegistry) -> Routes:
    """Return the routes over all engines of this process."""
    capabilities = {name: engine.capabilities for name, engine in engines.items()}
    return Routes(
        engines.direct_pairs(),
        alone=[name for name, each in capabilities.items() if not each.joins_routes],
        any_pair=[name for name, each in capabilities.items() if each.any_pair],
    )


def _takes_model(engine: Engine) -> bool:
    return engine.capabilities.needs_chat_model


def _joined(before: _Passing | None, done: Sequence[_Passing | None]) -> _Passing | None:
    """Join the parts of a sentence; its confidence is the product over hops of the least part."""
    whole = [part for part in done if part is not None]
    if before is None or not whole or len(whole) < len(done):
        return None
    told = [part.confidence for part in whole if part.confidence is not None]
    confidence = before.confidence
    if told:
        confidence = min(told) * (1.0 if confidence is None else confidence)
    return _Passing(" ".join(part.text for part in whole), confidence)


def _step_failure(failures: Sequence[EngineError | BudgetExceeded]) -> StepFailure:
    """Choose what to report: what a retry can help, else what the first route has met."""
    reported = [_as_step_failure(failure) for failure in failures]
    waits = [each.retry_after_seconds for each in reported if each.retry_after_seconds is not None]
    chosen = next((each for each in reported if each.retryable), reported[0])
    if chosen.retryable and waits:
        chosen.retry_after_seconds = min(waits)
    return chosen


def _as_step_failure(error: EngineError | BudgetExceeded) -> StepFailure:
    if isinstance(error, EngineBusyError):
        return StepFailure(FailureReason.ENGINE_BUSY, retry_after_seconds=error.retry_after_seconds)
    for kind, reason in (
        (BudgetExceeded, FailureReason.BUDGET_EXCEEDED),
        (EngineQuotaError, FailureReason.ENGINE_QUOTA_EXCEEDED),
        (EngineRefusedError, FailureReason.ENGINE_REFUSED),
        (EngineUnavailableError, FailureReason.ENGINE_UNAVAILABLE),
    ):
        if isinstance(error, kind):
            return StepFailure(reason)
    return StepFailure(FailureReason.ENGINE_FAILED)
