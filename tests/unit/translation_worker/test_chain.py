"""A chain goes on where a route fails, and says by which way each answer came."""

import dataclasses
from collections.abc import Callable, Sequence

import pytest

from babelmill.kit.wire.failure_reasons import FailureReason
from babelmill.kit.worker.outcome import StepFailure
from tests.unit.translation_worker.scripted_engine import ScriptedEngine
from translation_worker.breaker import FAILURES_TO_OPEN
from translation_worker.chain import Chain, Chains
from translation_worker.engines.brief import NO_BRIEF, Brief, BudgetExceeded, ChatModel, Term
from translation_worker.engines.engine import (
    Engine,
    EngineBusyError,
    EngineCapabilities,
    EngineError,
    EngineQuotaError,
    EngineRefusedError,
    EngineUnavailableError,
    LanguagePair,
    Scored,
    StopCheck,
)
from translation_worker.engines.registry import EngineRegistry

MODEL = ChatModel(base_url="https://llm.example/v1", model_name="m", api_key="sk-canary")


class Named(ScriptedEngine):
    """A scripted engine of any name, pairs and capabilities."""

    def __init__(
        self,
        name: str,
        translate: Callable[[str], str | None] | None = None,
        *,
        pairs: Sequence[str] = ("en-pt",),
        **capabilities: bool,
    ) -> None:
        super().__init__(translate or (lambda text: f"{name}({text})"))
        self.name = name
        self.capabilities = EngineCapabilities(**capabilities)
        self._pairs = frozenset(LanguagePair(*pair.split("-")) for pair in pairs)

    def direct_pairs(self) -> frozenset[LanguagePair]:
        return self._pairs


class Unsure(Named):
    """Tells that it is half sure."""

    def translate_scored(
        self,
        sentences: Sequence[str],
        pair: LanguagePair,
        stop: StopCheck,
        brief: Brief = NO_BRIEF,
    ) -> list[Scored | None]:
        texts = self.translate(sentences, pair, stop, brief)
        return [None if text is None else Scored(text, 0.5) for text in texts]


class Chatty(Named):
    def __init__(self, translate: Callable[[str], str | None] | None = None) -> None:
        super().__init__(
            "chat", translate, pairs=(), any_pair=True, joins_routes=False,
            needs_chat_model=True, keeps_glossary=True, sets_tone=True, whole_segments=True,
        )  # fmt: skip


def raising(error: Exception) -> Callable[[str], str]:
    def act(_: str) -> str:
        raise error

    return act


def chain(
    *engines: Engine, names: Sequence[str] = (), brief: Brief = NO_BRIEF, target: str = "pt"
) -> Chain:
    return Chains(EngineRegistry(engines)).open("en", target, names, brief)


def texts(chain: Chain, *sentences: str) -> list[str | None]:
    answers = chain.translate(sentences, lambda: None)
    return [None if answer is None else answer.text for answer in answers]


@pytest.mark.parametrize(
    "error",
    [
        EngineUnavailableError(),
        EngineBusyError(retry_after_seconds=60),
        EngineQuotaError(),
        EngineRefusedError(),
        BudgetExceeded(),
        EngineError(),
    ],
)
def test_the_next_engine_takes_over_when_one_fails(error: Exception) -> None:
    both = chain(Named("a", raising(error)), Named("b"), names=["a", "b"])
    (answer,) = both.translate(["Hello."], lambda: None)
    assert answer is not None
    assert answer.text == "b(Hello.)"
    assert str(answer.route) == "en -b-> pt"


def test_the_next_engine_takes_over_when_one_lacks_the_pair() -> None:
    a, b = Named("a", pairs=["en-fr"]), Named("b")
    assert [str(route) for route in chain(a, b, names=["a", "b"]).routes] == ["en -b-> pt"]


def test_only_the_sentence_moves_on_when_an_engine_cannot_do_it() -> None:
    picky = Named("a", lambda text: None if "odd" in text else "good")
    second = Named("b")
    assert texts(chain(picky, second, names=["a", "b"]), "One.", "An odd one.") == [
        "good", "b(An odd one.)",
    ]  # fmt: skip
    assert second.asked == ["An odd one."]


