"""Job services that die, stop, or lose an answer, and two of them at once."""

import random
import signal
import threading
import time
from contextlib import suppress
from datetime import timedelta

import pytest

from babelmill.client import BabelmillError, requests
from babelmill.kit.process.failpoints import FAILPOINTS, LOSING_FAILPOINTS
from tests.deadlines import eventually
from tests.faults.history import RecordingClient
from tests.faults.house import FaultHouse
from tests.faults.table import FaultRow
from tests.faults.workloads import long_text, short_texts, text_spec, transcode_spec

_OF_JOB_SERVICE = sorted(
    name
    for name in FAILPOINTS
    if name.partition(".")[0] not in {"gateway", "worker", "cancel", "fail", "reaper", "webhooks"}
)


class Load:
    """Submits short jobs from a thread of its own until told to stop."""

    def __init__(self, client: RecordingClient) -> None:
        self.job_ids: list[str] = []
        self._client = client
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def wait_for(self, count: int) -> None:
        """Return when so many more jobs are acknowledged."""
        least = len(self.job_ids) + count
        eventually(lambda: len(self.job_ids) >= least, timeout_seconds=60)

    def stop(self) -> None:
        self._stopped.set()
        self._thread.join(60)
        assert not self._thread.is_alive()

    def _run(self) -> None:
        number = 0
        while not self._stopped.wait(0.05):
            number += 1
            self.job_ids.append(self._client.submit(text_spec(f"Parcel {number} is here.")))


@pytest.mark.fault(3)
@pytest.mark.parametrize(
    "kills",
    [pytest.param(3), pytest.param(30, marks=[pytest.mark.slow, pytest.mark.timeout(400)])],
)
def test_every_acknowledged_job_ends_when_the_service_is_killed_under_load(
    house: FaultHouse, row: FaultRow, kills: int
) -> None:
    """I1, I4, I7: what was acknowledged survives; retried creates make one job each."""
    dice = random.Random(3)
    service = house.job_service()
    house.translation_worker()
    client = house.client()
    watchers = house.watchers()
    load = Load(client)
    seconds = []
    for _ in range(kills):
        load.wait_for(dice.randint(2, 15))
        watchers.watch(load.job_ids[-1])
        service.kill()
        killed_at = time.monotonic()
        service.restart()
        # The first of these may have been accepted before the kill.
        load.wait_for(2)
        seconds.append(time.monotonic() - killed_at)
    load.stop()
    house.settle(120)
    watchers.wait_for_all()
    row.recovered(max(seconds))
    row.note(f"{kills} kills")
    assert row.judge(house).jobs >= len(load.job_ids)


@pytest.mark.fault(4)
@pytest.mark.parametrize(
    "place", ["relay.sent", pytest.param("relay.taken", marks=pytest.mark.slow)]
)
def test_the_step_runs_once_when_the_relay_dies_around_its_sending(
    calm_house: FaultHouse, row: FaultRow, place: str
) -> None:
    """I1, I5: it is sent again, and the second message is dropped."""
    service = calm_house.job_service(failpoint=f"{place}:kill")
    worker = calm_house.translation_worker()
    client = calm_house.client()
    job_id = client.submit(text_spec())
    service.wait()
    killed_at = time.monotonic()
    service.restart()
    calm_house.wait_for_service(service)
    calm_house.wait_for_state(job_id, "COMPLETED")
    row.recovered(time.monotonic() - killed_at)
    if place == "relay.sent":
        # The claim of the dead relay ends after 10 s; by then the step may be
        # done, and there is nothing to send again.
        row.note(f"second messages dropped: {len(worker.events('step_refused'))}")
    calm_house.settle()
    assert row.judge(calm_house).duplicate_executions == 0


