"""Redis holds too little, too much, or the wrong thing: flushed, full, evicting, littered."""

import time
from collections.abc import Callable

import pytest

from babelmill.kit.wire.step_message import TASK_NAME
from tests.deadlines import eventually
from tests.faults import broker
from tests.faults.health import health
from tests.faults.house import FaultHouse
from tests.faults.table import FaultRow
from tests.faults.workloads import long_text, short_texts, text_spec

NewHouse = Callable[..., FaultHouse]

_GARBAGE = (
    b"",
    b"not json at all",
    b"\xff\xfe\x00\x01" * 64,
    b"[]",
    b"{}",
    b'{"body": 7}',
    b'{"body": "", "properties": {}, "headers": null}',
    b'{"body": "W10=", "content-type": "application/x-python-serialize",'
    b' "content-encoding": "binary", "headers": {}, "properties": {"delivery_mode": 2,'
    b' "delivery_info": {"exchange": "", "routing_key": "x"}, "delivery_tag": "a",'
    b' "body_encoding": "base64"}}',
    b'{"body": "W1tdLCB7fSwge31d", "content-type": "application/json",'
    b' "content-encoding": "utf-8", "headers": {"id": "1", "task": "no.such.task"},'
    b' "properties": {"delivery_mode": 2, "delivery_info": {"exchange": "",'
    b' "routing_key": "x"}, "delivery_tag": "b", "body_encoding": "base64"}}',
    # Our task, with arguments that no step has.
    b'{"body": "W1tdLCB7InN0ZXBfaWQiOiAiLi4vLi4iLCAiZ2VuZXJhdGlvbiI6IC0xfSwge31d",'
    b' "content-type": "application/json", "content-encoding": "utf-8",'
    b' "headers": {"id": "2", "task": "' + TASK_NAME.encode() + b'", "lang": "py"},'
    b' "properties": {"delivery_mode": 2, "correlation_id": "2", "delivery_info":'
    b' {"exchange": "", "routing_key": "x"}, "delivery_tag": "c", "body_encoding": "base64"}}',
    b"x" * 1_000_000,
)


@pytest.fixture
def house(new_house: NewHouse) -> FaultHouse:
    """With the product's own lease times: no lease is to run out here on a busy machine."""
    return new_house(pace={})


def _submit(house: FaultHouse, count: int) -> list[str]:
    client = house.client()
    specs = short_texts(count)
    return [
        job_id
        for start in range(0, count, 500)
        for job_id in client.submit_many(specs[start : start + 500])
    ]


