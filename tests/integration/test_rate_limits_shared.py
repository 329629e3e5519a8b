"""One rate for all processes, kept in a real Valkey by its own clock."""

import itertools
import multiprocessing
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from babelmill.stack.valkey import EmbeddedValkey
from translation_worker.rate_limits import RateLimits, open_redis, parse_rates


@pytest.fixture(scope="module")
def valkey(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedValkey]:
    server = EmbeddedValkey(tmp_path_factory.mktemp("valkey"))
    server.start()
    yield server
    server.stop()


def taken(url: str, rates: str, engine: str, user: str, seconds: float) -> list[float]:
    """Take as often as it is allowed; return the times at which it was, by the machine's clock."""
    times: list[float] = []
    with closing(open_redis(url)) as client:
        limits = RateLimits(parse_rates(rates), client, user=user)
        end = time.monotonic() + seconds
        while (now := time.monotonic()) < end:
            wait = limits.take(engine, 10)
            if wait == 0:
                times.append(now)
            else:
                threading.Event().wait(min(wait, end - now))
    return times


def test_all_processes_share_one_rate_when_they_ask_at_once(valkey: EmbeddedValkey) -> None:
    context = multiprocessing.get_context("spawn")
    with context.Pool(3) as pool:
        work = [(valkey.url(), "chat=20/s", "chat", f"user-{n}", 3.0) for n in range(3)]
        found = pool.starmap(taken, work)
    times = sorted(itertools.chain.from_iterable(found))
    assert len(times) >= 30, "the rate is not used"
    for index, first in enumerate(times):
        # The clocks are read before the bucket is asked, hence the tolerance.
        in_a_second = sum(first <= each < first + 0.9 for each in times[index:])
        assert in_a_second <= 20
    assert all(found), "one process has got nothing"


def test_characters_are_limited_when_calls_are_not(valkey: EmbeddedValkey) -> None:
    times = taken(valkey.url(), "deepl=1000chars/s", "deepl", "me", 1.5)
    assert 100 <= len(times) <= 160


def test_a_large_text_leaves_a_debt_when_it_is_more_than_the_bucket_holds(
    valkey: EmbeddedValkey,
) -> None:
    with closing(open_redis(valkey.url())) as client:
        limits = RateLimits(parse_rates("libretranslate=100chars/s"), client, user="me")
        assert limits.take("libretranslate", 400) == 0
        assert 3.5 < limits.take("libretranslate", 1) < 5


def test_every_process_waits_when_one_was_told_to(valkey: EmbeddedValkey) -> None:
    with closing(open_redis(valkey.url())) as one, closing(open_redis(valkey.url())) as two:
        told, other = (RateLimits({}, client, user="u") for client in (one, two))
        told.pause("apaused", 30)
        assert 29 < other.take("apaused", 1) <= 30
        told.pause("bpaused", 30, "an account of a client's")
        assert other.take("bpaused", 1) == 0


def test_keys_do_not_stay_for_ever(valkey: EmbeddedValkey) -> None:
    with closing(open_redis(valkey.url())) as client:
        limits = RateLimits(parse_rates("kept=5/min,kept=9chars/h"), client, user="me")
        limits.take("kept", 3)
        limits.pause("kept", 5)
        keys = list(client.scan_iter("babelmill:rates:{kept}:*"))
        assert len(keys) == 4
        assert all(client.pttl(key) > 0 for key in keys)


def test_each_process_keeps_to_its_part_when_redis_goes_away(tmp_path: Path) -> None:
    server = EmbeddedValkey(tmp_path / "valkey")
    server.start()
    try:
        clients = [open_redis(server.url()) for _ in range(2)]
        both = [
            RateLimits(parse_rates("chat=10/s"), client, user=f"user-{number}")
            for number, client in enumerate(clients)
        ]
        for limits in both:
            while (wait := limits.take("chat", 1)) > 0:
                threading.Event().wait(wait)
        # Both have seen each other, at the second's next turn at the latest.
        assert both[0].take("chat", 1) > 0
    finally:
        server.stop()

    def use(limits: RateLimits) -> int:
        granted = 0
        end = time.monotonic() + 2
        while time.monotonic() < end:
            wait = limits.take("chat", 1)
            granted += wait == 0
            threading.Event().wait(min(wait, 0.05))
        return granted

    with ThreadPoolExecutor(2) as pool:
        granted = list(pool.map(use, both))
    for client in clients:
        client.close()
    assert all(6 <= count <= 10 for count in granted), granted


def test_redis_is_used_again_when_it_is_back(tmp_path: Path) -> None:
    now = 0.0

    def clock() -> float:
        return now

    server = EmbeddedValkey(tmp_path / "valkey")
    server.start()
    try:
        with closing(open_redis(server.url())) as client:
            limits = RateLimits(parse_rates("chat=1/min"), client, user="me", clock=clock)
            assert limits.take("chat", 1) == 0
            server.stop()
            assert limits.take("chat", 1) == 60, "its own part, after a wait"
            server.start()
            client.set("babelmill:rates:{chat}:pause", 1, px=300_000)
            now = 1.0
            assert limits.take("chat", 1) == 59, "Redis is asked again too soon"
            now = 10.0
            assert limits.take("chat", 1) > 290
    finally:
        server.stop()