@pytest.mark.fault(4)
@pytest.mark.slow
def test_the_second_message_is_dropped_when_a_step_was_sent_twice(
    calm_house: FaultHouse, row: FaultRow
) -> None:
    """I5: no worker takes it before it is sent again, so both messages arrive."""
    service = calm_house.job_service(failpoint="relay.sent:kill")
    client = calm_house.client()
    job_id = client.submit(text_spec())
    service.wait()
    service.restart()
    calm_house.wait_for_service(service)
    # The dead relay's claim ends, and the step is sent again.
    calm_house.wait_for_state(job_id, "QUEUED")
    worker = calm_house.translation_worker()
    calm_house.settle()
    eventually(lambda: worker.events("step_refused"))
    row.note("1 of 2 messages dropped as stale")
    assert row.judge(calm_house).duplicate_executions == 0


@pytest.mark.fault(5)
@pytest.mark.slow
def test_repeated_calls_converge_when_answers_are_lost_after_the_commit(
    calm_house: FaultHouse, row: FaultRow
) -> None:
    """I1, I2, I5, I7: every kind of call whose answer can be lost is repeated in safety."""
    service = calm_house.job_service()
    calm_house.translation_worker()
    client = calm_house.client()
    lost = []
    for place in sorted(LOSING_FAILPOINTS - {"fail.after_commit", "cancel.after_commit"}):
        service.signal(signal.SIGTERM)
        service.wait()
        service.arm(f"{place}:error_after_commit")
        service.restart()
        calm_house.wait_for_service(service)
        job_id = client.submit(text_spec(f"At {place} an answer is lost."))
        if place == "heartbeat.after_commit":
            job_id = client.submit(long_text(80))
        service.fuse.wait()
        calm_house.wait_for_state(job_id, "COMPLETED")
        lost.append(place)
    calm_house.settle()
    row.note(f"answers lost at {len(lost)} places")
    assert row.judge(calm_house).duplicate_executions == 0
    unsure = [call for call in client.history.calls("create") if call.outcome == "indeterminate"]
    assert unsure, "no client has lost an answer"


@pytest.mark.fault(5)
@pytest.mark.slow
def test_a_cancel_is_repeated_in_safety_when_its_answer_is_lost(
    house: FaultHouse, row: FaultRow
) -> None:
    """I2, I6: the first cancel counts, the second finds it done."""
    service = house.job_service(failpoint="cancel.after_commit:error_after_commit")
    client = house.client()
    job_id = client.submit(text_spec())
    # The channel itself repeats a call that is idempotent as it stands.
    client.cancel(job_id)
    assert service.fuse.burnt
    assert house.state(job_id) == "CANCELLED"
    row.judge(house)


@pytest.mark.fault(3)
@pytest.mark.slow
@pytest.mark.timeout(400)
def test_nothing_is_lost_when_the_service_dies_at_each_crash_point(
    house: FaultHouse, row: FaultRow
) -> None:
    """I1 to I7, at every failpoint that a job's way through the service passes."""
    service = house.job_service()
    house.translation_worker()
    client = house.client()
    watchers = house.watchers()
    for place in _OF_JOB_SERVICE:
        service.signal(signal.SIGTERM)
        service.wait()
        service.arm(f"{place}:kill")
        service.restart()
        house.wait_for_service(service)
        submitting = threading.Thread(
            target=client.submit, args=(long_text(60, seed=_OF_JOB_SERVICE.index(place) * 100),)
        )
        submitting.start()
        service.fuse.wait()
        service.wait()
        killed_at = time.monotonic()
        service.restart()
        house.wait_for_service(service)
        submitting.join(60)
        assert not submitting.is_alive()
        watchers.watch(list(house.history.accepted().values())[-1])
        house.settle()
        row.recovered(time.monotonic() - killed_at)
    watchers.wait_for_all()
    row.note(f"killed at {len(_OF_JOB_SERVICE)} crash points")
    row.judge(house)


