"""Workers that die, freeze, come back too late, or leave."""

import signal
import time
from collections.abc import Callable
from contextlib import suppress

import psutil
import pytest
import redis

from babelmill.kit.process.failpoints import FAILPOINTS
from tests.deadlines import eventually
from tests.faults.house import FaultHouse
from tests.faults.service import Service
from tests.faults.table import FaultRow
from tests.faults.workloads import ClipMaker, long_text, short_texts, text_spec, transcode_spec

LEASE_SECONDS = 3.0
"""The lease of a house at its usual pace."""

_OF_WORKER = sorted(name for name in FAILPOINTS if name.startswith("worker."))


def _outcomes(worker: Service) -> list[object]:
    return [line["outcome"] for line in worker.events("attempt_ended")]


@pytest.mark.fault(7)
def test_the_step_runs_again_when_its_child_is_killed(house: FaultHouse, row: FaultRow) -> None:
    """I1, I5: one retry by the next generation, after the lease has run out."""
    house.job_service()
    worker = house.translation_worker(failpoint="worker.working:kill")
    client = house.client()
    watchers = house.watchers()
    job_id = client.submit(long_text(40))
    watchers.watch(job_id)
    worker.fuse.wait()
    killed_at = time.monotonic()
    house.wait_for_attempt(job_id, 2)
    seconds = time.monotonic() - killed_at
    row.recovered(seconds)
    house.wait_for_state(job_id, "COMPLETED")
    watchers.wait_for_all()
    assert row.judge(house).duplicate_executions >= 1
    assert worker.alive, "the parent has not survived its child"
    assert seconds < 2 * LEASE_SECONDS


@pytest.mark.fault(7)
@pytest.mark.slow
@pytest.mark.parametrize("place", _OF_WORKER)
def test_the_job_ends_well_when_a_child_dies_at_any_crash_point(
    calm_house: FaultHouse, row: FaultRow, place: str
) -> None:
    """I1, I2, I3, I5: also when the files are staged, or the outcome is already accepted."""
    calm_house.job_service()
    worker = calm_house.translation_worker(failpoint=f"{place}:kill")
    client = calm_house.client()
    watchers = calm_house.watchers()
    job_id = client.submit(long_text(20))
    watchers.watch(job_id)
    worker.fuse.wait()
    # The message is redelivered to a worker that has lost a child, or, where
    # there was no lease yet, published again after 60 s at the latest.
    calm_house.wait_for_state(job_id, "COMPLETED", timeout_seconds=90)
    watchers.wait_for_all()
    # After the outcome, and before the lease, there is nothing to repeat.
    again = 0 if place in {"worker.received", "worker.reported"} else 1
    row.note(f"children killed at {len(_OF_WORKER)} crash points")
    before = row.verdict.duplicate_executions if row.verdict else 0
    assert row.judge(calm_house).duplicate_executions - before == again


def _parent_dies(house: FaultHouse, row: FaultRow, clips: ClipMaker) -> float:
    """Kill a media worker while its ffmpeg runs; return the seconds until the next attempt."""
    house.job_service()
    worker = house.media_worker()
    client = house.client()
    watchers = house.watchers()
    artifact = client.client.upload(clips(seconds=40, size="1280x720"))
    job_id = client.submit(transcode_spec(artifact.artifact_id, "mp4-h264"))
    watchers.watch(job_id)
    (ffmpeg,) = eventually(worker.programs, timeout_seconds=30)
    heirs = house.media_worker()
    # What is timed is the job's way to another worker, not how long that one takes to start.
    eventually(
        lambda: 0 < len(heirs.children()) <= len(heirs.events("ffmpeg_isolated")),
        timeout_seconds=60,
    )
    everything = worker.processes()
    worker.kill()
    killed_at = time.monotonic()
    eventually(lambda: not any(map(_runs, everything)), timeout_seconds=2)
    assert not psutil.pid_exists(ffmpeg)
    house.wait_for_attempt(job_id, 2)
    seconds = time.monotonic() - killed_at
    assert heirs.programs() or eventually(heirs.programs)
    client.cancel(job_id)
    house.settle()
    watchers.wait_for_all()
    row.recovered(seconds)
    row.note("no process left after 2 s")
    row.judge(house)
    return seconds


def _runs(process: psutil.Process) -> bool:
    with suppress(psutil.NoSuchProcess):
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    return False


