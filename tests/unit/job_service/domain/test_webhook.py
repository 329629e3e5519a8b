"""What an attempt to deliver makes of the delivery and of its webhook."""

from datetime import UTC, datetime, timedelta

import pytest

from job_service.domain.webhook import (
    Answer,
    AttemptError,
    DeliveryRules,
    DeliveryState,
    DisabledReason,
    Standing,
    Verdict,
    judge,
)

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
WELL = Standing(0, None)
RULES = DeliveryRules(
    max_attempts=4, first_wait=timedelta(seconds=5), disable_after=timedelta(hours=1)
)


def _failed(
    tries: int = 1,
    standing: Standing = WELL,
    *,
    status: int = 500,
    retry_after: timedelta | None = None,
    jitter: float = 1.0,
) -> Verdict:
    answer = Answer(timedelta(), status, AttemptError.HTTP_STATUS, retry_after)
    return judge(answer, tries, standing, RULES, now=NOW, jitter=jitter)


def test_webhook_stands_well_again_when_an_attempt_succeeds() -> None:
    standing = Standing(7, NOW - timedelta(hours=9))
    verdict = judge(Answer(timedelta(), 200), 3, standing, RULES, now=NOW, jitter=0.5)
    assert verdict == Verdict(DeliveryState.DELIVERED, NOW, WELL)


@pytest.mark.parametrize(
    ("tries", "jitter", "seconds"),
    [(1, 1.0, 5), (1, 0.0, 2.5), (2, 1.0, 20), (3, 1.0, 80), (3, 0.0, 40)],
)
def test_waits_grow_by_four_and_spread_when_attempts_fail(
    tries: int, jitter: float, seconds: float
) -> None:
    verdict = _failed(tries, jitter=jitter)
    assert verdict.state is DeliveryState.PENDING
    assert verdict.due_at == NOW + timedelta(seconds=seconds)


def test_no_wait_is_longer_than_the_longest() -> None:
    rules = DeliveryRules(max_attempts=100)
    failed = Answer(timedelta(), 0, AttemptError.TIMEOUT)
    waits = [
        judge(failed, tries, WELL, rules, now=NOW, jitter=1.0).due_at - NOW
        for tries in range(1, 99)
    ]
    assert waits == sorted(waits)
    assert waits[-1] == rules.longest_wait


def test_event_is_given_up_when_all_attempts_have_failed() -> None:
    assert _failed(4).state is DeliveryState.FAILED


def test_retry_after_is_heeded_within_reason() -> None:
    verdict = _failed(retry_after=timedelta(minutes=7))
    assert verdict.due_at == verdict.resume_at == NOW + timedelta(minutes=7)
    assert _failed(retry_after=timedelta(days=9)).due_at == NOW + RULES.longest_wait
    # Never sooner than without it.
    assert _failed(retry_after=timedelta(0)).due_at == NOW + timedelta(seconds=5)


def test_endpoint_is_left_alone_for_longer_when_it_keeps_failing() -> None:
    pauses = []
    standing = WELL
    for _ in range(20):
        verdict = _failed(1, standing)
        assert verdict.resume_at is not None
        pauses.append(verdict.resume_at - NOW)
        standing = verdict.standing
    assert pauses == sorted(pauses)
    assert (pauses[0], pauses[-1]) == (timedelta(seconds=0.2), timedelta(minutes=1))
    assert standing == Standing(20, NOW)


def test_webhook_is_disabled_when_it_only_fails_for_long_or_says_that_it_is_gone() -> None:
    assert _failed(standing=Standing(9, NOW - timedelta(minutes=59))).disable is None
    long = _failed(standing=Standing(9, NOW - timedelta(hours=1)))
    assert long.disable is DisabledReason.FAILING
    assert _failed(status=410).disable is DisabledReason.GONE
