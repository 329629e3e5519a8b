"""How many calls a tenant may make: per second, at the same time, and of single methods.

Counted in memory and so by each replica for itself: with n of them a tenant can make n times as
many. They are there to keep one tenant from starving the others, not to bill; what is billed is
counted in the database (application.quotas).
"""

import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID

from job_service.domain.errors import TooManyCalls, TooManyCallsAtOnce

BURST_SECONDS = 2.0
"""What a tenant has not used of its rate it may use later, as much as of so many seconds."""

_CAPACITY = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class CallRates:
    """The limits of one tenant; 0 is none. Methods are named as in the contract, by their name."""

    calls_per_second: float = 0
    calls_at_once: int = 0
    method_rates: Mapping[str, float] = field(default_factory=dict)
    methods_at_once: Mapping[str, int] = field(default_factory=dict)


@dataclass(slots=True)
class _Bucket:
    """Tokens that come back by the time; a call takes one."""

    rate: float
    tokens: float
    filled_at: float

    def wait_seconds(self, now: float) -> float:
        """Tell how long until there is a token."""
        most = max(1.0, self.rate * BURST_SECONDS)
        self.tokens = min(most, self.tokens + (now - self.filled_at) * self.rate)
        self.filled_at = now
        return max(0.0, (1.0 - self.tokens) / self.rate)


class CallLimits:
    """Lets calls in, or refuses them. For the event loop's thread."""

    def __init__(self, rates: CallRates, clock: Callable[[], float] = time.monotonic) -> None:
        self._rates = rates
        self._clock = clock
        self._buckets: OrderedDict[tuple[UUID, str], _Bucket] = OrderedDict()
        self._running: Counter[tuple[UUID, str]] = Counter()

    @contextmanager
    def admit(self, tenant_id: UUID, method: str, *, streams: bool) -> Iterator[None]:
        """Count a call for as long as it runs; streams are only counted where they are named.

        Raises TooManyCalls, TooManyCallsAtOnce.
        """
        held = self._hold(tenant_id, method, streams=streams)
        try:
            self._take(tenant_id, method)
            yield
        finally:
            for key in held:
                self._running[key] -= 1
                if self._running[key] <= 0:
                    del self._running[key]

    def _hold(self, tenant_id: UUID, method: str, *, streams: bool) -> list[tuple[UUID, str]]:
        limits = {method: self._rates.methods_at_once.get(method, 0)}
        if not streams:
            limits[""] = self._rates.calls_at_once
        held = {(tenant_id, name): most for name, most in limits.items() if most > 0}
        for key, most in held.items():
            if self._running[key] >= most:
                raise TooManyCallsAtOnce(limit=str(most), **_named(key[1]))
        self._running.update(held.keys())
        return list(held)

    def _take(self, tenant_id: UUID, method: str) -> None:
        now = self._clock()
        rates = {
            "": self._rates.calls_per_second,
            method: self._rates.method_rates.get(method, 0.0),
        }
        wanted = {
            name: self._bucket((tenant_id, name), rate, now)
            for name, rate in rates.items()
            if rate > 0
        }
        for name, bucket in wanted.items():
            if (wait := bucket.wait_seconds(now)) > 0:
                raise TooManyCalls(
                    timedelta(seconds=wait), limit_per_second=f"{bucket.rate:g}", **_named(name)
                )
        for bucket in wanted.values():
            bucket.tokens -= 1.0

    def _bucket(self, key: tuple[UUID, str], rate: float, now: float) -> _Bucket:
        bucket = self._buckets.get(key)
        if bucket is None:
            bucket = _Bucket(rate, max(1.0, rate * BURST_SECONDS), now)
            self._buckets[key] = bucket
            # The one that was used longest ago is full again by now.
            while len(self._buckets) > _CAPACITY:
                self._buckets.popitem(last=False)
        self._buckets.move_to_end(key)
        return bucket


def _named(method: str) -> dict[str, str]:
    return {"method": method} if method else {}
