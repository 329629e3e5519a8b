"""Rate limits: how often, and with how much text, all workers together may ask an engine.

Token buckets in Redis, taken from by one script and by Redis's clock, so that any number of
processes share one rate. While Redis is away each process keeps to its own part of the rate: as
many parts as there were processes when they were last counted, or a small one.
"""

import hashlib
import math
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import redis
import structlog

KEY_PREFIX = "babelmill:rates"
# The processes that have asked within this time share the rate.
USER_SECONDS = 120
# For a process that has never reached Redis.
UNKNOWN_USERS = 16
REDIS_TIMEOUT_SECONDS = 0.5
REDIS_RETRY_SECONDS = 5.0
MAX_PAUSE_SECONDS = 3600.0
MAX_LOCAL_PAUSES = 1024

_UNIT_SECONDS: Mapping[str, int] = {"s": 1, "min": 60, "h": 3600}
_RATE = re.compile(
    r"(?P<engine>[a-z0-9]{1,32})=(?P<amount>[1-9]\d{0,11})(?P<chars>chars)?/(?P<unit>s|min|h)"
)

# KEYS: users, pause, buckets…  ARGV: user, seconds that a user counts, then for each bucket its
# capacity, refill a millisecond, amount, and milliseconds to keep it.
# Returns {milliseconds to wait, users}; takes from all buckets only if the wait is 0.
_TAKE = """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('ZADD', KEYS[1], now, ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - ARGV[2] * 1000)
redis.call('PEXPIRE', KEYS[1], ARGV[2] * 1000)
local users = redis.call('ZCARD', KEYS[1])
local wait = math.max(0, redis.call('PTTL', KEYS[2]))
local tokens = {}
for i = 3, #KEYS do
  local at = 3 + (i - 3) * 4
  local capacity, refill = tonumber(ARGV[at]), tonumber(ARGV[at + 1])
  local needed = math.min(tonumber(ARGV[at + 2]), capacity)
  local kept = redis.call('HMGET', KEYS[i], 'tokens', 'at')
  local have = capacity
  if kept[1] then
    have = math.min(capacity, kept[1] + math.max(0, now - kept[2]) * refill)
  end
  tokens[i] = have
  if have < needed then
    wait = math.max(wait, math.ceil((needed - have) / refill))
  end
end
if wait == 0 then
  for i = 3, #KEYS do
    local at = 3 + (i - 3) * 4
    local left = tokens[i] - ARGV[at + 2]
    redis.call('HSET', KEYS[i], 'tokens', string.format('%.6f', left), 'at', now)
    redis.call('PEXPIRE', KEYS[i], ARGV[at + 3])
  end
end
return {wait, users}
"""

_log = structlog.stdlib.get_logger(__name__)


class MalformedRateError(ValueError):
    """The text is no list of rates."""


