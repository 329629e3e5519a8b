"""The same moments without Babelmill: a bare Celery task, and Redis alone."""

import asyncio
import time
from dataclasses import asdict, dataclass

from celery import Celery
from redis.asyncio import Redis

from bench.loads.submitters import SOURCE_LANGUAGE, TARGET_LANGUAGE, TEXT
from bench.peers.round_trip import make_app

RESULT_TIMEOUT_SECONDS = 30.0
CHANNEL = "bench.bare"
DISPATCH_QUEUE = "bench.dispatch"


class NotDelivered(Exception):
    """Redis did not hand over what was sent."""


@dataclass(frozen=True, slots=True)
class RoundTrip:
    """Milliseconds from the start of apply_async."""

    started_ms: float
    finished_ms: float

    def to_json(self) -> dict[str, float]:
        """Give it as JSON-ready values."""
        return asdict(self)


class BareCelery:
    """Sends tasks and waits for what comes back through the result backend's subscription."""

    def __init__(self, redis_url: str) -> None:
        self._app: Celery = make_app(redis_url)

    async def round_trip(self) -> RoundTrip:
        """Run the task that does nothing, on a stock worker."""
        return await asyncio.to_thread(self._round_trip)

    async def dispatch_ms(self, redis: Redis) -> float:
        """Send a task, and take its message out of Redis as a worker would."""
        arguments = {
            "text": TEXT,
            "source_language": SOURCE_LANGUAGE,
            "target_languages": [TARGET_LANGUAGE],
        }
        begun = time.monotonic()
        await asyncio.to_thread(
            self._app.send_task,
            "peer.translate",
            kwargs=arguments,
            queue=DISPATCH_QUEUE,
            ignore_result=True,
        )
        taken = await redis.brpop([DISPATCH_QUEUE], timeout=RESULT_TIMEOUT_SECONDS)
        if taken is None:
            raise NotDelivered
        return (time.monotonic() - begun) * 1000

    def _round_trip(self) -> RoundTrip:
        started = 0.0

        def note(message: dict[str, object]) -> None:
            nonlocal started
            if message["status"] == "STARTED":
                started = time.monotonic()

        begun = time.monotonic()
        result = self._app.send_task("peer.nothing")
        result.get(timeout=RESULT_TIMEOUT_SECONDS, on_message=note)
        finished = time.monotonic()
        # The subscription can lag so far that both states come as one.
        return RoundTrip(
            started_ms=((started or finished) - begun) * 1000,
            finished_ms=(finished - begun) * 1000,
        )


async def publish_ms(redis: Redis) -> float:
    """Publish to Redis and wait for the subscriber to have it: the floor of any wake-up."""
    async with redis.pubsub(ignore_subscribe_messages=True) as subscription:
        await subscription.subscribe(CHANNEL)
        # The first message is Redis's own, that the subscription stands.
        await subscription.get_message(timeout=RESULT_TIMEOUT_SECONDS)
        begun = time.monotonic()
        await redis.publish(CHANNEL, "changed")
        found = await subscription.get_message(timeout=RESULT_TIMEOUT_SECONDS)
        if found is None:
            raise NotDelivered
        return (time.monotonic() - begun) * 1000
