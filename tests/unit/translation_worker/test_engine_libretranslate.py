"""The LibreTranslate engine against a server that answers as LibreTranslate does."""

from collections.abc import Callable, Iterator

import pytest

from tests.engine_stubs.libretranslate_stub import KEY, LibreTranslateStub
from tests.engine_stubs.stub_server import Reply, garbage, json_reply, status
from translation_worker.engines import remote_calls
from translation_worker.engines.engine import (
    EngineBusyError,
    EngineError,
    EngineRefusedError,
    EngineUnavailableError,
    LanguagePair,
)
from translation_worker.engines.libretranslate import LibreTranslateEngine
from translation_worker.engines.pair_cache import KEPT_SECONDS, RETRY_SECONDS

EN_DE = LanguagePair("en", "de")


@pytest.fixture
def stub() -> Iterator[LibreTranslateStub]:
    with LibreTranslateStub() as server:
        yield server


@pytest.fixture
def engine(stub: LibreTranslateStub) -> Iterator[LibreTranslateEngine]:
    engine = LibreTranslateEngine(stub.url, KEY, timeout_seconds=2)
    yield engine
    engine.close()


def test_texts_come_back_in_order_when_all_is_well(
    engine: LibreTranslateEngine, stub: LibreTranslateStub
) -> None:
    texts = [f"Sentence {index} < 100." for index in range(70)]
    answers = engine.translate(texts, EN_DE, lambda: None)
    assert answers == [f"«{text}»" for text in texts]
    assert stub.calls == 2
    assert stub.posts()[0].json["format"] == "text"


def test_the_pairs_are_those_that_the_server_tells(engine: LibreTranslateEngine) -> None:
    pairs = engine.direct_pairs()
    assert len(pairs) == 6
    assert EN_DE in pairs


@pytest.mark.parametrize(
    ("act", "error", "calls"),
    [
        (status(403), EngineRefusedError, 1),
        (status(400), EngineRefusedError, 1),
        (status(429), EngineBusyError, 4),
        (status(429, {"Retry-After": "3600"}), EngineBusyError, 1),
        (status(500), EngineUnavailableError, 4),
        (garbage(), EngineError, 4),
        (lambda _: json_reply({"translatedText": "one"}), EngineError, 1),
        (lambda _: json_reply({"translatedText": []}), EngineError, 1),
    ],
)
def test_the_error_has_a_name_when_the_server_fails(
    engine: LibreTranslateEngine,
    stub: LibreTranslateStub,
    act: Callable[[object], Reply],
    error: type[EngineError],
    calls: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(remote_calls, "_FIRST_BACKOFF_SECONDS", 0.01)
    stub.script(*[act] * 10)
    with pytest.raises(error) as caught:
        engine.translate(["It rains."], EN_DE, lambda: None)
    assert stub.calls == calls
    assert KEY not in repr(caught.value)


def test_languages_are_remembered_and_asked_for_again(stub: LibreTranslateStub) -> None:
    now = 0.0
    engine = LibreTranslateEngine(stub.url, KEY, clock=lambda: now)
    try:
        assert engine.direct_pairs()
        now = KEPT_SECONDS - 1
        assert engine.direct_pairs()
        assert len(stub.requests) == 1
        now = KEPT_SECONDS
        assert engine.direct_pairs()
        assert len(stub.requests) == 2
    finally:
        engine.close()


def test_there_are_no_pairs_until_the_server_is_up() -> None:
    now = 0.0
    with LibreTranslateStub() as stub:
        url = stub.url
    engine = LibreTranslateEngine(url, KEY, timeout_seconds=1, clock=lambda: now)
    try:
        assert engine.direct_pairs() == frozenset()
        now = RETRY_SECONDS - 1
        assert engine.direct_pairs() == frozenset()
    finally:
        engine.close()
