"""What a real worker process takes from the broker, in which order, and into which trace."""

import base64
import json
import pickle
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
import redis

from babelmill.jobs.v1 import lease_pb2
from tests.collector import Collector
from tests.deadlines import eventually
from tests.worker_peer import (
    TRACEPARENT,
    PeerStep,
    WorkerPeer,
)
from tests.worker_process import WorkerProcess

TRACE_ID = TRACEPARENT.split("-")[1]
Run = Callable[..., PeerStep]


def test_message_is_dropped_when_its_generation_is_stale(
    run: Run, peer: WorkerPeer, publish: Callable[..., None]
) -> None:
    step = PeerStep({"do": "echo", "text": "old"}, generation=1)
    peer.add(PeerStep({"do": "echo", "text": "new"}, step_id=step.step_id, generation=2))
    publish(step)
    peer.wait_for("AcquireLeases", step)
    peer.wait_for("CompleteStep", run({"do": "echo", "text": "next"}))
    assert not peer.of("CompleteStep", step)


def test_other_work_goes_on_when_a_handler_kills_its_process(run: Run, peer: WorkerPeer) -> None:
    dead = run({"do": "die"})
    peer.wait_for("AcquireLeases", dead)
    peer.steps[str(dead.step_id)].generation = 2  # the reaper gives the step on
    peer.wait_for("CompleteStep", run({"do": "echo", "text": "alive"}))
    assert not peer.of("CompleteStep", dead)


@pytest.mark.matrix(57)
@pytest.mark.parametrize(
    "entry",
    [
        b"not json",
        b"\xff\xfe\x00",
        b"[]",
        b"null",
        b"17",
        b"{}",
        b'{"properties": {}}',
        b'{"properties": {"delivery_tag": "t1", "delivery_info": {}}, "body": "e30="}',
        b'{"properties": {"delivery_tag": "t2", "delivery_info": {}, "body_encoding": "base64"},'
        b' "body": "!!", "headers": {"task": "babelmill.run_step", "id": "1"}}',
        b'{"properties": {"delivery_tag": "t3", "delivery_info": {}, "body_encoding": "base64"},'
        b' "body": "e30=", "content-type": "application/x-python-serialize",'
        b' "content-encoding": "binary", "headers": {"task": "babelmill.run_step", "id": "2"}}',
        b'{"properties": {"delivery_tag": "t4", "delivery_info": {}, "body_encoding": "base64"},'
        b' "body": "W1tdLHsic3RlcF9pZCI6IDF9LHt9XQ==", "content-type": "application/json",'
        b' "content-encoding": "utf-8", "headers": {"task": "babelmill.run_step", "id": "3"}}',
        b'{"properties": {"delivery_tag": "t5", "delivery_info": {}, "body_encoding": "base64"},'
        b' "body": "W1tdLHt9LHt9XQ==", "content-type": "application/json",'
        b' "content-encoding": "utf-8", "headers": {"task": "no.such.task", "id": "4"}}',
        b'{"properties": {"delivery_tag": "t6", "delivery_info": {}, "body_encoding": "base64"},'
        b' "body": "W1tdLHt9LHt9XQ==", "content-type": "application/json",'
        b' "content-encoding": "utf-8", "headers": {"task": "babelmill.run_step", "id": "5",'
        b' "timelimit": "x", "eta": "y"}}',
    ],
)
def test_worker_goes_on_when_a_queue_holds_what_is_no_message(
    run: Run, peer: WorkerPeer, worker: WorkerProcess, broker_url: str, entry: bytes
) -> None:
    with redis.Redis.from_url(broker_url) as client:
        client.lpush("translation.normal", entry)
        peer.wait_for("CompleteStep", run({"do": "echo", "text": "after"}))
        assert client.llen("translation.normal") == 0
    # Two more: what was dropped must not hold the only slot.
    peer.wait_for("CompleteStep", run({"do": "echo", "text": "after"}))
    assert psutil.pid_exists(worker.pid)


