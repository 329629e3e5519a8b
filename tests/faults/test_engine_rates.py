"""One rate for an engine, whichever worker asks it, and what the model is told."""

import json
import time
from collections.abc import Iterator

import pytest

from babelmill.client import requests
from babelmill.jobs.v1 import job_pb2
from babelmill.translation.v1 import translation_pb2
from tests.deadlines import eventually
from tests.engine_stubs.chat_stub import ChatStub
from tests.faults.house import FaultHouse
from tests.faults.workloads import sentences

_CALLS = 4
_WINDOW_SECONDS = 4.0
_JOBS = 4
_PARAGRAPHS = 16


@pytest.fixture
def stub() -> Iterator[ChatStub]:
    with ChatStub() as server:
        yield server


def spec(stub: ChatStub, text: str, domain: str = "") -> job_pb2.JobSpec:
    options = translation_pb2.TranslationOptions(
        engines=["chat"],
        chat_model=translation_pb2.ChatModel(base_url=stub.base_url, model_name="tiny"),
        domain=domain,
        without_memory=True,
    )
    return requests.text_spec(text, "en", ["pt"], options=options)


def long_text(number: int) -> str:
    """A text of so many paragraphs, of which at most a few go into one call."""
    paragraphs = (sentences(26, 1000 * number + 100 * part) for part in range(_PARAGRAPHS))
    return "\n\n".join(paragraphs)


def most_in_a_window(stub: ChatStub) -> int:
    """The most calls that any window has seen, wherever it begins."""
    times = [request.at for request in stub.posts()]
    return max(sum(t <= u < t + _WINDOW_SECONDS for u in times) for t in times)


@pytest.mark.row("S2.5")
def test_two_workers_keep_to_one_rate_with_and_without_redis(
    calm_house: FaultHouse, stub: ChatStub
) -> None:
    settings = {
        "engines": "chat",
        "chat_hosts": f"127.0.0.1:{stub.port}",
        "engine_rates": f"chat={_CALLS}/s",
        "worker_concurrency": 2,
    }
    calm_house.job_service()
    for _ in range(2):
        calm_house.translation_worker(settings=settings)
    client = calm_house.client()
    started_at = time.monotonic()
    jobs = client.submit_many([spec(stub, long_text(number)) for number in range(_JOBS)])
    # Every process has its job before Redis goes, as it could get none without.
    for job_id in jobs:
        calm_house.wait_for_attempt(job_id, 1)
    eventually(lambda: stub.calls >= _JOBS, timeout_seconds=60)
    calm_house.stop_valkey()
    before = stub.calls
    eventually(lambda: stub.calls >= before + _JOBS, timeout_seconds=60)
    calm_house.start_valkey()
    for job_id in jobs:
        calm_house.wait_for_state(job_id, "COMPLETED", timeout_seconds=120)
    assert stub.calls >= _JOBS * _PARAGRAPHS // 4
    # Some calls are late on their way; and the bucket that Redis has lost, a second's calls, is
    # full when it is back. Two rates instead of one would be twice as many.
    assert most_in_a_window(stub) <= _CALLS * (_WINDOW_SECONDS + 1) + 2
    assert time.monotonic() - started_at >= (stub.calls - 2) / _CALLS
    calm_house.settle()
    calm_house.check().insist()


@pytest.mark.row("S1.8")
def test_the_domain_is_in_the_prompt_when_a_job_names_one(
    calm_house: FaultHouse, stub: ChatStub
) -> None:
    calm_house.job_service()
    calm_house.translation_worker(
        settings={"engines": "chat", "chat_hosts": f"127.0.0.1:{stub.port}"}
    )
    job_id = calm_house.client().submit(spec(stub, "A letter has come.", domain="marine insurance"))
    calm_house.wait_for_state(job_id, "COMPLETED")
    (request,) = stub.posts()
    document = json.loads(request.json["messages"][-1]["content"])
    assert document["domain"] == "marine insurance"
    assert [item["text"] for item in document["items"]] == ["A letter has come."]
