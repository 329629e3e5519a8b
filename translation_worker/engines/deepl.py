"""DeepL engine: the operator's account at DeepL, over its HTTP API of version 2.

Words that look like a mask (capitals and digits) go out inside a tag that DeepL is told to leave
alone; everything else is escaped, so that no text of a client is ever read as markup.
Limits: 50 texts and 128 KiB a request (developers.deepl.com, "Translate text").
"""

import html
import json
import re
import time
from collections.abc import Callable, Mapping, Sequence

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

FREE_URL = "https://api-free.deepl.com"
PRO_URL = "https://api.deepl.com"
MAX_BATCH_SEGMENTS = 50
# Of 128 KiB, with room for the rest of the request.
MAX_BATCH_BYTES = 120 * 1024
MAX_SENTENCE_CHARACTERS = 5000
TIMEOUT_SECONDS = 30.0
_MAX_CONTEXT_CHARACTERS = 100

_KEEP = "keep"
_MASK = re.compile(r"\b(?=[A-Z]*\d)[A-Z]{2,5}\d+\b")
_KEPT = re.compile(rf"</?{_KEEP}>")
# What DeepL wants to know more exactly than a plain tag says.
_USUAL_VARIANTS: Mapping[str, str] = {"en": "EN-US", "pt": "PT-PT"}
_FORMALITY: Mapping[str, str] = {"formal": "prefer_more", "informal": "prefer_less"}


class DeepLEngine:
    """Translates between the languages that DeepL tells."""

    name = "deepl"
    version = "2"
    description = "DeepL's service, by the operator's account."
    max_sentence_characters = MAX_SENTENCE_CHARACTERS
    capabilities = EngineCapabilities(
        joins_routes=False,
        sets_tone=True,
        whole_segments=True,
        max_batch_segments=MAX_BATCH_SEGMENTS,
        max_batch_characters=MAX_BATCH_BYTES // 4,
        costs_money=True,
    )

    def __init__(
        self,
        key: str,
        gate: Gate | None = None,
        *,
        url: str = "",
        timeout_seconds: float = TIMEOUT_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Make one; without a `url` the kind of key decides. Asks nothing yet."""
        exchange = HttpExchange(
            url or (FREE_URL if key.endswith(":fx") else PRO_URL),
            allowed_hosts=None,
            timeout_seconds=timeout_seconds,
        )
        self._calls = RemoteCalls(self.name, exchange, gate or OpenGate())
        self._headers = {"Authorization": f"DeepL-Auth-Key {key}"}
        self._pairs = PairCache(self.name, self._ask_pairs, clock=clock)

    def direct_pairs(self) -> frozenset[LanguagePair]:
        """Return the pairs of the languages that DeepL tells; asked for now and then."""
        return self._pairs.get()

    def process_ids(self, pair: LanguagePair) -> tuple[int, ...]:  # noqa: ARG002 - has none
        """Return nothing: the work is done elsewhere."""
        return ()

    def translate(
        self,
        sentences: Sequence[str],
        pair: LanguagePair,
        stop: StopCheck,
        brief: Brief = NO_BRIEF,
    ) -> list[str | None]:
        """Translate in batches. Raises as Engine says."""
        results: list[str | None] = []
        for batch in batches(
            sentences,
            max_segments=MAX_BATCH_SEGMENTS,
            max_size=MAX_BATCH_BYTES,
            size_of=_sent_bytes,
        ):
            try:
                results += self._translate_batch(batch, pair, stop, brief)
            except RequestRejectedError as rejected:
                raise EngineRefusedError("DeepL rejects the request.") from rejected
        return results

    def close(self) -> None:
        """Close the connections."""
        self._calls.close()

    def _translate_batch(
        self, batch: Sequence[str], pair: LanguagePair, stop: StopCheck, brief: Brief
    ) -> list[str | None]:
        body: dict[str, object] = {
            "text": [to_xml(text) for text in batch],
            "source_lang": pair.source.partition("-")[0].upper(),
            "target_lang": _USUAL_VARIANTS.get(pair.target, pair.target.upper()),
            "tag_handling": "xml",
            "ignore_tags": [_KEEP],
            "preserve_formatting": True,
        }
        if brief.tone in _FORMALITY:
            body["formality"] = _FORMALITY[brief.tone]
        if brief.domain:
            body["context"] = brief.domain[:_MAX_CONTEXT_CHARACTERS]
        answer = self._calls.post(
            "/v2/translate", body, stop, self._headers, characters=sum(map(len, batch))
        )
        rows = answer.get("translations") if isinstance(answer, dict) else None
        if not isinstance(rows, list) or len(rows) != len(batch):
            raise EngineError("DeepL's answer does not pair with the question.")
        texts = [row.get("text") if isinstance(row, dict) else None for row in rows]
        return [from_xml(text) if isinstance(text, str) else None for text in texts]

    def _ask_pairs(self) -> frozenset[LanguagePair]:
        sources = self._ask_languages("source")
        targets = self._ask_languages("target")
        # "PT-BR" is a Portuguese, too.
        targets |= {tag.partition("-")[0] for tag in targets}
        return frozenset(
            LanguagePair(source, target)
            for source in sources
            for target in targets
            if source != target.partition("-")[0]
        )

    def _ask_languages(self, kind: str) -> set[str]:
        rows = self._calls.get(f"/v2/languages?type={kind}", lambda: None, self._headers)
        if not isinstance(rows, list):
            raise EngineError("DeepL tells no languages.")
        codes = [row.get("language") if isinstance(row, dict) else None for row in rows]
        return {code.lower() for code in codes if isinstance(code, str) and code}


def to_xml(text: str) -> str:
    """Escape a text and put what looks like a mask into a tag that is left alone."""
    return _MASK.sub(rf"<{_KEEP}>\g<0></{_KEEP}>", html.escape(text, quote=False))


def from_xml(text: str) -> str | None:
    """Undo `to_xml`; None if there is any markup that was not sent."""
    bare = _KEPT.sub("", text)
    return None if "<" in bare or ">" in bare else html.unescape(bare)


def _sent_bytes(text: str) -> int:
    return len(json.dumps(to_xml(text), ensure_ascii=False).encode(errors="replace")) + 2
