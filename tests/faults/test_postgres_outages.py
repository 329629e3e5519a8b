"""PostgreSQL crashes, loses connections, or gives way to its standby, under load."""

import random
import time
from collections.abc import Callable

import psycopg2
import pytest

from babelmill.client.errors import Unavailable
from tests.faults.history import Outcome
from tests.faults.house import FaultHouse
from tests.faults.load import Load
from tests.faults.standby import promote, start_synchronous_standby
from tests.faults.table import FaultRow
from tests.faults.workloads import long_text, text_spec

NewHouse = Callable[..., FaultHouse]


def _codes(house: FaultHouse) -> set[str]:
    return {call.code for call in house.history.calls("create") if call.outcome is not Outcome.OK}


@pytest.mark.fault(24)
@pytest.mark.parametrize(
    "crashes",
    [pytest.param(3), pytest.param(25, marks=[pytest.mark.slow, pytest.mark.timeout(600)])],
)
def test_clients_and_database_agree_when_postgres_crashes_again_and_again(
    house: FaultHouse, row: FaultRow, crashes: int
) -> None:
    """I1, I2, I4, I7: calls get UNAVAILABLE, repeated ones converge, watches resume."""
    dice = random.Random(24)
    service = house.job_service()
    worker = house.translation_worker()
    client = house.client()
    watchers = house.watchers()
    with Load(client) as load:
        for number in range(crashes):
            load.wait_for(dice.randint(3, 20))
            watchers.watch(load.job_ids[-1])
            watchers.watch(client.submit(long_text(30, seed=number * 100)))
            house.stop_postgres()
            with pytest.raises(Unavailable):
                house.client(call_seconds=30).create(text_spec("Nobody can keep this."))
            house.start_postgres()
            row.recovered(load.wait_for(1))
    house.settle(120)
    watchers.wait_for_all()
    assert service.alive
    assert worker.alive
    assert _codes(house) <= {"Unavailable", "DeadlineExceeded"}
    row.note(f"{crashes} crashes")
    row.judge(house)


@pytest.mark.fault(25)
def test_all_jobs_end_when_database_connections_are_terminated_at_random(
    house: FaultHouse, row: FaultRow
) -> None:
    """I1, I2, I4: 100 of the service's connections are ended, busy ones whenever there are any."""
    dice = random.Random(25)
    service = house.job_service()
    house.translation_worker()
    client = house.client()
    watchers = house.watchers()
    killed = 0
    with Load(client, pause_seconds=0.02) as load:
        while killed < 100:
            for job_id in load.job_ids[-1:]:
                watchers.watch(job_id)
            ended = house.sql(
                """
                WITH victims AS MATERIALIZED (
                    SELECT pid FROM pg_stat_activity
                    WHERE application_name = 'babelmill-job-service'
                    AND (state <> 'idle' OR random() < %s))
                SELECT pid FROM victims WHERE pg_terminate_backend(pid)
                """,
                [dice.random() / 10],
            )
            killed += len(ended)
            if killed % 10 == 0:
                load.wait_for(1)
    house.settle()
    watchers.wait_for_all()
    assert service.alive
    calls = house.history.calls("create")
    refused = [call for call in calls if call.outcome is not Outcome.OK]
    row.note(f"{killed} connections ended; {len(refused)} of {len(calls)} calls got UNAVAILABLE")
    assert _codes(house) <= {"Unavailable"}
    assert len(refused) <= killed
    row.judge(house)


@pytest.mark.fault(26)
@pytest.mark.parametrize(
    "way",
    [pytest.param("several hosts"), pytest.param("moved address", marks=pytest.mark.slow)],
)
def test_nothing_acknowledged_is_lost_when_postgres_fails_over(
    house: FaultHouse, row: FaultRow, way: str
) -> None:
    """I1, I3, I7: the primary dies under load, its synchronous standby takes over."""
    primary = house.postgres
    standby = start_synchronous_standby(
        primary, house.directory / "postgres", house.directory / "standby"
    )
    proxy = house.proxy_to_database()
    try:
        if way == "several hosts":
            hosts = f"host=127.0.0.1:{primary.port}&host=127.0.0.1:{standby.port}"
            plain = primary.url().replace(f"127.0.0.1:{primary.port}", "")
            url = f"{plain}?{hosts}&target_session_attrs=read-write"
            service = house.job_service(settings={"database_url": url})
        else:
            service = house.job_service(database=proxy)
        worker = house.translation_worker()
        client = house.client()
        watchers = house.watchers()
        with Load(client, pause_seconds=0.02) as load:
            load.wait_for(20)
            watchers.watch(load.job_ids[-1])
            watchers.watch(client.submit(long_text(60)))
            house.stop_postgres()
            died_at = time.monotonic()
            promote(standby)
            house.postgres = standby
            proxy.target_port = standby.port
            load.wait_for(1)
            row.recovered(time.monotonic() - died_at)
            load.wait_for(20)
        house.settle()
        watchers.wait_for_all()
        assert service.alive
        assert worker.alive
        with pytest.raises(psycopg2.OperationalError):
            psycopg2.connect(primary.url())
        verdict = row.judge(house)
        row.note(f"{way}: RPO 0, {verdict.jobs} jobs")
    finally:
        standby.stop()
