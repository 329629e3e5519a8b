"""Watchers that keep every message across all reconnects, by the hundred in one thread.

They speak the contract without the client library, which would hide a
repeated event and resume by itself: what is judged here is the service.
"""

import asyncio
import random
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import grpc
import grpc.aio

from babelmill.jobs.v1 import job_event_pb2, job_pb2, job_service_pb2, job_service_pb2_grpc
from babelmill.kit.wire.status_details import from_rpc_error
from tests.deadlines import eventually

_FINAL = frozenset(
    {
        job_pb2.JOB_STATE_COMPLETED,
        job_pb2.JOB_STATE_PARTIALLY_COMPLETED,
        job_pb2.JOB_STATE_FAILED,
        job_pb2.JOB_STATE_DEAD_LETTERED,
        job_pb2.JOB_STATE_CANCELLED,
        job_pb2.JOB_STATE_EXPIRED,
    }
)
STREAMS_PER_CHANNEL = 100
_CHANNELS = 32


@dataclass
class Watched:
    """What one watcher has got. It must get every event after the one that it begins with."""

    job_id: str
    begin: int | None = 0
    """The sequence that it begins after; None asks for a snapshot, which then tells."""
    sequences: list[int] = field(default_factory=list)
    breaks: list[tuple[str, str]] = field(default_factory=list)
    """Code and reason of each end that was not the job's."""
    broken_at: list[float] = field(default_factory=list)
    resumed_at: list[float] = field(default_factory=list)
    messages: int = 0
    finished: bool = False

    @property
    def last(self) -> int | None:
        return self.sequences[-1] if self.sequences else self.begin

    @property
    def gaps(self) -> int:
        """How many events are missing, repeated or out of order."""
        return sum(
            here != before + 1
            for before, here in zip(
                [self.begin or 0, *self.sequences], self.sequences, strict=False
            )
        )


class Watchers:
    """Watches jobs until their final events: at the first address, then wherever it goes on."""

    def __init__(
        self,
        addresses: Sequence[str],
        token: str,
        streams_per_channel: int = STREAMS_PER_CHANNEL,
    ) -> None:
        self.watched: list[Watched] = []
        self._addresses = list(addresses)
        self._streams_per_channel = streams_per_channel
        self._metadata = (("authorization", f"Bearer {token}"),)
        self._channels: dict[tuple[str, int], grpc.aio.Channel] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="watch", daemon=True)
        self._thread.start()

    def watch(self, job_id: str, *, times: int = 1, snapshot: bool = False) -> list[Watched]:
        """Begin to watch a job, from its first event or a snapshot, `times` times over."""

        async def begin() -> list[Watched]:
            begun = [Watched(job_id, None if snapshot else 0) for _ in range(times)]
            for watched in begun:
                self.watched.append(watched)
                number = len(self._tasks)
                self._tasks.append(asyncio.create_task(self._follow(watched, number)))
            return begun

        return asyncio.run_coroutine_threadsafe(begin(), self._loop).result(10)

    def wait_for_all(self, timeout_seconds: float = 60) -> None:
        """Return when every watcher has its job's final event."""

        def all_done() -> bool:
            waiting = [each for each in self.watched if not each.finished]
            assert not waiting, f"{len(waiting)} watchers wait, such as {waiting[0]}"
            return True

        eventually(all_done, timeout_seconds=timeout_seconds)

    def wait_until_open(self, timeout_seconds: float = 60) -> None:
        """Return when every watcher has got its first message."""
        eventually(
            lambda: all(each.messages for each in self.watched), timeout_seconds=timeout_seconds
        )

    @property
    def gaps(self) -> int:
        return sum(each.gaps for each in self.watched)

    def close(self) -> None:
        """End all watches and the thread."""

        async def end() -> None:
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
            for channel in self._channels.values():
                await channel.close()

        asyncio.run_coroutine_threadsafe(end(), self._loop).result(30)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    async def _follow(self, watched: Watched, number: int) -> None:
        tries = place = 0
        while True:
            address = self._addresses[place % len(self._addresses)]
            before = watched.messages
            try:
                await self._read(watched, self._stub(address, number))
                code, reason = "OK", ""
            except grpc.aio.AioRpcError as error:
                details = from_rpc_error(error)
                code, reason = details.code.name, details.reason
            if watched.finished:
                return
            watched.breaks.append((code, reason))
            if watched.messages > before:
                watched.broken_at.append(time.monotonic())
                tries = 0
            tries, place = tries + 1, place + 1
            await asyncio.sleep(min(2.0, 0.05 * 2**tries) * random.uniform(0.5, 1))

    async def _read(
        self, watched: Watched, stub: "job_service_pb2_grpc.JobServiceAsyncStub"
    ) -> None:
        request = job_service_pb2.WatchJobRequest(
            job_id=watched.job_id, after_sequence=watched.last
        )
        call = stub.WatchJob(request, metadata=self._metadata)
        try:
            async for message in call:
                watched.messages += 1
                if len(watched.resumed_at) < len(watched.broken_at):
                    watched.resumed_at.append(time.monotonic())
                if message.WhichOneof("body") == "snapshot" and watched.begin is None:
                    watched.begin = message.sequence
                    watched.finished = message.snapshot.state in _FINAL
                if message.WhichOneof("body") == "event":
                    watched.sequences.append(message.event.sequence)
                    if _ends(message.event):
                        watched.finished = True
        finally:
            call.cancel()

    def _stub(self, address: str, number: int) -> "job_service_pb2_grpc.JobServiceAsyncStub":
        key = (address, number // self._streams_per_channel % _CHANNELS)
        if key not in self._channels:
            options = [
                # Channels to one address would share one connection otherwise.
                ("grpc.use_local_subchannel_pool", 1),
                ("grpc.initial_reconnect_backoff_ms", 100),
                ("grpc.min_reconnect_backoff_ms", 100),
                ("grpc.max_reconnect_backoff_ms", 1000),
            ]
            self._channels[key] = grpc.aio.insecure_channel(address, options=options)
        return job_service_pb2_grpc.JobServiceStub(self._channels[key])


def _ends(event: job_event_pb2.JobEvent) -> bool:
    return (
        event.WhichOneof("fact") == "job_state_changed" and event.job_state_changed.state in _FINAL
    )
