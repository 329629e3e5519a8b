"""Many watchers of one job, open at once, until its last event has reached them all."""

import asyncio
from typing import Protocol
from uuid import uuid4

import grpc
from redis.asyncio import Redis

from babelmill.client.jobs import ends_job
from babelmill.jobs.v1 import job_service_pb2, job_service_pb2_grpc
from babelmill.stack.ports import split_address
from bench.loads.crowd import Crowd
from bench.loads.http_connection import BadAnswer, HttpConnection, get
from bench.loads.submitters import CALL_TIMEOUT_SECONDS, CHANNEL_OPTIONS, create_request
from bench.peers.events_app import CHANNEL_PREFIX

STREAMS_PER_CHANNEL = 100


class Watchers(Protocol):
    """Watchers of one kind, all of one job."""

    async def open(self, watches: int) -> dict[str, float]:
        """Open them all; return when each has its first message."""

    async def end(self) -> dict[str, float]:
        """Let the job end; return when each has its last message."""


class GrpcWatchers:
    """Watches of a job that no worker takes, until it is cancelled."""

    def __init__(self, address: str, token: str) -> None:
        self._address = address
        self._metadata = (("authorization", f"Bearer {token}"),)
        self._crowd = Crowd()
        self._channels: list[grpc.aio.Channel] = []
        self._job_id = ""

    async def open(self, watches: int) -> dict[str, float]:
        count = -(-watches // STREAMS_PER_CHANNEL)
        self._channels = [
            grpc.aio.insecure_channel(self._address, CHANNEL_OPTIONS) for _ in range(count)
        ]
        created = await self._service(0).CreateJob(
            create_request(), metadata=self._metadata, timeout=CALL_TIMEOUT_SECONDS
        )
        self._job_id = created.job.job_id
        return await self._crowd.open(watches, self._watch)

    async def end(self) -> dict[str, float]:
        try:
            return await self._crowd.end(self._cancel())
        finally:
            await asyncio.gather(*(channel.close() for channel in self._channels))

    async def _cancel(self) -> None:
        await self._service(0).CancelJob(
            job_service_pb2.CancelJobRequest(job_id=self._job_id),
            metadata=self._metadata,
            timeout=CALL_TIMEOUT_SECONDS,
        )

    async def _watch(self, number: int, first_message: asyncio.Event) -> None:
        service = self._service(number // STREAMS_PER_CHANNEL)
        request = job_service_pb2.WatchJobRequest(job_id=self._job_id)
        async for message in service.WatchJob(request, metadata=self._metadata):
            first_message.set()
            if ends_job(message.event):
                self._crowd.note_end()

    def _service(self, channel: int) -> "job_service_pb2_grpc.JobServiceAsyncStub":
        return job_service_pb2_grpc.JobServiceStub(self._channels[channel])


class SseWatchers:
    """Connections to bench.peers.events_app, until a message in Redis ends them."""

    def __init__(self, address: str, redis_url: str) -> None:
        self._host, self._port = split_address(address)
        self._redis_url = redis_url
        self._job_id = str(uuid4())
        self._crowd = Crowd()

    async def open(self, watches: int) -> dict[str, float]:
        return await self._crowd.open(watches, self._watch)

    async def end(self) -> dict[str, float]:
        async with Redis.from_url(self._redis_url) as redis:
            await redis.ping()
            return await self._crowd.end(
                redis.publish(f"{CHANNEL_PREFIX}{self._job_id}", "CANCELLED")
            )

    async def _watch(self, _: int, first_message: asyncio.Event) -> None:
        connection = HttpConnection(self._host, self._port)
        try:
            path = f"/jobs/{self._job_id}/events"
            message = get(path, f"{self._host}:{self._port}", "text/event-stream")
            status, _headers = await connection.begin(message)
            if status != 200:
                raise BadAnswer(f"HTTP {status}")
            async for chunk in connection.chunks():
                first_message.set()
                if chunk.startswith(b"event: end"):
                    self._crowd.note_end()
        finally:
            await connection.close()
