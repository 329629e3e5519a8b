"""Calls of the chat engine for its tests: a key, some texts, and how they are sent."""

from tests.engine_stubs.chat_stub import ChatStub, upper_case
from translation_worker.engines.brief import Brief, ChatModel, Spending
from translation_worker.engines.chat import ChatEngine
from translation_worker.engines.engine import LanguagePair

EN_PT = LanguagePair("en", "pt-br")
KEY = "sk-Canary0123456789abcdefXYZ"
TEXTS = ["The house is red.", "The car XQZ0 is blue.", "Nobody knows why.", "It rains."]
DONE = [upper_case(text) for text in TEXTS]


def brief(stub: ChatStub, *, key: str = KEY, max_tokens: int = 0, **more: object) -> Brief:
    return Brief(
        chat_model=ChatModel(base_url=stub.base_url, model_name="tiny", api_key=key),
        spending=Spending(max_tokens=max_tokens),
        **more,  # type: ignore[arg-type]  # the tests name fields of Brief
    )


def translate(
    engine: ChatEngine, stub: ChatStub, texts: list[str] | None = None, **more: object
) -> list[str | None]:
    return engine.translate(
        TEXTS if texts is None else texts,
        EN_PT,
        lambda: None,
        brief(stub, **more),  # type: ignore[arg-type]  # as above
    )
