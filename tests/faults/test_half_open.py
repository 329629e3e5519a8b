"""Connections whose other end has gone without a word: noticed, and made anew."""

import time
from collections.abc import Callable

import pytest

from babelmill.client import BabelmillError
from tests.deadlines import eventually
from tests.faults.health import health
from tests.faults.house import FaultHouse
from tests.faults.load import Load
from tests.faults.table import FaultRow
from tests.faults.workloads import short_texts, text_spec

NewHouse = Callable[..., FaultHouse]

_NOTICED_SECONDS = 60


@pytest.fixture
def house(new_house: NewHouse) -> FaultHouse:
    """With the product's own lease times: nothing but the connections is to be noticed here."""
    return new_house(pace={})


@pytest.mark.fault(32)
def test_jobs_go_on_when_all_connections_to_redis_are_half_open(
    house: FaultHouse, row: FaultRow
) -> None:
    """I1, I9: job service and worker notice it by themselves, within 60 s."""
    proxy = house.proxy_to_redis()
    service = house.job_service(redis=proxy)
    worker = house.translation_worker(redis=proxy)
    client = house.client()
    watchers = house.watchers()
    house.wait_for_state(client.submit(text_spec()), "COMPLETED")
    proxy.strand()
    stranded_at = time.monotonic()
    job_ids = client.submit_many(short_texts(10))
    for job_id in job_ids:
        watchers.watch(job_id)
    house.settle(_NOTICED_SECONDS)
    row.recovered(time.monotonic() - stranded_at)
    watchers.wait_for_all()
    assert service.alive
    assert worker.alive
    row.note(f"Redis: {time.monotonic() - stranded_at:.0f} s")
    assert row.judge(house).duplicate_executions == 0


@pytest.mark.fault(32)
@pytest.mark.slow
def test_calls_are_answered_again_when_all_connections_to_postgres_are_half_open(
    house: FaultHouse, row: FaultRow
) -> None:
    """I1, I4: every call, loop and watch gets over it by itself, within 60 s."""
    proxy = house.proxy_to_database()
    service = house.job_service(database=proxy)
    house.translation_worker()
    client = house.client()
    watchers = house.watchers()
    with Load(client) as load:
        load.wait_for(5)
        watchers.watch(load.job_ids[-1])
        proxy.strand()
        stranded_at = time.monotonic()
        load.wait_for(1, _NOTICED_SECONDS)
        row.recovered(time.monotonic() - stranded_at)
        row.note(f"PostgreSQL: {time.monotonic() - stranded_at:.0f} s")
        load.wait_for(5)
    # What the stranded transactions have locked is locked until the server gives them up.
    house.settle(90)
    watchers.wait_for_all()
    assert service.alive
    row.judge(house)


@pytest.mark.fault(32)
def test_calls_are_refused_in_time_when_postgres_is_silent(
    house: FaultHouse, row: FaultRow
) -> None:
    """I1, I7: no answer comes at all, from new connections neither: UNAVAILABLE, not ready."""
    proxy = house.proxy_to_database()
    service = house.job_service(database=proxy)
    house.translation_worker()
    client = house.client(call_seconds=60)
    house.wait_for_state(client.submit(text_spec()), "COMPLETED")
    proxy.blackhole()
    silent_at = time.monotonic()
    with pytest.raises(BabelmillError) as refused:
        client.create(text_spec("Nobody hears this."))
    row.note(
        f"a silent PostgreSQL: {type(refused.value).__name__}"
        f" after {time.monotonic() - silent_at:.0f} s"
    )
    assert time.monotonic() - silent_at < _NOTICED_SECONDS
    assert health(house.address()) == "NOT_SERVING"
    proxy.heal()
    healed_at = time.monotonic()
    client.submit(text_spec("Everybody hears this."))
    eventually(lambda: health(house.address()) == "SERVING")
    row.recovered(time.monotonic() - healed_at)
    house.settle()
    assert service.alive
    row.judge(house)
