"""The breaker opens after failures in a row and lets one try through when its time is over."""

from translation_worker.breaker import FAILURES_TO_OPEN, OPEN_SECONDS, Breaker


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def opened(clock: Clock) -> Breaker:
    breaker = Breaker(clock=clock)
    told = [breaker.failed() for _ in range(FAILURES_TO_OPEN)]
    assert told == [False] * (FAILURES_TO_OPEN - 1) + [True]
    return breaker


def test_it_opens_when_failures_follow_each_other() -> None:
    assert opened(Clock()).seconds_closed_out == OPEN_SECONDS


def test_it_stays_closed_when_a_success_comes_between() -> None:
    breaker = Breaker()
    for _ in range(FAILURES_TO_OPEN * 3):
        breaker.failed()
        breaker.succeeded()
    assert breaker.seconds_closed_out == 0


def test_it_opens_again_at_once_when_the_try_fails() -> None:
    clock = Clock()
    breaker = opened(clock)
    clock.now += OPEN_SECONDS
    assert breaker.seconds_closed_out == 0
    assert not breaker.failed(), "it was open already"
    assert breaker.seconds_closed_out == OPEN_SECONDS


def test_it_closes_when_the_try_succeeds() -> None:
    clock = Clock()
    breaker = opened(clock)
    clock.now += OPEN_SECONDS + 1
    breaker.succeeded()
    assert not breaker.failed()
    assert breaker.seconds_closed_out == 0
