"""Wake-ups by way of Redis: a job's id, to other replicas and to workers.

They are hints. With Redis away nothing is queued up for it: the hub polls
faster instead, and everything is read again once the link is back.
"""

import asyncio
from collections.abc import Callable
from uuid import UUID, uuid4

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from babelmill.kit.process.logs import get_logger
from babelmill.kit.wire import cancel_hint
from babelmill.kit.wire.trace_headers import without_tracing

_log = get_logger(__name__)

CHANNEL = "babelmill:job_changed"

_FIRST_WAIT_SECONDS = 0.2
_LONGEST_WAIT_SECONDS = 5.0
_LISTEN_SECONDS = 5.0


class RedisWakeups:
    """Sends this process's wake-ups and receives those of others. For one event loop.

    `on_wakeup` is called for a job that changed elsewhere, `on_link_up` when
    wake-ups may have been missed.
    """

    def __init__(
        self,
        redis_url: str,
        *,
        on_wakeup: Callable[[UUID], None],
        on_link_up: Callable[[], None],
    ) -> None:
        self._redis_url = redis_url
        self._on_wakeup = on_wakeup
        self._on_link_up = on_link_up
        self._replica = uuid4().hex
        # Channel and message; the same one twice is one.
        self._to_send: set[tuple[str, str]] = set()
        self._woken = asyncio.Event()
        self.link_up = False

    def send(self, job_id: UUID) -> None:
        """Wake the job's watchers at other replicas soon."""
        self._put(CHANNEL, f"{self._replica}:{job_id.hex}")

    def send_cancel(self, job_id: UUID) -> None:
        """Let the workers that run a job ask at once whether to go on."""
        self._put(cancel_hint.CHANNEL, cancel_hint.encode_cancel_hint(job_id))

    def _put(self, channel: str, message: str) -> None:
        if self.link_up:
            self._to_send.add((channel, message))
            self._woken.set()

    async def run(self) -> None:
        """Keep the link until cancelled."""
        wait_seconds = _FIRST_WAIT_SECONDS
        with without_tracing():
            while True:
                try:
                    await self._linked()
                except (RedisError, OSError) as error:
                    if self.link_up:
                        wait_seconds = _FIRST_WAIT_SECONDS
                    _log.warning("wakeups_lost", error_type=type(error).__name__)
                finally:
                    self.link_up = False
                    self._to_send.clear()
                await asyncio.sleep(wait_seconds)
                wait_seconds = min(_LONGEST_WAIT_SECONDS, wait_seconds * 2)

    async def _linked(self) -> None:
        """Serve one link until it breaks. Raises RedisError, OSError."""
        client = Redis.from_url(
            self._redis_url,
            socket_connect_timeout=2,
            socket_timeout=10,
            health_check_interval=10,
            retry=Retry(NoBackoff(), 0),
        )
        async with client, client.pubsub() as pubsub:
            await pubsub.subscribe(CHANNEL)
            self.link_up = True
            _log.info("wakeups_linked")
            self._on_link_up()
            sending = asyncio.create_task(self._send_all(client))
            try:
                while not sending.done():
                    message = await pubsub.get_message(
                        ignore_subscribe_messages=True, timeout=_LISTEN_SECONDS
                    )
                    if message is not None:
                        self._receive(message["data"])
                await sending
            finally:
                sending.cancel()
                # Both directions break together: the one error tells of both.
                await asyncio.gather(sending, return_exceptions=True)

    async def _send_all(self, client: Redis) -> None:
        while True:
            await self._woken.wait()
            self._woken.clear()
            messages, self._to_send = self._to_send, set()
            async with client.pipeline(transaction=False) as pipeline:
                for channel, message in messages:
                    pipeline.publish(channel, message)
                await pipeline.execute()

    def _receive(self, data: object) -> None:
        # Anybody could have published there.
        text = data.decode("ascii", errors="replace") if isinstance(data, bytes) else ""
        replica, _, job = text.partition(":")
        if replica == self._replica:
            return
        try:
            job_id = UUID(hex=job)
        except ValueError:
            _log.warning("wakeup_malformed")
            return
        self._on_wakeup(job_id)
