"""Chat engine: any model behind an OpenAI-compatible chat completions API, the client's own.

Sentences go out as numbered items and come back under their numbers; where the numbers do not
agree the batch is halved and asked again, down to single sentences. One that is still not
believable is given up, and the caller goes on without it.
"""

import hashlib
from collections import OrderedDict
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from translation_worker.engines.batching import batches
from translation_worker.engines.brief import NO_BRIEF, Brief, BudgetExceeded, ChatModel
from translation_worker.engines.chat_prompt import mark_of, messages
from translation_worker.engines.chat_reply import (
    ChatReply,
    MalformedReplyError,
    is_believable,
    read_items,
    read_reply,
)
from translation_worker.engines.engine import (
    EngineCapabilities,
    EngineError,
    EngineRefusedError,
    LanguagePair,
    StopCheck,
)
from translation_worker.engines.gate import Gate, OpenGate
from translation_worker.engines.http_exchange import HttpExchange
from translation_worker.engines.remote_calls import RemoteCalls, RequestRejectedError
from translation_worker.engines.secret_files import is_key

MAX_BATCH_SEGMENTS = 20
MAX_BATCH_CHARACTERS = 4000
TIMEOUT_SECONDS = 60.0
MAX_OPEN_SERVERS = 4
# A character is rarely more than a token; names, numbers and braces of the JSON come on top.
_TOKENS_PER_CHARACTER = 1.5
_TOKENS_PER_ITEM = 32
_MIN_ANSWER_TOKENS = 256
# For servers that do not tell: above what tokenizers make of Latin script.
_CHARACTERS_PER_TOKEN_UNTOLD = 3
_TOO_LARGE = 413
_LENGTH_WORDS = frozenset({"context_length_exceeded", "string_above_max_length"})


@dataclass(slots=True)
class _Server:
    """One model at one server for one key, and what it has turned out not to take."""

    calls: RemoteCalls
    limit_field: str = "max_tokens"
    sends_temperature: bool = True


class ChatEngine:
    """Translates between any two languages by the model that the brief names."""

    name = "chat"
    version = "1"
    description = "A chat model of the client's own, at any OpenAI-compatible API."
    max_sentence_characters = MAX_BATCH_CHARACTERS
    capabilities = EngineCapabilities(
        any_pair=True,
        joins_routes=False,
        needs_chat_model=True,
        keeps_glossary=True,
        sets_tone=True,
        whole_segments=True,
        max_batch_segments=MAX_BATCH_SEGMENTS,
        max_batch_characters=MAX_BATCH_CHARACTERS,
        costs_money=True,
    )

    def __init__(
        self,
        gate: Gate | None = None,
        *,
        allowed_hosts: Collection[str] = (),
        timeout_seconds: float = TIMEOUT_SECONDS,
    ) -> None:
        """Make one; `allowed_hosts` are hosts that clients may name though they are not public."""
        self._gate = gate or OpenGate()
        self._allowed_hosts = tuple(allowed_hosts)
        self._timeout_seconds = timeout_seconds
        self._servers: OrderedDict[ChatModel, _Server] = OrderedDict()

    def direct_pairs(self) -> frozenset[LanguagePair]:
        """Return nothing: which languages a model knows, only the client can tell."""
        return frozenset()

    def process_ids(self, pair: LanguagePair) -> tuple[int, ...]:  # noqa: ARG002 - has none
        """Return nothing: the model runs elsewhere."""
        return ()

    def translate(
        self,
        sentences: Sequence[str],
        pair: LanguagePair,
        stop: StopCheck,
        brief: Brief = NO_BRIEF,
    ) -> list[str | None]:
        """Translate in batches of numbered items. Raises as Engine says."""
        if brief.chat_model is None:
            raise EngineRefusedError("The job brings no chat model.")
        server = self._server(brief.chat_model)
        work = _Work(server, brief.chat_model, pair, brief, stop)
        results: list[str | None] = []
        for batch in batches(
            sentences, max_segments=MAX_BATCH_SEGMENTS, max_size=MAX_BATCH_CHARACTERS
        ):
            results += work.translate(batch)
        return results

    def close(self) -> None:
        """Close all connections, and forget the keys."""
        while self._servers:
            self._servers.popitem()[1].calls.close()

    def _server(self, model: ChatModel) -> _Server:
        server = self._servers.get(model)
        if server is None:
            # Servers of one's own, such as on the same machine, often want no key.
            if (model.api_key and not is_key(model.api_key)) or not model.model_name:
                raise EngineRefusedError("The key or the name of the chat model is not usable.")
            while len(self._servers) >= MAX_OPEN_SERVERS:
                self._servers.popitem(last=False)[1].calls.close()
            exchange = HttpExchange(
                model.base_url,
                allowed_hosts=self._allowed_hosts,
                timeout_seconds=self._timeout_seconds,
            )
            account = hashlib.sha256(f"{model.base_url}\0{model.api_key}".encode()).hexdigest()
            server = _Server(RemoteCalls(self.name, exchange, self._gate, account=account))
            self._servers[model] = server
        self._servers.move_to_end(model)
        return server


