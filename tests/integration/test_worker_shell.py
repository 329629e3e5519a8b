"""A real worker process against a real broker and a peer that records its calls."""

import hashlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import grpc
import psutil
import pytest
import redis

from babelmill.jobs.v1 import lease_pb2, progress_pb2, worker_service_pb2
from babelmill.kit.wire.status_details import ErrorDetails
from tests.collector import Collector
from tests.deadlines import eventually
from tests.worker_peer import (
    TRACEPARENT,
    PeerStep,
    WorkerPeer,
    failure_of,
    outputs_of,
    publisher,
)
from tests.worker_process import WorkerProcess

if TYPE_CHECKING:
    from babelmill.stack.valkey import EmbeddedValkey

TRACE_ID = TRACEPARENT.split("-")[1]


@pytest.fixture(scope="module")
def peer() -> Iterator[WorkerPeer]:
    peer = WorkerPeer()
    peer.start()
    yield peer
    peer.stop()


@pytest.fixture(scope="module")
def collector() -> Iterator[Collector]:
    collector = Collector()
    yield collector
    collector.stop()


@pytest.fixture(scope="module")
def broker_url(valkey_server: "EmbeddedValkey") -> str:
    return valkey_server.url(5)


@pytest.fixture(scope="module")
def worker(
    peer: WorkerPeer,
    collector: Collector,
    broker_url: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[WorkerProcess]:
    worker = WorkerProcess(
        tmp_path_factory.mktemp("worker"),
        grpc_port=peer.port,
        redis_url=broker_url,
        otlp_endpoint=collector.endpoint,
    )
    peer.wait_for("AnnounceWorker")
    yield worker
    worker.end()


@pytest.fixture(scope="module")
def publish(broker_url: str) -> Callable[..., None]:
    return publisher(broker_url)


@pytest.fixture
def run(
    worker: WorkerProcess, peer: WorkerPeer, publish: Callable[..., None]
) -> Callable[..., PeerStep]:
    def run(script: dict[str, object], **options: object) -> PeerStep:
        step = peer.add(PeerStep(script, **options))  # type: ignore[arg-type]  # a test's options
        publish(step)
        return step

    return run


Run = Callable[..., PeerStep]


def test_worker_announces_itself_again_when_the_interval_has_passed(
    worker: WorkerProcess, peer: WorkerPeer
) -> None:
    first = peer.wait_for("AnnounceWorker").request
    assert isinstance(first, worker_service_pb2.AnnounceWorkerRequest)
    assert first.service == "scripted_worker"
    assert first.worker_id.endswith(f":{worker.pid}")
    assert first.step_kinds == ["translate_text"]
    eventually(lambda: len(peer.of("AnnounceWorker")) >= 2)


def test_outputs_are_reported_when_the_handler_returns(run: Run, peer: WorkerPeer) -> None:
    step = run({"do": "echo", "text": "olá"})
    call = peer.wait_for("CompleteStep", step)
    (output,) = outputs_of(call)
    assert output.inline.decode() == "olá"
    assert output.digest.sha256 == hashlib.sha256("olá".encode()).hexdigest()
    assert call.metadata["authorization"] == "Bearer worker-token"
    acquired = peer.of("AcquireLeases", step)[0].request
    assert isinstance(acquired, worker_service_pb2.AcquireLeasesRequest)
    assert isinstance(call.request, worker_service_pb2.CompleteStepRequest)
    assert call.request.ref == acquired.refs[0]
    assert not peer.of("FailStep", step)


def test_handler_runs_in_a_spawned_child_when_a_step_arrives(
    run: Run, peer: WorkerPeer, worker: WorkerProcess
) -> None:
    step = run({"do": "whoami"})
    (output,) = outputs_of(peer.wait_for("CompleteStep", step))
    facts = json.loads(output.inline)
    assert facts["parent"] == worker.pid
    assert "spawn_main" in " ".join(psutil.Process(facts["pid"]).cmdline())
    assert facts["empty"]
    eventually(lambda: not Path(facts["scratch"]).exists())


def test_large_output_is_staged_under_the_lease_when_over_the_inline_limit(
    run: Run, peer: WorkerPeer, worker: WorkerProcess
) -> None:
    step = run({"do": "stage", "size": 200_000})
    (output,) = outputs_of(peer.wait_for("CompleteStep", step))
    assert output.storage_key.startswith(f"staging/{step.step_id}/")
    assert (worker.artifacts / output.storage_key).read_bytes() == b"x" * 200_000


def test_named_failure_is_reported_when_the_handler_raises_it(run: Run, peer: WorkerPeer) -> None:
    failure = failure_of(peer.wait_for("FailStep", run({"do": "fail"})))
    assert (failure.reason, failure.retryable) == ("ENGINE_UNAVAILABLE", True)
    assert failure.message == "The engine sleeps."
    assert failure.retry_after.ToMilliseconds() == 2500
    assert failure.metadata == {"engine": "none"}


def test_text_of_an_unknown_error_stays_inside_when_a_handler_breaks(
    run: Run, peer: WorkerPeer, worker: WorkerProcess
) -> None:
    failure = failure_of(peer.wait_for("FailStep", run({"do": "bug", "secret": "canary-7391"})))
    assert (failure.reason, failure.retryable) == ("INTERNAL", True)
    assert "canary-7391" not in failure.message
    eventually(lambda: "handler_broke" in worker.log)
    assert "canary-7391" not in worker.log


def test_progress_arrives_growing_when_the_handler_reports_it(run: Run, peer: WorkerPeer) -> None:
    step = run({"do": "progress", "ticks": 20})
    peer.wait_for("CompleteStep", step)
    reports = [call.request for call in peer.of("Heartbeat", step)]
    told = [
        report.progress
        for report in reports
        if isinstance(report, lease_pb2.LeaseReport) and report.HasField("progress")
    ]
    assert 2 <= len(told) <= 10  # coalesced: 21 reports at 0.05 s, heartbeats at 0.2 s
    done = [progress.done for progress in told]
    assert done == sorted(set(done))
    assert all(progress.unit == progress_pb2.PROGRESS_UNIT_CHARACTERS for progress in told)


def test_step_is_failed_as_cancelled_when_a_heartbeat_says_cancel(
    run: Run, peer: WorkerPeer, worker: WorkerProcess
) -> None:
    step = run({"do": "wait"})
    peer.wait_for("Heartbeat", step)
    assert list((worker.artifacts / "staging" / str(step.step_id)).rglob("*partial.bin"))
    step.directive = lease_pb2.LEASE_DIRECTIVE_CANCEL
    failure = failure_of(peer.wait_for("FailStep", step))
    assert (failure.reason, failure.retryable) == ("CANCELLED", False)
    assert not (worker.artifacts / "staging" / str(step.step_id)).exists()


def test_nothing_is_reported_when_the_lease_is_lost(run: Run, peer: WorkerPeer) -> None:
    step = run({"do": "wait"})
    peer.wait_for("Heartbeat", step)
    step.directive = lease_pb2.LEASE_DIRECTIVE_LOST
    # The only child is free again when the next step has run.
    peer.wait_for("CompleteStep", run({"do": "echo", "text": "next"}))
    assert not peer.of("FailStep", step)
    assert not peer.of("CompleteStep", step)


def test_step_is_failed_when_its_timeout_passes(run: Run, peer: WorkerPeer) -> None:
    failure = failure_of(peer.wait_for("FailStep", run({"do": "wait"}, timeout_seconds=0.5)))
    assert (failure.reason, failure.retryable) == ("STEP_TIMEOUT", True)


def test_cancel_is_confirmed_when_completion_comes_too_late(run: Run, peer: WorkerPeer) -> None:
    refusal = ErrorDetails(grpc.StatusCode.ABORTED, "cancelled", reason="STEP_CANCELLED")
    step = run({"do": "echo", "text": "late"}, refuse_complete=refusal)
    assert failure_of(peer.wait_for("FailStep", step)).reason == "CANCELLED"


def test_outputs_are_dropped_when_the_lease_is_stale_at_the_end(
    run: Run, peer: WorkerPeer, worker: WorkerProcess
) -> None:
    refusal = ErrorDetails(grpc.StatusCode.ABORTED, "stale", reason="STALE_LEASE")
    step = run({"do": "stage", "size": 200_000}, refuse_complete=refusal)
    peer.wait_for("CompleteStep", step)
    peer.wait_for("CompleteStep", run({"do": "echo", "text": "next"}))
    assert not (worker.artifacts / "staging" / str(step.step_id)).exists()
    assert not peer.of("FailStep", step)


def test_completion_is_repeated_with_the_same_lease_when_the_service_is_away(
    run: Run, peer: WorkerPeer
) -> None:
    peer.unavailable.add("CompleteStep")
    step = run({"do": "echo", "text": "again"})
    # More than the channel's own four tries: the reporter goes on.
    eventually(lambda: len(peer.of("CompleteStep", step)) > 5)
    peer.unavailable.clear()
    # The only child is free again when the step is accepted.
    peer.wait_for("CompleteStep", run({"do": "echo", "text": "next"}))
    refs = {
        call.request.ref.lease_id
        for call in peer.of("CompleteStep", step)
        if isinstance(call.request, worker_service_pb2.CompleteStepRequest)
    }
    assert len(refs) == 1
    assert not peer.of("FailStep", step)


def test_work_goes_on_when_heartbeats_do_not_arrive(run: Run, peer: WorkerPeer) -> None:
    peer.unavailable.add("Heartbeat")
    step = run({"do": "progress", "ticks": 30})
    peer.wait_for("CompleteStep", step)
    peer.unavailable.clear()
    assert len(peer.of("Heartbeat", step)) >= 2
    assert not peer.of("FailStep", step)


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

    def line() -> dict[str, object] | None:
        lines = [json.loads(text) for text in worker.log.splitlines() if text.endswith("}")]
        ended = [entry for entry in lines if entry.get("step_id") == str(step.step_id)]
        return ended[-1] if ended else None

    entry = eventually(line)
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