@pytest.mark.fault(18)
@pytest.mark.row("B4", "S3.4")
@pytest.mark.parametrize(
    "jobs",
    [
        pytest.param(300),
        pytest.param(4000, marks=[pytest.mark.slow, pytest.mark.timeout(900)]),
    ],
)
def test_every_waiting_job_runs_when_redis_is_flushed(
    house: FaultHouse, row: FaultRow, jobs: int
) -> None:
    """I1, I9: what waited in Redis is there again within 10 s, and all jobs end."""
    house.job_service(settings={"max_waiting_jobs": 10_000})
    job_ids = _submit(house, jobs)
    eventually(lambda: broker.waiting(house.valkey) >= jobs, timeout_seconds=60)
    watchers = house.watchers()
    for job_id in job_ids[:: jobs // 10]:
        watchers.watch(job_id)
    house.translation_worker()
    eventually(lambda: house.sql("SELECT 1 FROM jobs WHERE state = 'COMPLETED'"))
    with broker.opened(house.valkey) as client:
        client.flushall()
    flushed_at = time.monotonic()
    # Workers take from the queue while it is filled again.
    eventually(
        lambda: (
            not house.sql(
                "SELECT 1 FROM steps WHERE state = 'QUEUED' AND publish_at < clock_timestamp()"
            )
            and broker.waiting(house.valkey) > jobs // 10
        ),
        timeout_seconds=10,
    )
    row.recovered(time.monotonic() - flushed_at)
    house.settle(max(60, jobs / 5))
    watchers.wait_for_all()
    row.note(f"{jobs} jobs waiting")
    assert house.sql("SELECT DISTINCT state FROM jobs") == [("COMPLETED",)]
    row.judge(house)


@pytest.mark.fault(20)
def test_jobs_wait_in_the_database_when_redis_is_full(house: FaultHouse, row: FaultRow) -> None:
    """I1: they are accepted; workers live through it; all runs once there is room."""
    service = house.job_service()
    worker = house.translation_worker()
    client = house.client()
    watchers = house.watchers()
    before = client.submit(text_spec("There is room."))
    house.wait_for_state(before, "COMPLETED")
    running = client.submit(long_text(150))
    house.wait_for_attempt(running, 1)
    waiting = client.submit_many(short_texts(50))
    # Less than what is in use already: not one more byte is taken.
    broker.configure(house.valkey, maxmemory=1_000_000)
    job_ids = [client.create(spec) for spec in short_texts(20)]
    for job_id in [*job_ids, *waiting[::10], running]:
        watchers.watch(job_id)
    eventually(lambda: len(service.events("relay_waits")) >= 3)
    assert {house.state(job_id) for job_id in job_ids} == {"PENDING"}
    broker.configure(house.valkey, maxmemory=0)
    freed_at = time.monotonic()
    house.wait_for_state(job_ids[-1], "COMPLETED", timeout_seconds=60)
    row.recovered(time.monotonic() - freed_at)
    house.settle(90)
    watchers.wait_for_all()
    assert service.alive
    assert worker.alive
    row.note(f"{len(job_ids)} jobs accepted while it was full")
    row.judge(house)


@pytest.mark.fault(21)
def test_the_service_complains_when_redis_may_evict_queues(
    new_house: NewHouse, row: FaultRow
) -> None:
    """I1: jobs run, the log and the health tell of it, and both see that it was mended."""
    house = new_house(pace={}, valkey_settings={"maxmemory-policy": "allkeys-lru"})
    service = house.job_service()
    eventually(lambda: health(house.address(), "babelmill.broker") == "NOT_SERVING")
    assert health(house.address()) == "SERVING"
    (alarm,) = service.events("broker_may_evict_queues")
    assert (alarm["level"], alarm["maxmemory_policy"]) == ("error", "allkeys-lru")
    house.translation_worker()
    job_id = house.client().submit(text_spec())
    house.wait_for_state(job_id, "COMPLETED")
    broker.configure(house.valkey, maxmemory_policy="noeviction")
    eventually(lambda: health(house.address(), "babelmill.broker") == "SERVING")
    house.stop_valkey()
    eventually(lambda: health(house.address(), "babelmill.broker") == "NOT_SERVING")
    assert health(house.address()) == "SERVING"
    house.start_valkey()
    # With the settings of the start: the wrong ones again.
    eventually(lambda: len(service.events("broker_may_evict_queues")) == 2)
    row.note("an error in the log, NOT_SERVING under babelmill.broker; jobs go on")
    row.judge(house)


@pytest.mark.fault(21)
@pytest.mark.slow
def test_jobs_run_later_when_a_queue_was_evicted(new_house: NewHouse, row: FaultRow) -> None:
    """I1, I9: each step is sent again: at once if the epoch's key went too, else in a minute."""
    house = new_house(pace={}, valkey_settings={"maxmemory-policy": "allkeys-lru"})
    house.job_service()
    job_ids = house.client().submit_many(short_texts(100))
    eventually(lambda: broker.waiting(house.valkey) == len(job_ids))
    broker.configure(house.valkey, maxmemory=broker.used_bytes(house.valkey) + 200_000)
    with broker.opened(house.valkey) as redis:
        number = 0
        while redis.llen("translation.normal"):
            number += 1
            redis.set(f"filler:{number}", "x" * 10_000)
        redis.delete(*redis.keys("filler:*"))
    evicted_at = time.monotonic()
    broker.configure(house.valkey, maxmemory=0)
    house.translation_worker()
    house.settle(150)
    row.recovered(time.monotonic() - evicted_at)
    row.note(f"a queue of {len(job_ids)} evicted")
    assert row.judge(house).duplicate_executions == 0


@pytest.mark.matrix(57)
@pytest.mark.fault(22)
def test_jobs_are_unaffected_when_there_is_garbage_in_every_queue(
    house: FaultHouse, row: FaultRow
) -> None:
    """I1, I5: it is dropped entry by entry, and the worker stays up."""
    house.job_service()
    worker = house.translation_worker()
    client = house.client()
    watchers = house.watchers()
    children = worker.children()
    with broker.opened(house.valkey) as redis:
        for name in broker.QUEUES[:3]:
            redis.lpush(name, *_GARBAGE)
            # Taken from the other end: these come first.
            redis.rpush(name, *_GARBAGE)
    littered_at = time.monotonic()
    job_ids = client.submit_many(short_texts(20))
    for job_id in job_ids:
        watchers.watch(job_id)
    house.settle()
    row.recovered(time.monotonic() - littered_at)
    watchers.wait_for_all()
    eventually(lambda: broker.waiting(house.valkey) == 0)
    assert worker.alive
    assert worker.children() == children
    dropped = len(worker.events("broker_entry_dropped"))
    row.note(f"{6 * len(_GARBAGE)} entries of garbage, {dropped} of them no message at all")
    assert row.judge(house).duplicate_executions == 0


@pytest.mark.fault(22)
def test_jobs_wait_when_a_queue_is_of_the_wrong_kind(house: FaultHouse, row: FaultRow) -> None:
    """I1: a string where the list should be: nothing is lost, and its removal is enough."""
    service = house.job_service()
    worker = house.translation_worker()
    client = house.client()
    with broker.opened(house.valkey) as redis:
        eventually(lambda: redis.set("translation.normal", "not a list", nx=True))
        job_ids = [client.create(spec) for spec in short_texts(10)]
        eventually(lambda: len(service.events("relay_waits")) >= 2)
        # The first is refused its reading, those after it the declaring of the queue.
        eventually(lambda: len(worker.events("broker_refused_to_read")) >= 3)
        redis.delete("translation.normal")
    mended_at = time.monotonic()
    house.settle()
    row.recovered(time.monotonic() - mended_at)
    assert worker.alive
    assert {house.state(job_id) for job_id in job_ids} == {"COMPLETED"}
    row.judge(house)
