"""PostgreSQL is there and does not answer: locked, or silent at the other end of the line."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psycopg2
import pytest

from babelmill.client.errors import Unavailable
from tests.faults.health import health
from tests.faults.house import FaultHouse
from tests.faults.table import FaultRow
from tests.faults.workloads import long_text, text_spec

NewHouse = Callable[..., FaultHouse]

# job_service.storage.engine gives a lock so long, and then there is the machine.
_LOCK_SECONDS = 5
_SLACK_SECONDS = 5


@contextmanager
def _locked(house: FaultHouse, table: str) -> Iterator[None]:
    connection = psycopg2.connect(house.postgres.url())
    try:
        with connection.cursor() as cursor:
            cursor.execute(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")
        yield
    finally:
        connection.close()


@pytest.mark.fault(27)
@pytest.mark.parametrize("seconds", [pytest.param(8), pytest.param(60, marks=pytest.mark.slow)])
def test_other_calls_are_answered_when_a_table_is_locked(
    new_house: NewHouse, row: FaultRow, seconds: float
) -> None:
    """I1, I2, I4: what needs the table gets UNAVAILABLE in time; health and catalogue answer."""
    house = new_house(pace={})
    service = house.job_service(settings={"keep_alive_seconds": 1})
    house.translation_worker()
    client = house.client()
    watchers = house.watchers()
    running = client.submit(long_text(60))
    watchers.watch(running)
    house.wait_for_attempt(running, 1)
    watchers.wait_until_open()
    waits: list[float] = []
    refusals: list[str] = []

    def create() -> None:
        caller = house.client(call_seconds=30)
        while time.monotonic() < free_at:
            began_at = time.monotonic()
            try:
                caller.create(text_spec("Locked out."))
            except Unavailable as error:
                refusals.append(error.reason)
                waits.append(time.monotonic() - began_at)

    others: list[float] = []
    with _locked(house, "jobs"):
        free_at = time.monotonic() + seconds
        callers = [threading.Thread(target=create) for _ in range(3)]
        for caller in callers:
            caller.start()
        while time.monotonic() < free_at:
            began_at = time.monotonic()
            assert health(house.address()) == "SERVING"
            client.client.presets()
            others.append(time.monotonic() - began_at)
            time.sleep(0.2)
        locked_out = list(waits)
    freed_at = time.monotonic()
    job_id = client.submit(text_spec("Free again."))
    row.recovered(time.monotonic() - freed_at)
    for caller in callers:
        caller.join(30)
    watchers.watch(job_id)
    house.settle()
    watchers.wait_for_all()
    assert service.alive
    assert set(refusals) == {"STORAGE_UNAVAILABLE"}
    assert locked_out, "nobody was locked out"
    assert max(waits) < _LOCK_SECONDS + _SLACK_SECONDS
    row.note(
        f"locked {seconds:.0f} s: UNAVAILABLE after {max(waits):.1f} s;"
        f" other calls answered within {max(others):.2f} s"
    )
    row.judge(house)
