"""Redis is away, restarted, frozen or flapping: jobs are accepted, wait, and lose nothing."""

import os
import signal
import statistics
import time
from collections.abc import Callable

import pytest

from tests.deadlines import eventually
from tests.faults import broker
from tests.faults.house import FaultHouse
from tests.faults.table import FaultRow
from tests.faults.workloads import long_text, short_texts, text_spec

# An epoch that is missed is noticed within 5 s, and the relay's longest wait is as long.
_REPUBLISHED_SECONDS = 10
NewHouse = Callable[..., FaultHouse]


@pytest.fixture
def house(new_house: NewHouse) -> FaultHouse:
    """With the product's own lease times: no lease is to run out here on a busy machine."""
    return new_house(pace={})


def _p99(seconds: list[float]) -> float:
    return statistics.quantiles(seconds, n=100)[98]


def _wait_until_queued(house: FaultHouse, count: int) -> None:
    eventually(
        lambda: house.sql("SELECT count(*) FROM steps WHERE state = 'QUEUED'")[0][0] == count,
        timeout_seconds=30,
    )


@pytest.mark.fault(15)
@pytest.mark.row("S3.4")
def test_jobs_are_accepted_and_run_later_when_redis_is_down_at_the_start(
    new_house: NewHouse, row: FaultRow
) -> None:
    """I1: every service starts without it; jobs stay PENDING, and run once it is there."""
    house = new_house(servers=False, pace={})
    house.start_servers(valkey=False)
    service = house.job_service()
    worker = house.translation_worker()
    client = house.client()
    watchers = house.watchers()
    job_ids = [client.create(spec) for spec in short_texts(20)]
    for job_id in job_ids:
        watchers.watch(job_id)
    eventually(lambda: len(service.events("relay_waits")) >= 3)
    assert {house.state(job_id) for job_id in job_ids} == {"PENDING"}
    house.start_valkey()
    started_at = time.monotonic()
    house.settle()
    row.recovered(time.monotonic() - started_at)
    watchers.wait_for_all()
    assert service.alive
    assert worker.alive
    assert {house.state(job_id) for job_id in job_ids} == {"COMPLETED"}
    row.note(f"{len(job_ids)} jobs accepted without Redis")
    row.judge(house)


@pytest.mark.fault(16)
@pytest.mark.row("S3.4")
def test_everything_is_published_again_when_redis_comes_back_empty(
    house: FaultHouse, row: FaultRow
) -> None:
    """I1, I9: what was queued is queued again within 10 s; what runs is not disturbed."""
    service = house.job_service()
    house.translation_worker(settings={"worker_concurrency": 1, "bergamot_threads": 1})
    client = house.client()
    watchers = house.watchers()
    running = client.submit(long_text(450))
    house.wait_for_attempt(running, 1)
    job_ids = client.submit_many(short_texts(60))
    _wait_until_queued(house, len(job_ids))
    assert house.state(running) == "IN_PROGRESS"
    for job_id in job_ids[::10]:
        watchers.watch(job_id)
    house.stop_valkey()
    house.start_valkey()
    started_at = time.monotonic()
    eventually(
        lambda: any(event["republished"] for event in service.events("broker_data_missing")),
        timeout_seconds=_REPUBLISHED_SECONDS,
    )
    row.recovered(time.monotonic() - started_at)
    house.settle()
    watchers.wait_for_all()
    verdict = row.judge(house)
    assert house.sql("SELECT attempt FROM steps WHERE job_id = %s", [running]) == [(1,)]
    assert verdict.duplicate_executions == 0


