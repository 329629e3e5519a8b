"""A call waits for its turn where many share a rate, but not for ever."""

from collections.abc import Iterator

import pytest

from tests.engine_stubs.libretranslate_stub import KEY, LibreTranslateStub
from translation_worker.engines import remote_calls
from translation_worker.engines.engine import EngineBusyError, LanguagePair
from translation_worker.engines.libretranslate import LibreTranslateEngine

EN_DE = LanguagePair("en", "de")


class Turnstile:
    """Says to each question for leave what a test has laid out."""

    def __init__(self, *waits: float) -> None:
        self.waits = list(waits)
        self.paused: list[tuple[float, str]] = []
        self.characters: list[int] = []

    def take(self, engine: str, characters: int, account: str = "") -> float:
        self.characters.append(characters)
        return self.waits.pop(0) if self.waits else 0.0

    def pause(self, engine: str, seconds: float, account: str = "") -> None:
        self.paused.append((seconds, account))


@pytest.fixture
def stub() -> Iterator[LibreTranslateStub]:
    with LibreTranslateStub() as server:
        yield server


def translate(stub: LibreTranslateStub, gate: Turnstile) -> list[str | None]:
    engine = LibreTranslateEngine(stub.url, KEY, gate, timeout_seconds=5)
    try:
        return engine.translate(["It rains."], EN_DE, lambda: None)
    finally:
        engine.close()


def test_the_call_is_made_when_its_turn_has_come(stub: LibreTranslateStub) -> None:
    gate = Turnstile(0.05, 0.1, 0.02)
    assert translate(stub, gate) == ["«It rains.»"]
    assert gate.characters == [9] * 4
    assert stub.calls == 1


def test_the_wait_is_told_when_the_turn_is_far_away(stub: LibreTranslateStub) -> None:
    with pytest.raises(EngineBusyError) as caught:
        translate(stub, Turnstile(61.0))
    assert caught.value.retry_after_seconds == 61
    assert stub.calls == 0


def test_the_call_is_given_up_when_its_turn_never_comes(
    stub: LibreTranslateStub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remote_calls, "MAX_TURNS_SECONDS", 0.3)
    with pytest.raises(EngineBusyError):
        translate(stub, Turnstile(*[0.1] * 1000))
    assert stub.calls == 0
