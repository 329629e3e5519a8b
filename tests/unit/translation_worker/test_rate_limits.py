"""Rates are read from text, and kept to by one process alone when Redis is away."""

import pytest
import redis

from translation_worker.rate_limits import (
    MAX_PAUSE_SECONDS,
    UNKNOWN_USERS,
    EngineRates,
    MalformedRateError,
    Rate,
    RateLimits,
    parse_rates,
)


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def limits(text: str, clock: Clock, client: "redis.Redis | None" = None) -> RateLimits:
    return RateLimits(parse_rates(text), client, user="me", clock=clock)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", {}),
        ("deepl=10/min", {"deepl": EngineRates(Rate(10, 60))}),
        ("deepl=5chars/h,deepl=1/s", {"deepl": EngineRates(Rate(1, 1), Rate(5, 3600))}),
        (" a=1/s , b=2/s ,", {"a": EngineRates(Rate(1, 1)), "b": EngineRates(Rate(2, 1))}),
    ],
)
def test_rates_are_read_when_they_are_well_formed(
    text: str, expected: dict[str, EngineRates]
) -> None:
    assert parse_rates(text) == expected


@pytest.mark.parametrize(
    "text", ["deepl", "deepl=", "deepl=0/min", "deepl=1/day", "=1/s", "a=-1/s"]
)
def test_rates_are_refused_when_they_are_not(text: str) -> None:
    with pytest.raises(MalformedRateError):
        parse_rates(text)


@pytest.mark.parametrize("amount", [1, 2, 7, 10, 60, 999])
def test_no_window_sees_more_than_the_rate_when_all_is_taken_at_once(amount: int) -> None:
    rate = Rate(amount, 60)
    assert rate.capacity + rate.refill_per_second * 60 <= amount + 1
    assert rate.refill_per_second > 0


def test_a_process_keeps_to_its_part_when_there_is_no_redis() -> None:
    clock = Clock()
    alone = limits("chat=60/min", clock)
    granted = 0
    for _ in range(6000):
        granted += alone.take("chat", 10) == 0
        clock.now += 0.1
    assert granted == pytest.approx(600 / UNKNOWN_USERS, abs=1)


def test_large_texts_wait_longer_when_characters_are_limited() -> None:
    clock = Clock()
    alone = limits("deepl=1600chars/s", clock)
    assert alone.take("deepl", 1000) == 0
    wait = alone.take("deepl", 1)
    assert wait == pytest.approx(1000 / (1600 / UNKNOWN_USERS))
    clock.now += wait
    assert alone.take("deepl", 1) == 0


def test_an_engine_passes_when_it_has_no_rate() -> None:
    assert [limits("deepl=1/h", Clock()).take("chat", 10**6) for _ in range(3)] == [0, 0, 0]


def test_only_the_account_waits_when_it_is_paused() -> None:
    clock = Clock()
    alone = limits("", clock)
    alone.pause("chat", 7, "mine")
    assert alone.take("chat", 1, "mine") == 7
    assert alone.take("chat", 1, "other") == 0
    clock.now += 8
    assert alone.take("chat", 1, "mine") == 0


def test_a_pause_has_an_end_when_a_server_asks_for_days() -> None:
    alone = limits("", Clock())
    alone.pause("chat", 10**9, "mine")
    assert alone.take("chat", 1, "mine") == MAX_PAUSE_SECONDS


def test_nothing_is_raised_when_redis_refuses_connections() -> None:
    clock = Clock()
    client = redis.Redis(port=1, socket_connect_timeout=0.1)
    try:
        away = limits("chat=60/min", clock, client)
        assert away.take("chat", 10) == 0
        assert away.take("chat", 10) > 0
        away.pause("deepl", 3)
        assert away.take("deepl", 1) == 3
    finally:
        client.close()