@dataclass(frozen=True, slots=True)
class _Work:
    """One call of `translate`."""

    server: _Server
    model: ChatModel
    pair: LanguagePair
    brief: Brief
    stop: StopCheck

    def translate(self, texts: Sequence[str]) -> list[str | None]:
        """Translate a batch, halving it where the answer does not pair with it."""
        try:
            answers = self._ask(texts)
        except MalformedReplyError:
            return self._halved(texts)
        except RequestRejectedError as rejected:
            if rejected.status == _TOO_LARGE or rejected.words & _LENGTH_WORDS:
                return self._halved(texts)
            raise EngineRefusedError("The chat API rejects the request.") from rejected
        forbidden = [word for word in (self.model.api_key, mark_of(texts)) if word]
        results: list[str | None] = [
            answer if is_believable(text, answer, forbidden) else None
            for text, answer in zip(texts, answers, strict=True)
        ]
        if len(texts) > 1:
            # By itself a sentence may do better; one that has been alone was given its chance.
            for index, result in enumerate(results):
                if result is None:
                    (results[index],) = self.translate([texts[index]])
        return results

    def _halved(self, texts: Sequence[str]) -> list[str | None]:
        if len(texts) == 1:
            return [None]
        middle = len(texts) // 2
        return [*self.translate(texts[:middle]), *self.translate(texts[middle:])]

    def _ask(self, texts: Sequence[str]) -> list[str]:
        sent = messages(texts, self.pair, self.brief)
        characters = sum(map(len, texts))
        limit = self._answer_tokens(characters, len(texts), sent)
        answer = self._call(sent, characters, limit)
        reply = read_reply(answer)
        tokens = _estimated_tokens(sent, reply) if reply.tokens is None else reply.tokens
        self.brief.spending.add_tokens(tokens)
        if not reply.is_complete:
            raise MalformedReplyError
        return read_items(reply.content, len(texts))

    def _answer_tokens(self, characters: int, count: int, sent: Sequence[dict[str, str]]) -> int:
        """Return how many tokens the answer may take. Raises BudgetExceeded if none are left."""
        wanted = int(characters * _TOKENS_PER_CHARACTER) + count * _TOKENS_PER_ITEM
        wanted = max(wanted, _MIN_ANSWER_TOKENS)
        left = self.brief.spending.tokens_left
        if left is None:
            return wanted
        # A question alone must not eat the rest: it would be paid for without an answer.
        left -= _estimated_tokens(sent, None)
        if left < min(wanted, _MIN_ANSWER_TOKENS):
            raise BudgetExceeded("The budget of tokens does not reach for the next sentences.")
        return min(wanted, left)

    def _call(self, sent: Sequence[dict[str, str]], characters: int, limit: int) -> object:
        """Ask; learn once what the server does not take, as newer models refuse older fields."""
        for _ in range(3):
            body: dict[str, object] = {
                "model": self.model.model_name,
                "messages": sent,
                self.server.limit_field: limit,
            }
            if self.server.sends_temperature:
                body["temperature"] = 0
            try:
                return self.server.calls.post(
                    "/chat/completions",
                    body,
                    self.stop,
                    self._headers(),
                    characters=characters,
                )
            except RequestRejectedError as rejected:
                if not self._adapt(rejected):
                    raise
        raise EngineError

    def _headers(self) -> dict[str, str]:
        key = self.model.api_key
        return {"Authorization": f"Bearer {key}"} if key else {}

    def _adapt(self, rejected: RequestRejectedError) -> bool:
        server = self.server
        if "max_completion_tokens" in rejected.words and server.limit_field == "max_tokens":
            server.limit_field = "max_completion_tokens"
            return True
        if "unsupported_value" in rejected.words and server.sends_temperature:
            server.sends_temperature = False
            return True
        return False


def _estimated_tokens(sent: Sequence[dict[str, str]], reply: ChatReply | None) -> int:
    characters = sum(len(message["content"]) for message in sent)
    characters += 0 if reply is None else len(reply.content)
    return characters // _CHARACTERS_PER_TOKEN_UNTOLD + 1