class Touch:
    """Makes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __reduce__(self) -> tuple[Callable[..., None], tuple[Path]]:
        return (Path.touch, (self._path,))


@pytest.mark.matrix(57)
@pytest.mark.parametrize("kind", ["application/x-python-serialize", "application/x-yaml"])
def test_nothing_is_run_when_a_message_is_pickled_or_yaml(
    run: Run, peer: WorkerPeer, worker: WorkerProcess, broker_url: str, tmp_path: Path, kind: str
) -> None:
    touched = tmp_path / "touched"
    body = (
        pickle.dumps([[], {"step_id": Touch(touched)}, {}])
        if "python" in kind
        else f"- !!python/object/apply:os.mknod ['{touched}']\n- {{}}\n- {{}}\n".encode()
    )
    envelope = {
        "body": base64.b64encode(body).decode(),
        "content-type": kind,
        "content-encoding": "binary",
        "headers": {"task": "babelmill.run_step", "id": "p"},
        "properties": {"body_encoding": "base64", "delivery_tag": "p", "delivery_info": {}},
    }
    with redis.Redis.from_url(broker_url) as client:
        client.lpush("translation.normal", json.dumps(envelope))
        peer.wait_for("CompleteStep", run({"do": "echo", "text": "after"}))
        assert client.llen("translation.normal") == 0
    assert psutil.pid_exists(worker.pid)
    assert not touched.exists()


def test_urgent_goes_first_and_low_last_when_all_queues_wait(
    run: Run, peer: WorkerPeer, publish: Callable[..., None]
) -> None:
    blocker = run({"do": "wait"})
    peer.wait_for("Heartbeat", blocker)
    waiting: list[tuple[str, PeerStep]] = []
    for priority in ("low", "normal", "urgent", "low", "normal", "urgent", "normal", "low"):
        step = peer.add(PeerStep({"do": "echo", "text": priority}))
        publish(step, priority)
        waiting.append((priority, step))
    blocker.directive = lease_pb2.LEASE_DIRECTIVE_CANCEL
    for _, step in waiting:
        peer.wait_for("CompleteStep", step)
    names = {str(step.step_id): priority for priority, step in waiting}
    taken = [names[call.step_id] for call in peer.of("AcquireLeases") if call.step_id in names]
    assert taken == ["urgent"] * 2 + ["normal"] * 3 + ["low"] * 3
    ids = [call.step_id for call in peer.of("AcquireLeases") if call.step_id in names]
    for priority in ("urgent", "normal", "low"):
        sent = [str(step.step_id) for name, step in waiting if name == priority]
        assert [step_id for step_id in ids if names[step_id] == priority] == sent


def test_attempt_belongs_to_the_jobs_trace_when_the_message_carries_it(
    run: Run, peer: WorkerPeer, collector: Collector
) -> None:
    step = run({"do": "echo", "text": "traced"})
    call = peer.wait_for("CompleteStep", step)
    version, trace_id, parent_id, _ = call.metadata["traceparent"].split("-")
    assert (version, trace_id) == ("00", TRACE_ID)

    def arrived() -> bool:
        return any(span.span_id == parent_id for span in collector.trace(TRACE_ID))

    eventually(arrived)
    spans = {span.span_id: span for span in collector.trace(TRACE_ID)}
    complete = spans[parent_id]
    attempt = spans[complete.parent_id]
    assert complete.name.endswith("/CompleteStep")
    assert (attempt.name, attempt.parent_id) == ("step.attempt", TRACEPARENT.split("-")[2])
    assert attempt.attributes["babelmill.step_id"] == str(step.step_id)
    assert attempt.attributes["babelmill.outcome"] == "completed"
    assert attempt.service == "scripted_worker"
    below = {
        span.name.split("/")[-1] for span in spans.values() if span.parent_id == attempt.span_id
    }
    assert below == {"AcquireLeases", "CompleteStep"}
    assert not any("Heartbeat" in span.name for span in collector.everything())


def test_attempt_joins_the_leases_trace_when_the_message_has_lost_it(
    worker: WorkerProcess, peer: WorkerPeer, publish: Callable[..., None]
) -> None:
    step = peer.add(PeerStep({"do": "echo", "text": "untraced"}))
    publish(step, traceparent="")
    call = peer.wait_for("CompleteStep", step)
    assert call.metadata["traceparent"].split("-")[1] == TRACE_ID
    assert "traceparent" not in peer.of("AcquireLeases", step)[0].metadata


def test_log_lines_carry_the_trace_and_the_ids_when_an_attempt_ends(
    run: Run, peer: WorkerPeer, worker: WorkerProcess
) -> None:
    step = run({"do": "echo", "text": "logged"})
    peer.wait_for("CompleteStep", step)

    assert all(text.startswith("{") for text in worker.log.splitlines())

    def lines() -> list[dict[str, object]]:
        entries = [json.loads(text) for text in worker.log.splitlines() if text.endswith("}")]
        return [entry for entry in entries if entry.get("step_id") == str(step.step_id)]

    entry = eventually(lines)[-1]
    assert entry["event"] == "attempt_ended"
    assert entry["trace_id"] == TRACE_ID
    assert entry["service"] == "scripted_worker"


def test_broker_holds_ids_alone_when_a_step_waits(
    run: Run, peer: WorkerPeer, publish: Callable[..., None], broker_url: str
) -> None:
    blocker = run({"do": "wait"})
    peer.wait_for("Heartbeat", blocker)
    step = peer.add(PeerStep({"do": "echo", "text": "queued"}))
    publish(step)
    with redis.Redis.from_url(broker_url) as client:
        assert client.llen("translation.normal") == 1
    blocker.directive = lease_pb2.LEASE_DIRECTIVE_CANCEL
    peer.wait_for("CompleteStep", step)
