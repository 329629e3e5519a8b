"""When a stream is opened again, and after what wait."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from babelmill.client.errors import (
    Aborted,
    BabelmillError,
    CallCancelled,
    DataLoss,
    DeadlineExceeded,
    Internal,
    InvalidArgument,
    NotFound,
    OutOfRange,
    PermissionDenied,
    ResourceExhausted,
    StreamGap,
    Unauthenticated,
    Unavailable,
    Unknown,
)
from babelmill.client.resumption import ResumePolicy, Resumption, is_passing
from babelmill.kit.wire.status_details import ErrorDetails


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@given(breaks=st.integers(1, 60), luck=st.floats(0, 1, exclude_max=True))
def test_waits_grow_to_a_cap_when_breaks_follow_each_other(breaks: int, luck: float) -> None:
    policy = ResumePolicy(first_delay_seconds=0.1, largest_delay_seconds=5.0)
    resumption = Resumption(policy, clock=Clock(), draw=lambda: luck)
    delays = [resumption.delay_after(Unavailable()) for _ in range(breaks)]
    assert delays == sorted(delays)
    assert all(0.05 <= delay <= 5.0 for delay in delays)


def test_waits_start_again_when_something_has_arrived() -> None:
    resumption = Resumption(ResumePolicy(), clock=Clock(), draw=lambda: 0.0)
    first = resumption.delay_after(Unavailable())
    assert resumption.delay_after(Unavailable()) > first
    resumption.progressed()
    assert resumption.delay_after(Unavailable()) == first


def test_the_wait_is_as_long_as_asked_when_the_service_names_one() -> None:
    error = Unavailable(details=ErrorDetails(Unavailable.code, "drains", retry_after_seconds=7.5))
    assert Resumption(ResumePolicy(), clock=Clock()).delay_after(error) == 7.5


def test_the_stream_is_given_up_when_nothing_came_for_too_long() -> None:
    clock = Clock()
    resumption = Resumption(ResumePolicy(patience_seconds=30), clock=clock, draw=lambda: 0.0)
    resumption.delay_after(Unavailable())
    clock.now += 29
    resumption.delay_after(Unavailable())
    clock.now += 2
    with pytest.raises(Unavailable):
        resumption.delay_after(Unavailable())


@pytest.mark.parametrize("kind", [Internal, Unknown])
def test_a_defect_is_given_up_early_when_it_repeats(kind: type[BabelmillError]) -> None:
    resumption = Resumption(ResumePolicy(suspicious_tries=3), clock=Clock())
    resumption.delay_after(kind())
    resumption.delay_after(kind())
    with pytest.raises(kind):
        resumption.delay_after(kind())


@pytest.mark.parametrize(
    "kind", [Unavailable, DeadlineExceeded, Aborted, CallCancelled, Internal, Unknown]
)
def test_an_error_is_passing_when_it_speaks_of_the_connection(kind: type[BabelmillError]) -> None:
    assert is_passing(kind())


@pytest.mark.parametrize(
    "kind",
    [
        NotFound,
        InvalidArgument,
        Unauthenticated,
        PermissionDenied,
        OutOfRange,
        DataLoss,
        StreamGap,
        ResourceExhausted,
    ],
)
def test_an_error_is_not_passing_when_it_speaks_of_the_request(kind: type[BabelmillError]) -> None:
    assert not is_passing(kind())


@pytest.mark.parametrize("reason", ["SLOW_WATCHER", "TOO_MANY_WATCHERS"])
def test_a_limit_is_passing_when_it_is_about_watchers(reason: str) -> None:
    details = ErrorDetails(ResourceExhausted.code, "", reason=reason)
    assert is_passing(ResourceExhausted(details=details))


def test_room_is_not_waited_for_when_the_policy_says_so() -> None:
    policy = ResumePolicy(waits_for_room=False)
    crowded = ErrorDetails(ResourceExhausted.code, "", reason="TOO_MANY_WATCHERS")
    with pytest.raises(ResourceExhausted):
        Resumption(policy).delay_after(ResourceExhausted(details=crowded))
    slow = ErrorDetails(ResourceExhausted.code, "", reason="SLOW_WATCHER")
    assert Resumption(policy).delay_after(ResourceExhausted(details=slow)) > 0
