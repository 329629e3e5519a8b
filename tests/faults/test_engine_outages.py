"""Engines' servers that fail, hang, and answer garbage, played by a stub that counts its calls."""

import json
import signal
import time
from collections.abc import Iterator

import pytest

from babelmill.client import requests
from babelmill.jobs.v1 import job_pb2
from babelmill.translation.v1 import translation_pb2
from tests.engine_stubs.chat_stub import ChatStub, answers, changes, says_the_key, upper_case
from tests.engine_stubs.stub_server import Act, garbage, hang, status
from tests.faults.house import FaultHouse
from tests.faults.service import Service
from tests.faults.table import FaultRow
from tests.faults.workloads import sentences

_TEXT = "The house is red.\nIt rains in the street.\nNobody knows why.\n"
_SENTENCES = 3
_TIMEOUT_SECONDS = 3
_KEY = "sk-Canary7Qz0123456789"


@pytest.fixture
def stub() -> Iterator[ChatStub]:
    with ChatStub() as server:
        yield server


def spec(stub: ChatStub, *engines: str, text: str = _TEXT, max_tokens: int = 0) -> job_pb2.JobSpec:
    """A translation by the stub's model, and by other engines where it fails."""
    options = translation_pb2.TranslationOptions(
        engines=engines or ["chat"],
        chat_model=translation_pb2.ChatModel(
            base_url=stub.base_url, model_name="tiny", api_key=_KEY
        ),
        budget=translation_pb2.Budget(max_tokens=max_tokens),
        without_memory=True,
    )
    return requests.text_spec(text, "en", ["pt"], options=options)


def open_house(house: FaultHouse, stub: ChatStub) -> Service:
    key_file = house.directory / "secrets.key"
    key_file.touch(mode=0o600)
    key_file.write_text("5e" * 32)
    house.job_service(settings={"secrets_key_file": key_file, "log_level": "debug"})
    return house.translation_worker(
        settings={
            "log_level": "debug",
            "engines": "bergamot,chat",
            "chat_hosts": f"127.0.0.1:{stub.port}",
            "engine_timeout_seconds": _TIMEOUT_SECONDS,
        }
    )


def reason_of(house: FaultHouse, job_id: str) -> str:
    rows = house.sql("SELECT error->>'reason' FROM steps WHERE job_id = %s", [job_id])
    return str(rows[0][0])


def attempts_of(house: FaultHouse, job_id: str) -> int:
    return int(house.sql("SELECT max(attempt) FROM steps WHERE job_id = %s", [job_id])[0][0])


def read(house: FaultHouse, job_id: str) -> str:
    (row,) = house.sql(
        "SELECT inline FROM artifacts WHERE job_id = %s AND role = 'output' ORDER BY filename DESC"
        " LIMIT 1",
        [job_id],
    )
    return bytes(row[0]).decode()