@pytest.mark.fault(17)
def test_queued_messages_survive_when_redis_keeps_a_log_and_is_killed(
    new_house: NewHouse, row: FaultRow
) -> None:
    """I1, I5: nothing has to be published again.

    A killed process leaves what it has written to the kernel; a power cut,
    which may take the last second, cannot be made here.
    """
    house = new_house(pace={}, valkey_settings={"appendonly": "yes", "appendfsync": "everysec"})
    service = house.job_service()
    client = house.client()
    job_ids = client.submit_many(short_texts(200))
    _wait_until_queued(house, len(job_ids))
    before = broker.waiting(house.valkey)
    house.stop_valkey()
    house.start_valkey()
    started_at = time.monotonic()
    lost = before - broker.waiting(house.valkey)
    house.translation_worker()
    house.settle()
    row.recovered(time.monotonic() - started_at)
    row.note(f"{lost} of {before} messages lost by a killed process; a power cut cannot be made")
    # Once, at the very start, the key was missing, and nothing had been published.
    assert [event["republished"] for event in service.events("broker_data_missing")] == [0]
    assert row.judge(house).duplicate_executions == 0


@pytest.mark.fault(19)
@pytest.mark.row("S3.4")
@pytest.mark.parametrize(
    "frozen_seconds",
    [
        # The relay gives up on a call after 5 s: long enough for that, and a second try.
        # Compares times, so it is no test for every run.
        pytest.param(12, marks=pytest.mark.slow),
        pytest.param(60, marks=pytest.mark.slow),
    ],
)
def test_creating_jobs_takes_no_longer_when_redis_is_frozen(
    new_house: NewHouse, row: FaultRow, frozen_seconds: float
) -> None:
    """I1: each call has its like at an undisturbed house beside it, at the same time."""
    house, calm = new_house(pace={}), new_house(pace={})
    for each_house in (house, calm):
        each_house.job_service(settings={"max_waiting_jobs": 10_000})
    client, calm_client = house.client(), calm.client()
    for number in range(20):
        client.create(text_spec(f"Warming up, {number}."))
        calm_client.create(text_spec(f"Warming up, {number}."))
    watchers = house.watchers()
    assert house.valkey.pid is not None
    os.kill(house.valkey.pid, signal.SIGSTOP)
    thaw_at = time.monotonic() + frozen_seconds
    frozen: list[float] = []
    undisturbed: list[float] = []
    while time.monotonic() < thaw_at:
        text = f"Letter {len(frozen)} is here."
        pairs = [(client, frozen), (calm_client, undisturbed)]
        # Neither is always the first.
        for each, took in pairs if len(frozen) % 2 else reversed(pairs):
            began_at = time.monotonic()
            job_id = each.create(text_spec(text))
            took.append(time.monotonic() - began_at)
            if took is frozen and len(frozen) % 50 == 0:
                watchers.watch(job_id)
        # Never more than the machine can do, so that no call waits for another.
        time.sleep(frozen_seconds / 600)
    os.kill(house.valkey.pid, signal.SIGCONT)
    thawed_at = time.monotonic()
    house.translation_worker()
    house.settle(120)
    row.recovered(time.monotonic() - thawed_at)
    watchers.wait_for_all()
    ratio = _p99(frozen) / _p99(undisturbed)
    row.note(
        f"frozen {frozen_seconds:.0f} s: p99 of Create {_p99(frozen) * 1000:.0f} ms,"
        f" {ratio:.2f} times that of an undisturbed run beside it, {len(frozen)} calls each"
    )
    row.judge(house)
    assert ratio <= 2


@pytest.mark.fault(23)
def test_consuming_goes_on_when_redis_flaps(house: FaultHouse, row: FaultRow) -> None:
    """I1, I2: five times it is killed and comes back empty, with jobs coming in."""
    service = house.job_service()
    worker = house.translation_worker()
    client = house.client()
    watchers = house.watchers()
    for flap in range(5):
        for spec in short_texts(10):
            client.submit(spec)
        watchers.watch(client.submit(long_text(20, seed=flap * 100)))
        house.stop_valkey()
        watchers.watch(client.submit(text_spec(f"Accepted in outage {flap}.")))
        house.start_valkey()
        started_at = time.monotonic()
        job_id = client.submit(text_spec(f"Accepted after outage {flap}."))
        house.wait_for_state(job_id, "COMPLETED")
        row.recovered(time.monotonic() - started_at)
    house.settle()
    watchers.wait_for_all()
    assert service.alive
    assert worker.alive
    row.judge(house)
