"""LibreTranslate engine: a server of the operator's choice that speaks LibreTranslate's API."""

import time
from collections.abc import Callable, Sequence

from translation_worker.engines.batching import batches
from translation_worker.engines.brief import NO_BRIEF, Brief
from translation_worker.engines.engine import (
    EngineCapabilities,
    EngineError,
    EngineRefusedError,
    LanguagePair,
    StopCheck,
)
from translation_worker.engines.gate import Gate, OpenGate
from translation_worker.engines.http_exchange import HttpExchange
from translation_worker.engines.pair_cache import PairCache
from translation_worker.engines.remote_calls import RemoteCalls, RequestRejectedError

MAX_BATCH_SEGMENTS = 50
# Public servers take 2,000 characters of a text, by default.
MAX_SENTENCE_CHARACTERS = 2000
MAX_BATCH_CHARACTERS = 10_000
TIMEOUT_SECONDS = 60.0


class LibreTranslateEngine:
    """Translates between the languages that the server tells; it pivots by itself."""

    name = "libretranslate"
    version = "1"
    description = "A LibreTranslate server of the operator's choice."
    max_sentence_characters = MAX_SENTENCE_CHARACTERS
    capabilities = EngineCapabilities(
        joins_routes=False,
        max_batch_segments=MAX_BATCH_SEGMENTS,
        max_batch_characters=MAX_BATCH_CHARACTERS,
    )

    def __init__(
        self,
        url: str,
        key: str = "",
        gate: Gate | None = None,
        *,
        timeout_seconds: float = TIMEOUT_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Make one; asks nothing yet. Servers without keys take an empty one."""
        exchange = HttpExchange(url, allowed_hosts=None, timeout_seconds=timeout_seconds)
        self._calls = RemoteCalls(self.name, exchange, gate or OpenGate())
        self._key = key
        self._pairs = PairCache(self.name, self._ask_pairs, clock=clock)

    def direct_pairs(self) -> frozenset[LanguagePair]:
        """Return the pairs that the server tells; asked for now and then."""
        return self._pairs.get()

    def process_ids(self, pair: LanguagePair) -> tuple[int, ...]:  # noqa: ARG002 - has none
        """Return nothing: the work is done elsewhere."""
        return ()

    def translate(
        self,
        sentences: Sequence[str],
        pair: LanguagePair,
        stop: StopCheck,
        brief: Brief = NO_BRIEF,  # noqa: ARG002 - the API takes no wishes
    ) -> list[str | None]:
        """Translate in batches. Raises as Engine says."""
        results: list[str | None] = []
        for batch in batches(
            sentences, max_segments=MAX_BATCH_SEGMENTS, max_size=MAX_BATCH_CHARACTERS
        ):
            try:
                results += self._translate_batch(batch, pair, stop)
            except RequestRejectedError as rejected:
                raise EngineRefusedError("The server rejects the request.") from rejected
        return results

    def close(self) -> None:
        """Close the connections."""
        self._calls.close()

    def _translate_batch(
        self, batch: Sequence[str], pair: LanguagePair, stop: StopCheck
    ) -> list[str | None]:
        body: dict[str, object] = {
            "q": list(batch),
            "source": pair.source,
            "target": pair.target,
            "format": "text",
        }
        if self._key:
            body["api_key"] = self._key
        answer = self._calls.post("/translate", body, stop, {}, characters=sum(map(len, batch)))
        texts = answer.get("translatedText") if isinstance(answer, dict) else None
        if not isinstance(texts, list) or len(texts) != len(batch):
            raise EngineError("The server's answer does not pair with the question.")
        return [" ".join(text.split()) if isinstance(text, str) else None for text in texts]

    def _ask_pairs(self) -> frozenset[LanguagePair]:
        rows = self._calls.get("/languages", lambda: None, {})
        if not isinstance(rows, list):
            raise EngineError("The server tells no languages.")
        codes = {_code(row) for row in rows} - {""}
        pairs: set[LanguagePair] = set()
        for row in rows:
            source, targets = _code(row), row.get("targets") if isinstance(row, dict) else None
            # Servers before version 1.3.8 do not tell targets: any of theirs will do.
            told = (
                [t for t in targets if isinstance(t, str)] if isinstance(targets, list) else codes
            )
            pairs |= {
                LanguagePair(source, target.lower())
                for target in told
                if source and target and target.lower() != source
            }
        return frozenset(pairs)


def _code(row: object) -> str:
    code = row.get("code") if isinstance(row, dict) else None
    return code.lower() if isinstance(code, str) else ""
