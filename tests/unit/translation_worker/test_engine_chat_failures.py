"""The chat engine with a server that fails, a budget that ends, and a key to be kept."""

import json
import logging
import time
from collections.abc import Callable, Iterator

import pytest

from tests.engine_stubs.chat_stub import (
    ChatStub,
    says_the_key,
)
from tests.engine_stubs.stub_server import Reply, garbage, hang, status
from tests.unit.translation_worker.chat_calls import DONE, EN_PT, KEY, TEXTS, brief, translate
from translation_worker.engines import remote_calls
from translation_worker.engines.brief import Brief, BudgetExceeded, ChatModel
from translation_worker.engines.chat import ChatEngine
from translation_worker.engines.engine import (
    EngineBusyError,
    EngineError,
    EngineQuotaError,
    EngineRefusedError,
    EngineUnavailableError,
)


@pytest.fixture
def stub() -> Iterator[ChatStub]:
    with ChatStub() as server:
        yield server


@pytest.fixture
def engine(stub: ChatStub) -> Iterator[ChatEngine]:
    engine = ChatEngine(allowed_hosts=[f"127.0.0.1:{stub.port}"], timeout_seconds=2)
    yield engine
    engine.close()


def test_a_short_wait_is_waited_out_when_the_server_is_busy(
    engine: ChatEngine, stub: ChatStub
) -> None:
    stub.script(status(429, {"Retry-After": "1"}))
    assert translate(engine, stub) == DONE
    first, second = stub.posts()
    assert second.at - first.at >= 1.0


def test_the_wait_is_told_when_it_is_long(engine: ChatEngine, stub: ChatStub) -> None:
    stub.script(status(429, {"Retry-After": "120"}))
    with pytest.raises(EngineBusyError) as caught:
        translate(engine, stub)
    assert caught.value.retry_after_seconds == 120
    assert stub.calls == 1


def test_faults_are_repeated_a_few_times_when_the_server_stumbles(
    engine: ChatEngine, stub: ChatStub
) -> None:
    stub.script(status(500), status(502), garbage())
    assert translate(engine, stub) == DONE
    assert stub.calls == 4
    gaps = [b.at - a.at for a, b in zip(stub.posts(), stub.posts()[1:], strict=False)]
    assert gaps[0] >= 0.25
    assert gaps[1] >= 0.5
    assert gaps[2] >= 1.0