@pytest.mark.fault(6)
def test_every_watcher_resumes_without_a_gap_when_the_service_is_stopped(
    house: FaultHouse, row: FaultRow
) -> None:
    """I4: 1,000 watchers are told to come back, and do, at the other replica."""
    leaving = house.job_service()
    staying = house.job_service()
    client = house.client(staying)
    job_ids = client.submit_many(short_texts(50))
    watchers = house.watchers(leaving, staying)
    for job_id in job_ids:
        watchers.watch(job_id, times=20)
    watchers.wait_until_open()
    # What happens while they move must reach them, too.
    house.translation_worker(
        settings={"worker_grpc": staying.environment["BABELMILL_WORKER_GRPC_LISTEN"]}
    )
    stopped_at = time.monotonic()
    leaving.signal(signal.SIGTERM)
    assert leaving.wait() == 0
    drained = time.monotonic() - stopped_at
    watchers.wait_for_all(120)
    house.settle()
    broken = [each for each in watchers.watched if each.breaks]
    assert len(broken) > 900, "the watchers were not at the service that stopped"
    assert {each.breaks[0][0] for each in broken} == {"UNAVAILABLE"}
    row.recovered(max(each.resumed_at[0] - each.broken_at[0] for each in broken))
    row.note(f"{len(broken)} watchers resumed; drained in {drained:.1f} s")
    row.judge(house)


@pytest.mark.fault(38)
@pytest.mark.slow
def test_steps_run_once_when_two_services_publish_and_reap(
    calm_house: FaultHouse, row: FaultRow
) -> None:
    """I1, I4, I5: relay and reaper of both run all the time, and do each thing once."""
    first, second = calm_house.job_service(), calm_house.job_service()
    workers = [
        calm_house.translation_worker(
            failpoint="worker.leased:kill@5",
            settings={"worker_grpc": each.environment["BABELMILL_WORKER_GRPC_LISTEN"]},
        )
        for each in (first, second)
    ]
    clients = [calm_house.client(first), calm_house.client(second)]
    watchers = [calm_house.watchers(first, second), calm_house.watchers(second, first)]
    for number in range(2):
        # Accepted by one, watched at the other.
        for job_id in clients[number].submit_many(short_texts(40)):
            watchers[1 - number].watch(job_id)
    calm_house.settle(90)
    for each in watchers:
        each.wait_for_all()
    refused = sum(len(worker.events("step_refused")) for worker in workers)
    crashes = int(calm_house.sql("SELECT sum(crashes) FROM steps")[0][0])
    row.note(f"messages dropped as stale: {refused}; crashes reaped: {crashes}")
    verdict = row.judge(calm_house)
    assert verdict.duplicate_executions == crashes, "a lease was ended twice"


@pytest.mark.fault(3)
@pytest.mark.slow
@pytest.mark.parametrize("moment", ["before_commit", "after_commit"])
def test_ends_are_final_when_the_service_dies_while_it_writes_them(
    calm_house: FaultHouse, row: FaultRow, moment: str
) -> None:
    """I2, I6: a cancel, a failure and a deadline, each cut off in its transaction or after it."""
    service = calm_house.job_service()
    client = calm_house.client()
    patient = calm_house.client()

    def dies_at(place: str) -> None:
        service.signal(signal.SIGTERM)
        service.wait()
        service.arm(f"{place}.{moment}:kill")
        service.restart()
        calm_house.wait_for_service(service)

    def comes_back() -> None:
        service.fuse.wait()
        service.restart()
        calm_house.wait_for_service(service)

    waiting = client.submit(text_spec("Nobody translates this."))
    dies_at("cancel")
    with suppress(BabelmillError):
        client.cancel(waiting)
    comes_back()
    patient.cancel(waiting)
    assert calm_house.state(waiting) == "CANCELLED"

    dies_at("reaper")
    soon = requests.job_request(
        text_spec("Nobody translates this in time."), deadline=timedelta(seconds=2)
    )
    late = client.send(soon)
    comes_back()
    calm_house.wait_for_state(late, "EXPIRED")

    dies_at("fail")
    artifact = client.client.upload(b"This is no video.", "clip.mkv")
    broken = client.submit(transcode_spec(artifact.artifact_id))
    calm_house.media_worker()
    comes_back()
    calm_house.wait_for_state(broken, "FAILED", timeout_seconds=60)
    calm_house.settle()
    row.judge(calm_house)
