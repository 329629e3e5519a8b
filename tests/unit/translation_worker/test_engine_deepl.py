"""The DeepL engine against a server that keeps to DeepL's limits and answers as it does."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.engine_stubs.deepl_stub import KEY, MAX_BODY_BYTES, DeepLStub
from tests.engine_stubs.stub_server import Reply, garbage, hang, json_reply, status
from translation_worker.engines import remote_calls
from translation_worker.engines.brief import NO_BRIEF, Brief
from translation_worker.engines.deepl import DeepLEngine, from_xml, to_xml
from translation_worker.engines.engine import (
    EngineBusyError,
    EngineError,
    EngineQuotaError,
    EngineRefusedError,
    EngineUnavailableError,
    LanguagePair,
)
from translation_worker.engines.registry import EngineSources, find_engines

EN_DE = LanguagePair("en", "de")


@pytest.fixture
def stub() -> Iterator[DeepLStub]:
    with DeepLStub() as server:
        yield server


@pytest.fixture
def engine(stub: DeepLStub) -> Iterator[DeepLEngine]:
    engine = DeepLEngine(KEY, url=stub.url, timeout_seconds=2)
    yield engine
    engine.close()


def translate(
    engine: DeepLEngine, *texts: str, pair: LanguagePair = EN_DE, brief: Brief = NO_BRIEF
) -> list[str | None]:
    return engine.translate(texts, pair, lambda: None, brief)


def test_texts_come_back_in_order_when_all_is_well(engine: DeepLEngine, stub: DeepLStub) -> None:
    texts = ["The house is red.", "a < b && c > d", "<keep>x</keep> &amp; XQZ0, QX12!"]
    assert translate(engine, *texts) == [f"«{text}»" for text in texts]
    asked = stub.posts()[0].json
    assert (asked["source_lang"], asked["target_lang"]) == ("EN", "DE")
    assert asked["ignore_tags"] == ["keep"]
    assert asked["text"][2].count("<keep>") == 2
    assert "formality" not in asked


@given(st.text())
def test_a_text_stays_as_it_is_when_it_goes_through_the_markup(text: str) -> None:
    assert from_xml(to_xml(text)) == text


def test_a_text_is_given_up_when_markup_comes_back_that_was_not_sent(
    engine: DeepLEngine, stub: DeepLStub
) -> None:
    stub.script(lambda _: json_reply({"translations": [{"text": "a <b>c</b>"}, {"text": "d"}]}))
    assert translate(engine, "One.", "Two.") == [None, "d"]


@pytest.mark.parametrize(
    ("target", "code"), [("pt", "PT-PT"), ("pt-br", "PT-BR"), ("en", "EN-US"), ("en-gb", "EN-GB")]
)
def test_the_variant_is_named_when_deepl_wants_one(
    engine: DeepLEngine, stub: DeepLStub, target: str, code: str
) -> None:
    translate(engine, "Das Haus.", pair=LanguagePair("de", target))
    assert stub.posts()[0].json["target_lang"] == code


@pytest.mark.parametrize(
    ("tone", "formality"),
    [("formal", "prefer_more"), ("informal", "prefer_less"), ("neutral", None), ("", None)],
)
def test_the_tone_is_a_preference_when_there_is_one(
    engine: DeepLEngine, stub: DeepLStub, tone: str, formality: str | None
) -> None:
    translate(engine, "It rains.", brief=Brief(tone=tone, domain="legal"))
    asked = stub.posts()[0].json
    assert asked.get("formality") == formality
    assert asked["context"] == "legal"


def test_requests_keep_within_deepls_limits_when_there_is_much(
    engine: DeepLEngine, stub: DeepLStub
) -> None:
    texts = [f"Short {index}." for index in range(120)] + ["ü&" * 2400 for _ in range(60)]
    assert translate(engine, *texts) == [f"«{text}»" for text in texts]
    assert all(len(request.body) <= MAX_BODY_BYTES for request in stub.posts())
    assert all(len(request.json["text"]) <= 50 for request in stub.posts())


def test_the_pairs_are_those_that_deepl_tells(engine: DeepLEngine, stub: DeepLStub) -> None:
    pairs = engine.direct_pairs()
    assert {EN_DE, LanguagePair("de", "pt-br"), LanguagePair("de", "pt")} <= pairs
    assert LanguagePair("en", "en-gb") not in pairs
    engine.direct_pairs()
    assert len(stub.requests) == 2, "they are remembered"


@pytest.mark.parametrize(
    ("act", "error", "calls"),
    [
        (status(456), EngineQuotaError, 1),
        (status(403), EngineRefusedError, 1),
        (status(400), EngineRefusedError, 1),
        (status(413), EngineRefusedError, 1),
        (status(429, {"Retry-After": "90"}), EngineBusyError, 1),
        (status(429), EngineBusyError, 4),
        (status(529), EngineBusyError, 4),
        (status(503), EngineUnavailableError, 4),
        (garbage(), EngineError, 4),
        (hang(), EngineUnavailableError, 1),
        (lambda _: json_reply({"translations": []}), EngineError, 1),
        (lambda _: json_reply([]), EngineError, 1),
    ],
)
def test_the_error_has_a_name_when_deepl_fails(
    engine: DeepLEngine,
    stub: DeepLStub,
    act: Callable[[object], Reply],
    error: type[EngineError],
    calls: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(remote_calls, "_FIRST_BACKOFF_SECONDS", 0.01)
    stub.script(*[act] * 10)
    with pytest.raises(error) as caught:
        translate(engine, "It rains.")
    assert stub.calls == calls
    assert KEY not in repr(caught.value)


def test_it_is_asked_again_when_it_was_busy_for_a_moment(
    engine: DeepLEngine, stub: DeepLStub
) -> None:
    stub.script(status(529, {"Retry-After": "1"}), status(429))
    assert translate(engine, "It rains.") == ["«It rains.»"]
    first, second, _ = stub.posts()
    assert second.at - first.at >= 1


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o622])
def test_the_engine_is_left_out_when_others_can_read_its_key(tmp_path: Path, mode: int) -> None:
    file = tmp_path / "key"
    file.write_text(f"{KEY}\n")
    file.chmod(mode)
    assert list(find_engines(["deepl"], tmp_path, sources=EngineSources(deepl_key_file=file))) == []


@pytest.mark.parametrize("content", [b"", b"\n", b"two words", b"\xff\xfe", b"k" * 2000])
def test_the_engine_is_left_out_when_there_is_no_key_in_its_file(
    tmp_path: Path, content: bytes
) -> None:
    file = tmp_path / "key"
    file.write_bytes(content)
    file.chmod(0o600)
    assert list(find_engines(["deepl"], tmp_path, sources=EngineSources(deepl_key_file=file))) == []


def test_the_engine_is_there_when_its_key_is_its_owners_alone(
    tmp_path: Path, stub: DeepLStub
) -> None:
    file = tmp_path / "key"
    file.write_text(f"{KEY}\n")
    file.chmod(0o400)
    sources = EngineSources(deepl_key_file=file, deepl_url=stub.url)
    found = find_engines(["deepl"], tmp_path, sources=sources)
    assert stub.requests == [], "nothing is asked before there is work"
    assert EN_DE in found["deepl"].direct_pairs()
    found.close()