@pytest.mark.parametrize(
    ("act", "error", "calls"),
    [
        (status(500), EngineUnavailableError, 4),
        (garbage(), EngineError, 4),
        (garbage(b'{"choices": [{"mess'), EngineError, 4),
        (status(401), EngineRefusedError, 1),
        (status(403), EngineRefusedError, 1),
        (status(404), EngineRefusedError, 1),
        (status(422), EngineRefusedError, 1),
        (status(301, {"Location": "http://127.0.0.1/"}), EngineRefusedError, 1),
        (status(402), EngineQuotaError, 1),
        (status(429, body=b'{"error": {"code": "insufficient_quota"}}'), EngineQuotaError, 1),
        (hang(), EngineUnavailableError, 1),
        (lambda _: Reply(body=b"{" * 30, promised_bytes=100), EngineUnavailableError, 1),
        (lambda _: Reply(body=b" " * 100, seconds_between_bytes=0.2), EngineUnavailableError, 1),
        (lambda _: Reply(body=b" " * 9_000_000), EngineError, 1),
    ],
)
def test_the_error_has_a_name_when_the_server_fails_every_time(
    engine: ChatEngine,
    stub: ChatStub,
    act: Callable[[object], Reply],
    error: type[EngineError],
    calls: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(remote_calls, "_FIRST_BACKOFF_SECONDS", 0.01)
    stub.script(*[act] * 10)
    started = time.monotonic()
    with pytest.raises(error) as caught:
        translate(engine, stub)
    assert time.monotonic() - started < 5
    assert stub.calls == calls
    assert KEY not in repr(caught.value)


def test_newer_fields_are_used_when_the_model_refuses_the_older(
    engine: ChatEngine, stub: ChatStub
) -> None:
    no_limit = b'{"error": {"message": "Use \'max_completion_tokens\' instead."}}'
    no_temperature = b'{"error": {"param": "temperature", "code": "unsupported_value"}}'
    stub.script(status(400, body=no_limit), status(400, body=no_temperature))
    assert translate(engine, stub) == DONE
    last = stub.posts()[-1].json
    assert "max_tokens" not in last
    assert "temperature" not in last
    assert last["max_completion_tokens"] > 0
    translate(engine, stub)
    assert stub.calls == 4


def test_the_batch_is_halved_when_it_is_too_long_for_the_model(
    engine: ChatEngine, stub: ChatStub
) -> None:
    stub.script(status(400, body=b'{"error": {"code": "context_length_exceeded"}}'))
    assert translate(engine, stub) == DONE
    assert stub.calls == 3


def test_tokens_are_counted_as_the_server_tells_them(engine: ChatEngine, stub: ChatStub) -> None:
    told = brief(stub)
    engine.translate(TEXTS, EN_PT, lambda: None, told)
    assert 50 < told.spending.tokens < 1000


@pytest.mark.parametrize("usage", [None, {}, {"total_tokens": -5}, {"total_tokens": "many"}, []])
def test_tokens_are_estimated_when_the_server_does_not_tell_them(
    engine: ChatEngine, stub: ChatStub, usage: object
) -> None:
    def silent(request: object) -> Reply:
        reply = json.loads(stub.behave(request).body)  # type: ignore[arg-type]  # is one
        return Reply(body=json.dumps({**reply, "usage": usage}).encode())

    stub.script(silent)
    told = brief(stub)
    engine.translate(TEXTS, EN_PT, lambda: None, told)
    assert told.spending.tokens > 200


def test_nothing_is_asked_when_the_budget_does_not_reach(
    engine: ChatEngine, stub: ChatStub
) -> None:
    with pytest.raises(BudgetExceeded):
        translate(engine, stub, max_tokens=300)
    assert stub.calls == 0


def test_the_work_ends_when_the_tokens_are_used_up(engine: ChatEngine, stub: ChatStub) -> None:
    texts = [f"Sentence number {index} about the house." for index in range(100)]
    told = brief(stub, max_tokens=1500)
    with pytest.raises(BudgetExceeded):
        engine.translate(texts, EN_PT, lambda: None, told)
    assert 0 < stub.calls < 5


def test_the_wait_ends_when_the_work_shall_stop(engine: ChatEngine, stub: ChatStub) -> None:
    class Stopped(Exception):
        pass

    def stop() -> None:
        if stub.requests:
            raise Stopped

    stub.script(hang())
    started = time.monotonic()
    with pytest.raises(Stopped):
        engine.translate(TEXTS, EN_PT, stop, brief(stub))
    assert time.monotonic() - started < 1.5
    assert translate(engine, stub) == DONE


@pytest.mark.parametrize("key", ["two words", "line\nbreak", "schlüssel", "k" * 1001])
def test_a_key_is_refused_unsaid_when_it_cannot_go_into_a_header(
    engine: ChatEngine, stub: ChatStub, key: str
) -> None:
    with pytest.raises(EngineRefusedError) as caught:
        translate(engine, stub, key=key)
    assert key not in repr(caught.value)
    assert stub.calls == 0


@pytest.mark.matrix(46)
@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:1/v1",
        "http://localhost:6379/v1",
        "http://169.254.169.254/latest",
        "http://[::ffff:10.0.0.1]/v1",
        "ftp://example.org/v1",
        "http://user:pass@example.org/v1",
        "",
    ],
)
def test_an_address_is_refused_when_it_is_not_public(engine: ChatEngine, url: str) -> None:
    model = ChatModel(base_url=url, model_name="m", api_key=KEY)
    with pytest.raises(EngineRefusedError):
        engine.translate(["It rains."], EN_PT, lambda: None, Brief(chat_model=model))


@pytest.mark.matrix(54)
def test_the_key_is_nowhere_when_the_server_echoes_it(
    engine: ChatEngine,
    stub: ChatStub,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    caplog.set_level(logging.DEBUG)
    stub.script(says_the_key())
    told = brief(stub)
    with pytest.raises(EngineRefusedError) as caught:
        engine.translate(TEXTS, EN_PT, lambda: None, told)
    error: BaseException | None = caught.value
    while error is not None:
        assert KEY not in f"{error!r}{error}"
        error = error.__cause__ or error.__context__
    assert KEY not in repr(told)
    assert KEY not in repr(vars(engine))
    for record in caplog.records:
        assert KEY not in record.getMessage()
    said = capfd.readouterr()
    assert KEY not in said.out + said.err
