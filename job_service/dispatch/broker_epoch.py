"""Notices that the broker has lost its data, or may lose them, and has all sent again.

A key is kept in Redis beside the queues. When it is missing, the queues went
with it: every QUEUED step is made due for publishing, and only then the key is
set, so that a crash in between repeats the work rather than skips it.

A Redis that may evict keys when its memory is full can drop a queue and keep
the key. No job is lost by that, but each waits a minute or more to be sent
again: it is told of as an error, and under the broker's name in the health.
"""

import asyncio
import secrets
from collections.abc import Awaitable
from typing import Protocol

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError, ResponseError

from babelmill.kit.process.logs import get_logger
from babelmill.kit.wire.trace_headers import without_tracing
from job_service.dispatch.broker_exposure import tell_of_exposure
from job_service.dispatch.relay import Threads
from job_service.domain.errors import Refusal

_log = get_logger(__name__)

KEY = "babelmill:broker_epoch"

_LONGEST_WAIT_SECONDS = 5.0


class Republishes(Protocol):
    """What is needed of application.reaper."""

    def republish_all_queued(self) -> int:
        """Make every QUEUED step due for publishing."""


class TellsOfBroker(Protocol):
    """What is needed of api.readiness."""

    def __call__(self, *, well: bool) -> Awaitable[None]:
        """Tell how the broker stands."""


class BrokerEpoch:
    """Looks each `interval_seconds` until cancelled, and tells what it sees."""

    def __init__(
        self,
        redis_url: str,
        *,
        reaper: Republishes,
        threads: Threads,
        tell: TellsOfBroker,
        interval_seconds: float = 1.0,
    ) -> None:
        self._redis_url = redis_url
        self._reaper = reaper
        self._threads = threads
        self._tell = tell
        self._interval_seconds = interval_seconds
        self._evicts = False
        self._exposure_told = False

    async def run(self) -> None:
        """Watch over the key."""
        wait_seconds = self._interval_seconds
        with without_tracing():
            async with self._client() as client:
                while True:
                    try:
                        await self.check(client)
                    except (RedisError, OSError, Refusal) as error:
                        _log.debug("broker_epoch_unknown", cause=type(error).__name__)
                        wait_seconds = min(_LONGEST_WAIT_SECONDS, wait_seconds * 2)
                        await self._tell(well=False)
                    else:
                        wait_seconds = self._interval_seconds
                        await self._tell(well=not self._evicts)
                    await asyncio.sleep(wait_seconds)

    async def check(self, client: Redis) -> None:
        """Look once. Raises RedisError, OSError, Refusal."""
        if not self._exposure_told:
            await tell_of_exposure(self._redis_url)
            self._exposure_told = True
        await self._check_policy(client)
        if await client.exists(KEY):
            return
        count = await self._threads.run(self._reaper.republish_all_queued)
        await client.set(KEY, secrets.token_hex(8), nx=True)
        (_log.warning if count else _log.info)("broker_data_missing", republished=count)

    def _client(self) -> Redis:
        return Redis.from_url(
            self._redis_url,
            socket_connect_timeout=2,
            socket_timeout=5,
            retry=Retry(NoBackoff(), 0),
        )

    async def _check_policy(self, client: Redis) -> None:
        """Complain of a Redis that throws queues away when it is full."""
        try:
            # Not CONFIG GET, which many hosts forbid.
            policy = (await client.info("memory")).get("maxmemory_policy", "")
        except ResponseError:
            # Not everybody may ask. That is no reason to stop.
            policy = ""
        evicts = policy not in {"", "noeviction"}
        if evicts and not self._evicts:
            _log.error("broker_may_evict_queues", maxmemory_policy=policy)
        elif self._evicts and not evicts:
            _log.info("broker_keeps_queues")
        self._evicts = evicts
