"""Translation brief: what a step's settings ask for, opened as a chain with its glossary."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from babelmill.jobs.v1 import lease_pb2
from babelmill.kit.worker.handler import Attempt, FailureReason, StepFailure
from babelmill.translation.v1 import translation_pb2
from translation_worker.chain import Chain, Chains
from translation_worker.engines.brief import Brief, ChatModel, Spending
from translation_worker.glossary import (
    MAX_GLOSSARY_BYTES,
    DamagedGlossaryError,
    Glossary,
    digest_of,
    read_glossary,
)

TONES: Mapping[int, str] = {
    translation_pb2.TONE_NEUTRAL: "neutral",
    translation_pb2.TONE_FORMAL: "formal",
    translation_pb2.TONE_INFORMAL: "informal",
}


@dataclass(frozen=True)
class OpenedBrief:
    """A chain, and what was asked of it."""

    chain: Chain
    glossary: Glossary
    tone: str
    spending: Spending

    def facts(self) -> dict[str, object]:
        """Return all that a translation depends on besides its source, ready for JSON."""
        return {**self.chain.facts(), "terms": digest_of(self.glossary)}


def open_brief(
    chains: Chains,
    source_language: str,
    target_language: str,
    settings: lease_pb2.TranslationSettings,
    attempt: Attempt,
    *,
    engine: str = "",
) -> OpenedBrief:
    """Open the chain for a step; `engine` is asked before those that the settings name.

    Raises StepFailure: UNSUPPORTED_ENGINE, UNSUPPORTED_LANGUAGE_PAIR, and as reading an input.
    """
    options = settings.options
    glossary = open_glossary(settings, target_language, attempt)
    tone = TONES.get(options.tone, "")
    spending = Spending(max_tokens=settings.max_tokens)
    brief = Brief(
        tone=tone,
        domain=options.domain,
        glossary=glossary.terms,
        chat_model=_chat_model(options),
        spending=spending,
    )
    names = _names(engine, options.engines)
    chain = chains.open(source_language, target_language, names, brief)
    return OpenedBrief(chain, glossary, tone, spending)


def open_glossary(
    settings: lease_pb2.TranslationSettings | lease_pb2.ReconstructWork,
    target_language: str,
    attempt: Attempt,
) -> Glossary:
    """Read the job's glossary, if it has one. Raises StepFailure."""
    if not settings.HasField("glossary"):
        return Glossary(())
    data = attempt.read_input(settings.glossary, MAX_GLOSSARY_BYTES)
    try:
        return read_glossary(data, target_language)
    except DamagedGlossaryError as error:
        raise StepFailure(FailureReason.INPUT_DAMAGED) from error


def _chat_model(options: translation_pb2.TranslationOptions) -> ChatModel | None:
    if not options.HasField("chat_model"):
        return None
    model = options.chat_model
    return ChatModel(base_url=model.base_url, model_name=model.model_name, api_key=model.api_key)


def _names(engine: str, others: Sequence[str]) -> list[str]:
    return list(dict.fromkeys([*([engine] if engine else []), *others]))