def cut_off(stub: ChatStub) -> Act:
    """A completion of which the second half is missing."""

    def act(request: object) -> object:
        reply = stub.behave(request)  # type: ignore[arg-type]  # a Request
        return type(reply)(body=reply.body[: len(reply.body) // 2])

    return act  # type: ignore[return-value]  # as above


@pytest.mark.fault(35)
@pytest.mark.parametrize(
    ("name", "calls"),
    [
        ("busy", 2),
        pytest.param("failing", 2, marks=pytest.mark.slow),
        pytest.param("garbage", 2, marks=pytest.mark.slow),
        pytest.param("cut off", 2, marks=pytest.mark.slow),
        pytest.param("merged", 3, marks=pytest.mark.slow),
        ("hanging", 2),
    ],
)
def test_the_job_ends_well_when_the_engines_server_recovers(
    house: FaultHouse, row: FaultRow, stub: ChatStub, name: str, calls: int
) -> None:
    """I1, I2: within the attempt where that is soon enough, else in the next; calls are few."""
    act: Act = {
        "busy": status(429, {"Retry-After": "2"}),
        "failing": status(500),
        "garbage": garbage(),
        "cut off": cut_off(stub),
        "merged": changes(lambda items: {"items": [{"id": 1, "text": str(items)}]}),
        "hanging": hang(),
    }[name]
    open_house(house, stub)
    stub.script(act)
    started_at = time.monotonic()
    job_id = house.client().submit(spec(stub))
    house.wait_for_state(job_id, "COMPLETED", timeout_seconds=60)
    row.recovered(time.monotonic() - started_at)
    assert "«" in read(house, job_id)
    made = stub.calls
    row.note(f"{name}: {made} calls")
    assert made <= calls + 1
    if name == "busy":
        first, second = stub.posts()[:2]
        assert second.at - first.at >= 2
    assert attempts_of(house, job_id) == (2 if name == "hanging" else 1)
    house.settle()
    row.judge(house)


@pytest.mark.fault(35)
def test_the_next_engine_takes_over_when_the_first_ones_server_only_fails(
    house: FaultHouse, row: FaultRow, stub: ChatStub
) -> None:
    """I1: the job completes by the engine that works, and the broken one is left alone soon."""
    open_house(house, stub)
    stub.script(*[status(503)] * 1000)
    job_id = house.client().submit(spec(stub, "chat", "bergamot", text=sentences(60)))
    house.wait_for_state(job_id, "COMPLETED", timeout_seconds=90)
    assert "«" not in read(house, job_id)
    assert attempts_of(house, job_id) == 1
    row.note(f"failing for good: {stub.calls} calls, then the next engine")
    # The breaker opens after three failures of four calls each.
    assert stub.calls <= 12
    house.settle()
    row.judge(house)


@pytest.mark.fault(35)
@pytest.mark.slow
def test_the_job_fails_by_name_when_the_server_refuses_or_the_budget_is_used_up(
    house: FaultHouse, row: FaultRow, stub: ChatStub
) -> None:
    """I1, I2: at once where no retry can help."""
    worker = open_house(house, stub)
    client = house.client()
    for act, reason in (
        (status(401), "ENGINE_REFUSED"),
        (says_the_key(), "ENGINE_REFUSED"),
        (status(402), "ENGINE_QUOTA_EXCEEDED"),
    ):
        before = stub.calls
        stub.script(act)
        job_id = client.submit(spec(stub))
        house.wait_for_state(job_id, "FAILED", timeout_seconds=30)
        assert reason_of(house, job_id) == reason
        assert stub.calls == before + 1
    before = stub.calls
    job_id = client.submit(spec(stub, max_tokens=10))
    house.wait_for_state(job_id, "FAILED", timeout_seconds=30)
    assert reason_of(house, job_id) == "BUDGET_EXCEEDED"
    assert stub.calls == before
    assert worker.alive
    house.settle()
    row.judge(house)


@pytest.mark.fault(35)
@pytest.mark.slow
def test_the_source_is_kept_and_told_when_the_model_never_makes_sense(
    house: FaultHouse, row: FaultRow, stub: ChatStub
) -> None:
    """I1: calls are bounded by the sentences, and nothing of the model's nonsense comes out."""
    open_house(house, stub)
    stub.script(*[answers(json.dumps({"items": []}))] * 1000)
    job_id = house.client().submit(spec(stub))
    house.wait_for_state(job_id, "COMPLETED", timeout_seconds=60)
    text = read(house, job_id)
    row.note(f"nonsense for good: {stub.calls} calls for {_SENTENCES} sentences")
    assert stub.calls <= 12 * _SENTENCES
    assert upper_case("") not in text
    house.settle()
    row.judge(house)


@pytest.mark.matrix(52, 54)
@pytest.mark.fault(35)
@pytest.mark.slow
def test_the_key_is_in_no_file_and_no_command_line_when_the_server_echoes_it(
    house: FaultHouse, row: FaultRow, stub: ChatStub
) -> None:
    """The database and its log, Valkey, artifacts, scratch files, and logs at their most wordy."""
    worker = open_house(house, stub)
    client = house.client()
    key = _KEY.encode()
    stub.script(
        says_the_key(),
        garbage(b"{" + key),
        answers(f'{{"items": [{{"id": 1, "text": "{_KEY}"}}]}}'),
        status(500, {"X-Echo": _KEY}, key),
    )
    refused = client.submit(spec(stub))
    house.wait_for_state(refused, "FAILED")
    done = client.submit(spec(stub, text="The house is red."))
    house.wait_for_state(done, "COMPLETED")
    assert {each.headers["authorization"] for each in stub.posts()} == {f"Bearer {_KEY}"}
    for process in worker.processes():
        assert _KEY not in " ".join(process.cmdline())
    house.settle()
    row.judge(house)
    house.stop_postgres(signal.SIGINT)
    searched = [path for path in house.directory.rglob("*") if path.is_file()]
    assert len(searched) > 100
    assert [path for path in searched if key in path.read_bytes()] == []
    row.note("the key is in none of the house's files")