def test_none_is_the_answer_when_no_engine_can_do_a_sentence() -> None:
    assert texts(chain(Named("a", lambda _: None), names=["a"]), "One.") == [None]


@pytest.mark.parametrize(
    ("errors", "reason"),
    [
        ([EngineUnavailableError()], FailureReason.ENGINE_UNAVAILABLE),
        ([EngineError()], FailureReason.ENGINE_FAILED),
        ([EngineQuotaError()], FailureReason.ENGINE_QUOTA_EXCEEDED),
        ([EngineRefusedError()], FailureReason.ENGINE_REFUSED),
        ([BudgetExceeded()], FailureReason.BUDGET_EXCEEDED),
        ([EngineRefusedError(), EngineUnavailableError()], FailureReason.ENGINE_UNAVAILABLE),
        ([EngineQuotaError(), BudgetExceeded()], FailureReason.ENGINE_QUOTA_EXCEEDED),
    ],
)
def test_the_step_fails_by_its_name_when_every_engine_has_failed(
    errors: list[Exception], reason: FailureReason
) -> None:
    engines = [Named(f"e{index}", raising(error)) for index, error in enumerate(errors)]
    with pytest.raises(StepFailure) as caught:
        texts(chain(*engines, names=[engine.name for engine in engines]), "Hello.")
    assert caught.value.reason is reason


def test_the_shortest_wait_is_told_when_all_are_busy() -> None:
    slow = Named("a", raising(EngineBusyError(retry_after_seconds=90)))
    quick = Named("b", raising(EngineBusyError(retry_after_seconds=30)))
    with pytest.raises(StepFailure) as caught:
        texts(chain(slow, quick, names=["a", "b"]), "Hello.")
    assert caught.value.reason is FailureReason.ENGINE_BUSY
    assert caught.value.retry_after_seconds == 30


def test_an_engine_is_left_alone_when_it_has_failed_again_and_again() -> None:
    broken, other = Named("a", raising(EngineUnavailableError())), Named("b")
    chains = Chains(EngineRegistry([broken, other]))
    for _ in range(FAILURES_TO_OPEN + 5):
        assert texts(chains.open("en", "pt", ["a", "b"], NO_BRIEF), "Hi.") == ["b(Hi.)"]
    assert len(broken.asked) == FAILURES_TO_OPEN


def test_an_engine_is_asked_every_time_when_it_is_only_busy() -> None:
    busy, other = Named("a", raising(EngineBusyError(retry_after_seconds=1))), Named("b")
    chains = Chains(EngineRegistry([busy, other]))
    for _ in range(FAILURES_TO_OPEN + 5):
        texts(chains.open("en", "pt", ["a", "b"], NO_BRIEF), "Hi.")
    assert len(busy.asked) == FAILURES_TO_OPEN + 5


def test_one_clients_chat_api_stays_in_use_when_anothers_is_broken() -> None:
    def by_key(text: str) -> str:
        raise EngineUnavailableError

    chat = Chatty(by_key)
    chains = Chains(EngineRegistry([chat]))
    other = dataclasses.replace(MODEL, api_key="sk-other")
    for model in [*[MODEL] * (FAILURES_TO_OPEN + 1), other]:
        with pytest.raises(StepFailure):
            texts(chains.open("en", "pt", ["chat"], Brief(chat_model=model)), "Hi.")
    assert len(chat.asked) == FAILURES_TO_OPEN + 1


def test_what_stops_the_work_passes() -> None:
    class Stopped(Exception):
        pass

    def stop() -> None:
        raise Stopped

    with pytest.raises(Stopped):
        chain(Named("a"), Named("b")).translate(["Hello."], stop)


def test_confidence_is_the_product_of_the_hops_that_tell_it() -> None:
    first, second = Unsure("a"), Unsure("b", pairs=["pt-es"])
    (answer,) = chain(first, second, target="es").translate(["Hello."], lambda: None)
    assert answer is not None
    assert (answer.text, answer.confidence) == ("b(a(Hello.))", 0.25)


def test_confidence_is_unknown_when_no_engine_tells_it() -> None:
    (answer,) = chain(Named("a")).translate(["Hello."], lambda: None)
    assert answer is not None
    assert answer.confidence is None


