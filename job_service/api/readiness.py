"""Tells the health service whether this server can do its work.

Ready means: the database answers. Jobs are accepted without the broker, so how
it stands is told under a name of its own, and takes no server out of service.
"""

import asyncio
from collections.abc import Callable, Sequence

from grpc_health.v1 import health, health_pb2

from babelmill.kit.process.logs import get_logger
from babelmill.kit.wire.trace_headers import without_tracing
from job_service.api.threads import BoundedThreads
from job_service.domain.errors import Refusal

_log = get_logger(__name__)

BROKER = "babelmill.broker"
"""The name to ask for: SERVING while Redis answers and is not set up to evict queues."""


class Readiness:
    """Asks the database every `interval_seconds` and keeps the health services informed."""

    def __init__(
        self,
        *,
        ask: Callable[[], object],
        threads: BoundedThreads,
        interval_seconds: float = 2.0,
        timeout_seconds: float = 5.0,
    ) -> None:
        self._ask = ask
        self._threads = threads
        self._interval_seconds = interval_seconds
        self._timeout_seconds = timeout_seconds
        self._informed: list[tuple[health.aio.HealthServicer, Sequence[str]]] = []
        self._ready: bool | None = None

    def inform(self, servicer: health.aio.HealthServicer, services: Sequence[str]) -> None:
        """Keep a health service informed about these names, and "" for all of them."""
        self._informed.append((servicer, ("", *services)))

    async def run(self) -> None:
        """Ask until cancelled."""
        with without_tracing():
            while True:
                await self.check()
                await asyncio.sleep(self._interval_seconds)

    async def check(self) -> bool:
        """Ask once, and tell what came of it."""
        try:
            async with asyncio.timeout(self._timeout_seconds):
                await self._threads.run(self._ask)
        except (Refusal, TimeoutError):
            await self._tell(ready=False)
            return False
        except Exception:
            await self._tell(ready=False)
            raise
        await self._tell(ready=True)
        return True

    async def tell_of_broker(self, *, well: bool) -> None:
        """Tell how the broker stands."""
        for servicer, _ in self._informed:
            await servicer.set(BROKER, _status(serving=well))

    async def drain(self) -> None:
        """Say NOT_SERVING from now on."""
        for servicer, _ in self._informed:
            await servicer.enter_graceful_shutdown()

    async def _tell(self, *, ready: bool) -> None:
        if ready != self._ready:
            (_log.info if ready else _log.warning)("readiness_changed", ready=ready)
        self._ready = ready
        for servicer, services in self._informed:
            for service in services:
                await servicer.set(service, _status(serving=ready))


def _status(*, serving: bool) -> int:
    if serving:
        return health_pb2.HealthCheckResponse.SERVING
    return health_pb2.HealthCheckResponse.NOT_SERVING
