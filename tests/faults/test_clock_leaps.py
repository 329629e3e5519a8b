"""The clock of one process leaps by an hour: only PostgreSQL's counts, and its leap is noticed."""

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from babelmill.stack.postgres import binaries
from tests.deadlines import eventually
from tests.faults.clocks import LeapingClock, clock
from tests.faults.house import FaultHouse
from tests.faults.table import FaultRow
from tests.faults.workloads import long_text, short_texts, text_spec

__all__ = ["clock"]

NewHouse = Callable[..., FaultHouse]

_LEAPS = [pytest.param("+1h"), pytest.param("-1h", marks=pytest.mark.slow)]


def _run_through_leap(house: FaultHouse, row: FaultRow, clock: LeapingClock, leap: str) -> None:
    """Leap while one job runs and others wait; all must end in their first attempt."""
    client = house.client()
    watchers = house.watchers()
    running = client.submit(long_text(300))
    house.wait_for_attempt(running, 1)
    job_ids = client.submit_many(short_texts(20))
    for job_id in [running, *job_ids[::5]]:
        watchers.watch(job_id)
    clock.leap(leap)
    leapt_at = time.monotonic()
    after = client.submit(text_spec("The clock has leapt."))
    house.wait_for_state(after, "COMPLETED", timeout_seconds=60)
    row.recovered(time.monotonic() - leapt_at)
    house.settle()
    watchers.wait_for_all()
    attempts = house.sql("SELECT max(attempt), max(crashes) FROM steps")
    assert attempts == [(1, 0)]
    row.note("the job service's, PostgreSQL's; no job begun twice")
    assert row.judge(house).duplicate_executions == 0


@pytest.mark.fault(34)
@pytest.mark.slow
@pytest.mark.parametrize("leap", _LEAPS)
def test_nothing_is_begun_twice_when_the_clock_of_the_job_service_leaps(
    new_house: NewHouse, row: FaultRow, clock: LeapingClock, leap: str
) -> None:
    """I1, I5: no decision is made by the service's clock.

    A worker makes none by the time of day either; it cannot be shown in this
    way, as libfaketime keeps Python from sleeping.
    """
    house = new_house(pace={})
    service = house.job_service(environment=clock.environment())
    worker = house.translation_worker(settings={"worker_concurrency": 1})
    _run_through_leap(house, row, clock, leap)
    assert service.alive
    assert worker.alive


@pytest.mark.fault(34)
@pytest.mark.parametrize("leap", _LEAPS)
def test_no_lease_is_ended_when_the_clock_of_the_database_leaps(
    new_house: NewHouse,
    row: FaultRow,
    clock: LeapingClock,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    leap: str,
) -> None:
    """I1, I3, I5: the reaper sees the leap, and waits until workers had time to report."""
    house = new_house(servers=False, pace={})
    programs = tmp_path / "programs"
    clock.wrap(binaries(), programs, "postgres")
    monkeypatch.setattr("babelmill.stack.postgres.binaries", lambda: programs)
    house.start_servers()
    house.job_service()
    house.translation_worker(settings={"worker_concurrency": 1})
    before = house.sql("SELECT extract(epoch FROM clock_timestamp())")[0][0]
    assert abs(float(before) - time.time()) < 60
    _run_through_leap(house, row, clock, leap)
    after = house.sql("SELECT extract(epoch FROM clock_timestamp())")[0][0]
    assert abs(abs(float(after) - time.time()) - 3600) < 60
    eventually(lambda: not house.sql("SELECT 1 FROM jobs WHERE finished_at IS NULL"))
