"""A plain FastAPI endpoint of Server-Sent Events, fed by Redis.

Written the thrifty way: one Redis subscription for the whole process and one
future a watcher, not a Redis connection each. Nothing is stored: a watcher that
connects late, or again, has missed the event.
"""

import asyncio
import contextlib
import os
from collections import defaultdict
from collections.abc import AsyncIterator

from fastapi import FastAPI
from fastapi.responses import StreamingResponse
from redis.asyncio import Redis

CHANNEL_PREFIX = "peer.job."


def create_app() -> FastAPI:
    """Build the application from PEER_REDIS_URL."""
    waiting: defaultdict[str, set[asyncio.Future[bytes]]] = defaultdict(set)

    async def listen(redis: Redis) -> None:
        async with redis.pubsub() as subscription:
            await subscription.psubscribe(f"{CHANNEL_PREFIX}*")
            async for message in subscription.listen():
                if message["type"] != "pmessage":
                    continue
                job_id = message["channel"].decode().removeprefix(CHANNEL_PREFIX)
                for future in waiting.pop(job_id, set()):
                    if not future.done():
                        future.set_result(message["data"])

    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        redis = Redis.from_url(os.environ["PEER_REDIS_URL"])
        listener = asyncio.create_task(listen(redis))
        yield
        listener.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await listener
        await redis.aclose()

    app = FastAPI(lifespan=lifespan)

    @app.get("/jobs/{job_id}/events")
    async def events(job_id: str) -> StreamingResponse:
        future: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        waiting[job_id].add(future)

        async def stream() -> AsyncIterator[bytes]:
            try:
                yield b"event: snapshot\ndata: {}\n\n"
                yield b"event: end\ndata: " + await future + b"\n\n"
            finally:
                waiting[job_id].discard(future)

        return StreamingResponse(stream(), media_type="text/event-stream")

    return app