@dataclass(frozen=True, slots=True)
class Rate:
    """So many calls, or characters, in any such time."""

    amount: int
    seconds: int

    @property
    def capacity(self) -> float:
        """What may be taken at once: a tenth, and at least 1."""
        return float(max(1, self.amount // 10))

    @property
    def refill_per_second(self) -> float:
        """The refill with which no window, wherever it begins, sees more than the amount."""
        return (self.amount - self.capacity + 1) / self.seconds


@dataclass(frozen=True, slots=True)
class EngineRates:
    """The rates of one engine; None is no limit."""

    calls: Rate | None = None
    characters: Rate | None = None


def parse_rates(text: str) -> dict[str, EngineRates]:
    """Read "deepl=10/min,deepl=50000chars/min,chat=1/s". Raises MalformedRateError."""
    rates: dict[str, EngineRates] = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        match = _RATE.fullmatch(part)
        if match is None:
            raise MalformedRateError("must be a list such as deepl=10/min,deepl=50000chars/min")
        rate = Rate(int(match["amount"]), _UNIT_SECONDS[match["unit"]])
        old = rates.get(match["engine"], EngineRates())
        rates[match["engine"]] = (
            EngineRates(old.calls, rate) if match["chars"] else EngineRates(rate, old.characters)
        )
    return rates


class _LocalBucket:
    """One process's part of a rate, with no more than one call at once."""

    def __init__(self, free_at: float) -> None:
        self._free_at = free_at

    def wait_seconds(self, now: float) -> float:
        return max(0.0, self._free_at - now)

    def take(self, now: float, amount: float, refill_per_second: float) -> None:
        self._free_at = max(now, self._free_at) + amount / refill_per_second


class RateLimits:
    """The gate of one process's engines. It never raises; used by one thread at a time."""

    def __init__(
        self,
        rates: Mapping[str, EngineRates],
        client: "redis.Redis | None",
        *,
        user: str,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Make one; `user` tells this process from others, `client` has short timeouts."""
        self._rates = dict(rates)
        self._client = client
        self._script = None if client is None else client.register_script(_TAKE)
        self._user = user
        self._clock = clock
        self._users = 0
        self._ask_redis_at = clock()
        self._local: dict[tuple[str, str], _LocalBucket] = {}
        self._paused_until: dict[tuple[str, str], float] = {}

    def take(self, engine: str, characters: int, account: str = "") -> float:
        """Take leave for one call now: 0.0, or the seconds after which to ask again."""
        paused = self._paused_until.get((engine, account), 0.0) - self._clock()
        if paused > 0:
            return paused
        waited = self._take_in_redis(engine, characters)
        return self._take_here(engine, characters) if waited is None else waited

    def pause(self, engine: str, seconds: float, account: str = "") -> None:
        """Let nobody call before so many seconds have passed; at most an hour."""
        seconds = min(max(seconds, 0.0), MAX_PAUSE_SECONDS)
        while len(self._paused_until) >= MAX_LOCAL_PAUSES:
            del self._paused_until[next(iter(self._paused_until))]
        self._paused_until[engine, account] = self._clock() + seconds
        if account or self._client is None or self._clock() < self._ask_redis_at or not seconds:
            return
        try:
            self._client.set(_key(engine, "pause"), 1, px=math.ceil(seconds * 1000))
        except redis.RedisError as error:
            self._lost(error)

    def _take_in_redis(self, engine: str, characters: int) -> float | None:
        """Take in Redis; None if it is away."""
        if self._script is None or self._clock() < self._ask_redis_at:
            return None
        keys = [_key(engine, "users"), _key(engine, "pause")]
        arguments: list[str | int | float] = [self._user, USER_SECONDS]
        for name, rate, amount in self._buckets(engine, characters):
            keys.append(_key(engine, name))
            arguments += [rate.capacity, rate.refill_per_second / 1000, amount]
            # A debt of a few times the rate may have to be remembered.
            arguments.append(rate.seconds * 4000 + 60_000)
        try:
            answer = self._script(keys=keys, args=arguments)
            wait_milliseconds, self._users = int(answer[0]), int(answer[1])
        except (redis.RedisError, TypeError, ValueError, IndexError) as error:
            self._lost(error)
            return None
        self._local.clear()
        return wait_milliseconds / 1000

    def _take_here(self, engine: str, characters: int) -> float:
        now = self._clock()
        share = 1.0 / (self._users or UNKNOWN_USERS)
        wanted: list[tuple[_LocalBucket, Rate, int]] = []
        for name, rate, amount in self._buckets(engine, characters):
            bucket = self._local.get((engine, name))
            if bucket is None:
                # Where others may have used the rate up until now, the first call waits, too.
                first = rate.seconds / rate.amount / share if self._users else 0.0
                bucket = self._local[engine, name] = _LocalBucket(now + first)
            wanted.append((bucket, rate, amount))
        wait = max((bucket.wait_seconds(now) for bucket, _, _ in wanted), default=0.0)
        if wait == 0:
            for bucket, rate, amount in wanted:
                bucket.take(now, amount, share * rate.amount / rate.seconds)
        return wait

    def _buckets(self, engine: str, characters: int) -> list[tuple[str, Rate, int]]:
        rates = self._rates.get(engine, EngineRates())
        wanted = (("calls", rates.calls, 1), ("characters", rates.characters, characters))
        return [(name, rate, amount) for name, rate, amount in wanted if rate is not None]

    def _lost(self, error: Exception) -> None:
        self._ask_redis_at = self._clock() + REDIS_RETRY_SECONDS
        _log.warning("rate_limits_local", error_type=type(error).__name__, users=self._users)


def open_redis(url: str) -> "redis.Redis":
    """Return a client that gives up soon, so that no translation waits long for a rate."""
    return redis.Redis.from_url(
        url,
        socket_timeout=REDIS_TIMEOUT_SECONDS,
        socket_connect_timeout=REDIS_TIMEOUT_SECONDS,
    )


def _key(engine: str, name: str) -> str:
    # One slot for all keys of an engine, where there is a cluster.
    digest = hashlib.sha256(engine.encode()).hexdigest()[:16]
    return f"{KEY_PREFIX}:{{{engine if engine.isalnum() else digest}}}:{name}"