def test_characters_are_counted_for_each_hop() -> None:
    brief = Brief()
    both = chain(Named("a"), Named("b", pairs=["pt-es"]), target="es", brief=brief)
    texts(both, "Hello.")
    assert brief.spending.characters == len("Hello.") + len("a(Hello.)")


def test_the_chat_model_comes_first_when_the_job_brings_one_and_names_nothing() -> None:
    engines = (Named("bergamot"), Chatty())
    assert [str(r) for r in chain(*engines, brief=Brief(chat_model=MODEL)).routes] == [
        "en -chat-> pt", "en -bergamot-> pt",
    ]  # fmt: skip
    assert [str(r) for r in chain(*engines).routes] == ["en -bergamot-> pt"]


def test_engines_that_cost_money_are_left_out_when_nothing_is_named() -> None:
    paid, free = Named("deepl", costs_money=True, joins_routes=False), Named("bergamot")
    assert [str(r) for r in chain(paid, free).routes] == ["en -bergamot-> pt"]
    named = chain(paid, free, names=["deepl", "bergamot"])
    assert [str(r) for r in named.routes] == ["en -deepl-> pt", "en -bergamot-> pt"]


@pytest.mark.parametrize("names", [["nonsense"], ["bergamot", "nonsense"], ["chat"]])
def test_the_engine_is_refused_when_it_is_not_there_or_lacks_its_model(names: list[str]) -> None:
    with pytest.raises(StepFailure) as caught:
        chain(Named("bergamot"), Chatty(), names=names)
    assert caught.value.reason is FailureReason.UNSUPPORTED_ENGINE


def test_the_pair_is_refused_when_no_engine_has_it() -> None:
    with pytest.raises(StepFailure) as caught:
        chain(Named("bergamot"), target="zh")
    assert caught.value.reason is FailureReason.UNSUPPORTED_LANGUAGE_PAIR


def test_a_named_engine_gets_help_when_it_cannot_go_all_the_way() -> None:
    engines = (Named("a"), Named("b", pairs=["pt-es"]))
    for names in (["a", "b"], ["b", "a"]):
        helped = chain(*engines, names=names, target="es")
        assert [str(route) for route in helped.routes] == ["en -a-> pt -b-> es"]


def test_new_languages_are_used_when_a_server_tells_them_later() -> None:
    class Growing(Named):
        def grow(self, pair: str) -> None:
            self._pairs |= {LanguagePair(*pair.split("-"))}

    growing = Growing("libretranslate", pairs=(), joins_routes=False)
    chains = Chains(EngineRegistry([growing]))
    with pytest.raises(StepFailure):
        chains.open("en", "de", [], NO_BRIEF)
    growing.grow("en-de")
    assert str(chains.open("en", "de", [], NO_BRIEF).routes[0]) == "en -libretranslate-> de"


def test_facts_tell_all_but_secrets_and_terms() -> None:
    brief = Brief(tone="formal", domain="legal", glossary=(Term("house", "lar"),), chat_model=MODEL)
    facts = chain(Named("a"), Chatty(), names=["chat", "a"], brief=brief).facts()
    assert facts["routes"] == [[["chat", "1", "en-pt"]], [["a", "1", "en-pt"]]]
    assert (facts["tone"], facts["domain"]) == ("formal", "legal")
    assert facts["model"] == ["https://llm.example/v1", "m"]
    assert "sk-canary" not in str(facts)
    assert "lar" not in str(facts)
    other = dataclasses.replace(brief, glossary=(Term("house", "casa"),))
    assert chain(Named("a"), Chatty(), names=["chat", "a"], brief=other).facts() != facts


def test_a_chain_can_what_all_its_engines_can() -> None:
    brief = Brief(chat_model=MODEL)
    alone = chain(Chatty(), names=["chat"], brief=brief)
    mixed = chain(Chatty(), Named("a"), names=["chat", "a"], brief=brief)
    assert (alone.keeps_glossary, alone.sets_tone, alone.whole_segments) == (True, True, True)
    assert (mixed.keeps_glossary, mixed.sets_tone, mixed.whole_segments) == (False, False, False)