@pytest.mark.fault(8)
def test_no_program_survives_and_the_job_runs_again_when_the_parent_is_killed(
    house: FaultHouse, row: FaultRow, clips: ClipMaker
) -> None:
    """I1, I5: nothing of the worker lives on; the job runs again within two leases."""
    assert _parent_dies(house, row, clips) < 2 * LEASE_SECONDS


@pytest.mark.fault(8)
@pytest.mark.slow
def test_the_job_runs_again_within_40_seconds_when_the_parent_is_killed_at_default_settings(
    new_house: Callable[..., FaultHouse], row: FaultRow, clips: ClipMaker
) -> None:
    """I1: with the leases and heartbeats that the product has by default."""
    seconds = _parent_dies(new_house(pace={}), row, clips)
    row.note(f"default lease: {seconds:.1f} s")
    assert seconds < 40


@pytest.mark.fault(9)
@pytest.mark.slow
def test_the_step_is_published_again_when_a_frozen_worker_took_its_message_to_the_grave(
    house: FaultHouse, row: FaultRow
) -> None:
    """I1, I9: the message was popped, and is in no queue and in no unacknowledged set."""
    house.job_service()
    client = house.client()
    broker = redis.Redis.from_url(house.valkey.url())
    try:
        for _ in range(10):
            frozen = house.translation_worker()
            eventually(lambda: "brpop" in {c["cmd"] for c in broker.client_list()})
            frozen.freeze()
            job_id = client.submit(text_spec())
            house.wait_for_state(job_id, "QUEUED")
            if not broker.llen("translation.normal"):
                break
            # It was not waiting just then: the message is safe in its queue.
            frozen.end()
            house.translation_worker()
            house.wait_for_state(job_id, "COMPLETED")
            house.services[-1].end()
        else:
            pytest.fail("no frozen worker has taken a message")
        queued_at = time.monotonic()
        frozen.kill()
        assert not broker.llen("translation.normal")
        assert not broker.hlen("unacked")
    finally:
        broker.close()
    house.translation_worker()
    house.wait_for_state(job_id, "COMPLETED", timeout_seconds=90)
    seconds = time.monotonic() - queued_at
    row.recovered(seconds)
    row.note("the message was lost for certain")
    row.judge(house)
    assert seconds < 70


@pytest.mark.fault(10)
@pytest.mark.row("S3.5")
def test_the_second_attempt_wins_when_a_frozen_worker_wakes_after_its_lease(
    house: FaultHouse, row: FaultRow, clips: ClipMaker
) -> None:
    """I3, I5: the first one's outcome is refused, and its staged file was never visible."""
    house.job_service()
    zombie = house.media_worker(failpoint="worker.staged:stop", settings={"worker_concurrency": 1})
    client = house.client()
    watchers = house.watchers()
    artifact = client.client.upload(clips())
    job_id = client.submit(transcode_spec(artifact.artifact_id))
    watchers.watch(job_id)
    zombie.fuse.wait()
    # The child has stopped itself with its file staged; now its parent, too.
    zombie.freeze()
    frozen_at = time.monotonic()
    staged = _files_of(house, job_id)
    assert len(staged) == 1
    winner = house.media_worker()
    house.wait_for_state(job_id, "COMPLETED")
    row.recovered(time.monotonic() - frozen_at)
    zombie.thaw()
    said = eventually(lambda: _outcomes(zombie))
    assert set(said) <= {"stale", "lease_lost"}
    eventually(lambda: not staged & _files_of(house, job_id))
    row.note(f"stale outcomes refused: {len(said)}")
    assert "completed" in _outcomes(winner)
    watchers.wait_for_all()
    assert row.judge(house).duplicate_executions >= 1


@pytest.mark.fault(10)
@pytest.mark.slow
def test_the_second_attempt_wins_when_a_whole_group_sleeps_past_its_lease(
    house: FaultHouse, row: FaultRow, clips: ClipMaker
) -> None:
    """I3, I5: worker, child and ffmpeg stop in mid-work, and go on when it is another's."""
    house.job_service()
    zombie = house.media_worker(settings={"worker_concurrency": 1})
    client = house.client()
    watchers = house.watchers()
    artifact = client.client.upload(clips(seconds=8, size="1280x720"))
    job_id = client.submit(transcode_spec(artifact.artifact_id, "mp4-h264"))
    watchers.watch(job_id)
    eventually(zombie.programs)
    zombie.freeze()
    frozen_at = time.monotonic()
    house.media_worker(settings={"worker_concurrency": 1})
    house.wait_for_attempt(job_id, 2)
    row.recovered(time.monotonic() - frozen_at)
    zombie.thaw()
    assert eventually(lambda: _outcomes(zombie)) == ["lease_lost"]
    eventually(lambda: not zombie.programs())
    house.wait_for_state(job_id, "COMPLETED", timeout_seconds=90)
    watchers.wait_for_all()
    row.note("its ffmpeg was ended")
    row.judge(house)


