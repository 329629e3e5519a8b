"""Budgets and waits."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from job_service.domain.retry_policy import RetryPolicy, republish_wait

POLICY = RetryPolicy()


@pytest.mark.parametrize(
    ("failures", "crashes", "exhausted"),
    [(0, 0, False), (4, 2, False), (5, 0, True), (0, 3, True), (9, 9, True)],
)
def test_budgets_are_counted_apart(failures: int, crashes: int, exhausted: bool) -> None:
    assert POLICY.exhausted(failures, crashes) is exhausted


@pytest.mark.parametrize(
    ("failures", "ceiling_seconds"),
    [(0, 2), (1, 2), (2, 4), (3, 8), (8, 256), (9, 512), (10, 600), (10_000, 600)],
)
def test_wait_doubles_up_to_its_cap(failures: int, ceiling_seconds: int) -> None:
    assert POLICY.delay(failures, 0.0) == timedelta()
    assert POLICY.delay(failures, 0.5) == timedelta(seconds=ceiling_seconds / 2)


@given(st.integers(-5, 100), st.floats(0, 1, exclude_max=True), st.integers(-10, 10_000))
def test_wait_honours_what_the_cause_asked_for(
    failures: int, jitter: float, asked_seconds: int
) -> None:
    asked = timedelta(seconds=asked_seconds)
    delay = POLICY.delay(failures, jitter, asked)
    assert min(asked, POLICY.cap) <= delay <= POLICY.cap
    assert delay >= POLICY.delay(failures, jitter)


def test_republishing_slows_down_to_every_ten_minutes() -> None:
    minutes = [republish_wait(times) / timedelta(minutes=1) for times in range(8)]
    assert minutes == [1, 1, 2, 4, 8, 10, 10, 10]
