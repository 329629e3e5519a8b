"""How attempts of a real worker process end, as its peer sees it."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import grpc
import psutil

from babelmill.jobs.v1 import lease_pb2, progress_pb2, worker_service_pb2
from babelmill.kit.wire.status_details import ErrorDetails
from tests.deadlines import eventually
from tests.worker_peer import (
    PeerStep,
    WorkerPeer,
    failure_of,
    outputs_of,
)
from tests.worker_process import WorkerProcess

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
