"""How long a tenant over its limit is told to wait."""

from datetime import timedelta
from typing import cast
from uuid import UUID, uuid4

from job_service.application.drain import LONGEST_WAIT, SHORTEST_WAIT, DrainRate
from job_service.application.limits import Limits
from job_service.application.ports import UnitOfWork

UNKNOWN = timedelta(seconds=7)


class Counting:
    """A unit of work of which only the count is asked."""

    def __init__(self, *ended: int) -> None:
        self.ended = list(ended)
        self.figures = self
        self.clock = 0.0

    def jobs_ended(self, tenant_id: UUID, window: timedelta) -> int:
        assert window == timedelta(minutes=1)
        return self.ended.pop(0)

    def rate(self) -> DrainRate:
        return DrainRate(Limits(admission_retry_after=UNKNOWN), lambda: self.clock)

    def wait(self, rate: DrainRate, jobs: int, tenant_id: UUID) -> timedelta:
        return rate.wait_for(cast("UnitOfWork", self), tenant_id, jobs)


def test_wait_is_the_time_to_drain_when_jobs_end() -> None:
    counting = Counting(30)
    assert counting.wait(counting.rate(), 5, uuid4()) == timedelta(seconds=10)


def test_wait_is_the_given_one_when_nothing_ends() -> None:
    counting = Counting(0)
    assert counting.wait(counting.rate(), 5, uuid4()) == UNKNOWN


def test_wait_is_bounded_when_the_rate_is_extreme() -> None:
    counting = Counting(100_000, 1)
    rate = counting.rate()
    assert counting.wait(rate, 1, uuid4()) == SHORTEST_WAIT
    assert counting.wait(rate, 500, uuid4()) == LONGEST_WAIT


def test_database_is_asked_once_when_refusals_come_in_a_flood() -> None:
    counting, tenant = Counting(60, 30), uuid4()
    rate = counting.rate()
    waits = {counting.wait(rate, 10, tenant) for _ in range(1000)}
    assert waits == {timedelta(seconds=10)}
    counting.clock = 10.0
    assert counting.wait(rate, 10, tenant) == timedelta(seconds=20)


def test_tenants_are_counted_apart() -> None:
    counting = Counting(60, 30)
    rate = counting.rate()
    assert counting.wait(rate, 10, uuid4()) == timedelta(seconds=10)
    assert counting.wait(rate, 10, uuid4()) == timedelta(seconds=20)
