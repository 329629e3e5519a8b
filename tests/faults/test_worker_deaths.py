"""Workers that die, freeze, leave, or cannot do what they are given."""

import pytest

from tests.faults.house import FaultHouse
from tests.faults.table import FaultRow
from tests.faults.workloads import text_spec


@pytest.mark.fault(7)
def test_the_step_runs_again_when_its_child_is_killed(house: FaultHouse, row: FaultRow) -> None:
    """I1, I5: one retry, by the next generation, after the lease has run out."""
    house.job_service()
    worker = house.translation_worker(failpoint="worker.leased:kill")
    client = house.client()
    watchers = house.watchers()
    job_id = client.submit(text_spec())
    watchers.watch(job_id)
    worker.fuse.wait()
    house.settle()
    watchers.wait_for_all()
    assert house.state(job_id) == "COMPLETED"
    row.judge(house)
