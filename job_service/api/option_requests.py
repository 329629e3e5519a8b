"""From a client's options of a translation, and its terms, to the domain's."""

from collections.abc import Sequence
from functools import partial
from uuid import UUID

from babelmill.translation.v1 import glossary_pb2, translation_pb2
from job_service.api import checks, spec_checks
from job_service.api.validation import Violations
from job_service.domain.translation import (
    Budget,
    ChatModel,
    GlossaryTerm,
    Tone,
    TranslationOptions,
)

MAX_GIVEN_TERMS = 1000

_MAX_ENGINES = 8
_MAX_GLOSSARIES = 8
_MAX_DOMAIN = 100
_MAX_MODEL_NAME = 200
_TONE_PREFIX = "TONE_"
_NO_ID = UUID(int=0)


def options(
    given: translation_pb2.TranslationOptions, violations: Violations, path: str
) -> TranslationOptions:
    """Read the options; a chat model's key is checked, and left where it is."""
    if len(given.glossary_terms) > MAX_GIVEN_TERMS:
        violations.add(
            f"{path}.glossary_terms", f"There are more than {MAX_GIVEN_TERMS}.", "TOO_MANY"
        )
    return TranslationOptions(
        engines=_engines(given.engines, violations, f"{path}.engines"),
        tone=(
            Tone(translation_pb2.Tone.Name(given.tone).removeprefix(_TONE_PREFIX))
            if given.tone
            else None
        ),
        domain=violations.check(
            f"{path}.domain", lambda: spec_checks.label(given.domain, longest=_MAX_DOMAIN), ""
        ),
        chat_model=(
            _chat_model(given.chat_model, violations, f"{path}.chat_model")
            if given.HasField("chat_model")
            else None
        ),
        glossary_ids=_glossary_ids(given.glossary_ids, violations, f"{path}.glossary_ids"),
        glossary_terms=terms(
            given.glossary_terms[:MAX_GIVEN_TERMS], violations, f"{path}.glossary_terms"
        ),
        budget=Budget(
            max_characters=_limit(
                given.budget.max_characters, violations, f"{path}.budget.max_characters"
            ),
            max_tokens=_limit(given.budget.max_tokens, violations, f"{path}.budget.max_tokens"),
        ),
        without_memory=given.without_memory,
    )


def terms(
    given: Sequence[glossary_pb2.GlossaryTerm], violations: Violations, path: str
) -> tuple[GlossaryTerm, ...]:
    """Read a glossary's terms."""
    return tuple(_term(each, violations, f"{path}[{index}]") for index, each in enumerate(given))


def _term(given: glossary_pb2.GlossaryTerm, violations: Violations, path: str) -> GlossaryTerm:
    return GlossaryTerm(
        source=violations.check(
            f"{path}.source", lambda: spec_checks.term(given.source, required=True), ""
        ),
        target=violations.check(
            f"{path}.target", lambda: spec_checks.term(given.target, required=False), ""
        ),
        target_language=violations.check(
            f"{path}.target_language",
            lambda: checks.language_tag(given.target_language) if given.target_language else "",
            "",
        ),
        case_sensitive=given.case_sensitive,
    )


def _engines(given: Sequence[str], violations: Violations, path: str) -> tuple[str, ...]:
    if len(given) > _MAX_ENGINES:
        violations.add(path, f"There are {len(given)}; at most {_MAX_ENGINES} are allowed.")
        return ()
    names = [
        violations.check(f"{path}[{index}]", partial(checks.name, each), "")
        for index, each in enumerate(given)
    ]
    for index, name in enumerate(names):
        if name and name in names[:index]:
            violations.add(f"{path}[{index}]", "It is there twice.", "DUPLICATE")
    return tuple(names)


def _chat_model(given: translation_pb2.ChatModel, violations: Violations, path: str) -> ChatModel:
    violations.check(f"{path}.api_key", lambda: spec_checks.api_key(given.api_key), "")
    return ChatModel(
        base_url=violations.check(
            f"{path}.base_url", lambda: spec_checks.web_address(given.base_url), ""
        ),
        model_name=violations.check(
            f"{path}.model_name",
            lambda: spec_checks.label(given.model_name, longest=_MAX_MODEL_NAME, required=True),
            "",
        ),
        has_api_key=bool(given.api_key),
    )


def _glossary_ids(given: Sequence[str], violations: Violations, path: str) -> tuple[UUID, ...]:
    if len(given) > _MAX_GLOSSARIES:
        violations.add(path, f"There are {len(given)}; at most {_MAX_GLOSSARIES} are allowed.")
        return ()
    ids = [
        violations.check(f"{path}[{index}]", partial(checks.uuid_of, each), _NO_ID)
        for index, each in enumerate(given)
    ]
    return tuple(dict.fromkeys(ids))


def _limit(value: int, violations: Violations, path: str) -> int:
    return violations.check(path, lambda: checks.not_negative(value), 0)
