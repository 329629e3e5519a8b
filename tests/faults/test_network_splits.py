"""The network between a worker and the job service is cut; each side is alive and hears nothing."""

import time
from collections.abc import Callable

import pytest

from tests.deadlines import eventually
from tests.faults.house import FaultHouse
from tests.faults.networks import SplitNetwork, network
from tests.faults.table import FaultRow
from tests.faults.workloads import long_text, text_spec

__all__ = ["network"]

NewHouse = Callable[..., FaultHouse]


@pytest.mark.fault(31)
@pytest.mark.slow
@pytest.mark.parametrize(
    "ways",
    [
        pytest.param((), id="both_ways"),
        pytest.param(("to_host",), id="to_the_service"),
        pytest.param(("to_guest",), id="to_the_worker"),
    ],
)
def test_another_worker_ends_the_job_when_the_first_is_cut_off(
    network: SplitNetwork, new_house: NewHouse, row: FaultRow, ways: tuple[str, ...]
) -> None:
    """I1, I3, I5: the lease runs out, another takes over, and the first publishes nothing."""
    house = new_house()
    service = house.job_service()
    way_in = house.proxy_to_workers_port(host=network.host)
    redis = house.proxy_to_redis(host=network.host)
    cut_off = house.translation_worker(
        service=way_in,
        redis=redis,
        limits=network.limits,
        settings={"worker_concurrency": 1, "bergamot_threads": 1},
    )
    client = house.client()
    watchers = house.watchers()
    job_id = client.submit(long_text(480))
    watchers.watch(job_id)
    house.wait_for_attempt(job_id, 1)
    network.cut(way_in.port, *ways)
    cut_at = time.monotonic()
    winner = house.translation_worker()
    house.wait_for_state(job_id, "COMPLETED", timeout_seconds=120)
    row.recovered(time.monotonic() - cut_at)
    network.heal()
    eventually(lambda: cut_off.events("attempt_ended"), timeout_seconds=120)
    assert {event["outcome"] for event in cut_off.events("attempt_ended")} <= {
        "lease_lost",
        "stale",
    }
    watchers.wait_for_all()
    assert house.check().duplicate_executions == 1
    row.judge(house)
    winner.end()
    # The first one works again, over the same wire.
    house.wait_for_state(client.submit(text_spec()), "COMPLETED", timeout_seconds=120)
    row.note("lease ends, another worker takes over; the first is heard again after the split")
    assert service.alive
    assert cut_off.alive
