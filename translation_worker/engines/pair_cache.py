"""Pair cache: the languages of a server, asked for rarely, and remembered when it is away."""

import time
from collections.abc import Callable

import structlog

from translation_worker.engines.engine import EngineError, LanguagePair

KEPT_SECONDS = 3600.0
RETRY_SECONDS = 30.0
MAX_PAIRS = 20_000

_log = structlog.stdlib.get_logger(__name__)


class PairCache:
    """Asks at the first use, then after an hour; after a failure, half a minute later."""

    def __init__(
        self,
        engine: str,
        ask: Callable[[], frozenset[LanguagePair]],
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Make one; `ask` raises EngineError if the server does not tell."""
        self._engine = engine
        self._ask = ask
        self._clock = clock
        self._pairs: frozenset[LanguagePair] = frozenset()
        self._ask_at = clock()

    def get(self) -> frozenset[LanguagePair]:
        """Return the pairs as they were told last; none if they never were."""
        if self._clock() >= self._ask_at:
            try:
                pairs = self._ask()
                if len(pairs) > MAX_PAIRS:
                    raise EngineError("The server tells more pairs than there can be.")
                self._pairs = pairs
                self._ask_at = self._clock() + KEPT_SECONDS
            except EngineError as error:
                _log.warning(
                    "languages_not_told", engine=self._engine, error_type=type(error).__name__
                )
                self._ask_at = self._clock() + RETRY_SECONDS
        return self._pairs