@pytest.mark.fault(11)
@pytest.mark.slow
def test_running_jobs_finish_when_their_worker_is_asked_to_stop(
    calm_house: FaultHouse, row: FaultRow
) -> None:
    """I5: nothing runs twice, and nothing new is begun."""
    calm_house.job_service()
    leaving = calm_house.translation_worker()
    client = calm_house.client()
    job_ids = [client.submit(long_text(60, seed)) for seed in (0, 1000)]
    waiting = client.submit_many(short_texts(3))
    for job_id in job_ids:
        calm_house.wait_for_attempt(job_id, 1)
    leaving.signal(signal.SIGTERM)
    stopped_at = time.monotonic()
    assert leaving.wait() == 0
    row.note(f"left after {time.monotonic() - stopped_at:.1f} s")
    assert {calm_house.state(job_id) for job_id in job_ids} == {"COMPLETED"}
    calm_house.translation_worker()
    for job_id in waiting:
        calm_house.wait_for_state(job_id, "COMPLETED")
    calm_house.settle()
    assert row.judge(calm_house).duplicate_executions == 0


@pytest.mark.fault(11)
@pytest.mark.slow
def test_a_long_job_is_handed_over_at_once_when_its_worker_may_not_finish_it(
    calm_house: FaultHouse, row: FaultRow, clips: ClipMaker
) -> None:
    """I5: the next worker takes it without waiting for the lease, and it costs no crash."""
    calm_house.job_service()
    leaving = calm_house.media_worker(settings={"worker_drain_seconds": 0})
    client = calm_house.client()
    artifact = client.client.upload(clips(seconds=40, size="1280x720"))
    job_id = client.submit(transcode_spec(artifact.artifact_id, "mp4-h264"))
    eventually(leaving.programs)
    calm_house.media_worker()
    leaving.signal(signal.SIGTERM)
    told_at = time.monotonic()
    calm_house.wait_for_attempt(job_id, 2)
    row.recovered(time.monotonic() - told_at)
    assert leaving.wait() == 0
    assert calm_house.sql("SELECT max(crashes) FROM steps WHERE job_id = %s", [job_id]) == [(0,)]
    client.cancel(job_id)
    calm_house.settle()
    row.judge(calm_house)


@pytest.mark.fault(12)
@pytest.mark.parametrize("signals", [[signal.SIGQUIT], [signal.SIGTERM, signal.SIGTERM]])
@pytest.mark.slow
def test_the_step_is_run_by_another_worker_when_its_worker_is_stopped_cold(
    house: FaultHouse, row: FaultRow, clips: ClipMaker, signals: list[signal.Signals]
) -> None:
    """I1, I5: whether it could say goodbye or not; nothing of it is left."""
    house.job_service()
    leaving = house.media_worker()
    client = house.client()
    artifact = client.client.upload(clips(seconds=20, size="1280x720"))
    job_id = client.submit(transcode_spec(artifact.artifact_id, "mp4-h264"))
    eventually(leaving.programs)
    everything = leaving.processes()
    house.media_worker()
    leaving.signal(signals[0])
    if len(signals) > 1:
        # Two pending signals of one kind would count as one.
        eventually(lambda: leaving.events("worker_stopping"))
        leaving.signal(signals[1])
    told_at = time.monotonic()
    leaving.wait()
    eventually(lambda: not any(map(_runs, everything)), timeout_seconds=2)
    house.wait_for_attempt(job_id, 2)
    seconds = time.monotonic() - told_at
    row.recovered(seconds)
    row.note(f"{' '.join(number.name for number in signals)}: {seconds:.1f} s")
    client.cancel(job_id)
    house.settle()
    row.judge(house)


def _files_of(house: FaultHouse, job_id: str) -> set[str]:
    """The files in the artifact store that attempts of a job have made."""
    root = house.artifacts / "jobs" / job_id
    return {str(path) for path in root.rglob("*") if path.is_file()}
