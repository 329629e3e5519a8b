"""The load generator's process: reads one JSON command a line, answers each with one.

It lives as long as the benchmark, so that imports and first connections are
paid for once, and outside what is measured. Run as a module by `driver`.
"""

import asyncio
import contextlib
import json
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any

from redis.asyncio import Redis

from babelmill.stack.ports import split_address
from bench.loads.bare_latencies import BareCelery, publish_ms
from bench.loads.closed_loop import run_closed_loop
from bench.loads.gateway_watchers import GatewayWatchers
from bench.loads.job_latencies import JobLatencies
from bench.loads.submitters import GatewaySubmitter, GrpcSubmitter, PeerSubmitter, Submitter
from bench.loads.watchers import GrpcWatchers, SseWatchers, Watchers
from bench.worker_stub import WorkerStub

# Any: commands and answers are JSON; the two ends are one program.
Command = Mapping[str, Any]


class Generator:
    """Carries out commands; open watches outlive the command that opened them."""

    def __init__(self) -> None:
        self._watchers: Watchers | None = None
        self._celery: BareCelery | None = None
        self._commands: dict[str, Callable[[Command], Awaitable[object]]] = {
            "announce": self._announce,
            "submit": self._submit,
            "real_jobs": self._real_jobs,
            "stub_jobs": self._stub_jobs,
            "round_trips": self._round_trips,
            "bare_hops": self._bare_hops,
            "open_watches": self._open_watches,
            "end_watched": self._end_watched,
        }

    async def carry_out(self, command: Command) -> object:
        """Do what the command says; return what to answer."""
        return await self._commands[command["do"]](command)

    async def _submit(self, command: Command) -> object:
        clients = [_submitter(command["target"]) for _ in range(command["clients"])]
        measured = await run_closed_loop(
            clients,
            warm_up_seconds=command["warm_up_seconds"],
            measure_seconds=command["measure_seconds"],
        )
        return measured.to_json()

    async def _open_watches(self, command: Command) -> object:
        target = command["target"]
        if target["kind"] == "grpc":
            self._watchers = GrpcWatchers(target["address"], target["token"])
        elif target["kind"] == "gateway":
            self._watchers = GatewayWatchers(target["address"], target["token"])
        else:
            self._watchers = SseWatchers(target["address"], target["redis_url"])
        return await self._watchers.open(command["watches"])

    async def _end_watched(self, _: Command) -> object:
        assert self._watchers is not None
        watchers, self._watchers = self._watchers, None
        return await watchers.end()

    async def _announce(self, command: Command) -> object:
        async with _worker_stub(command) as worker:
            await worker.announce()
        return {}

    async def _real_jobs(self, command: Command) -> object:
        jobs = JobLatencies(command["address"], command["token"])
        try:
            samples = [(await jobs.by_real_worker()).to_json() for _ in range(command["count"])]
            return {"samples": samples}
        finally:
            await jobs.close()

    async def _stub_jobs(self, command: Command) -> object:
        jobs = JobLatencies(command["address"], command["token"])
        try:
            async with _worker_stub(command) as worker:
                samples = [
                    (await jobs.by_worker_stub(worker)).to_json() for _ in range(command["count"])
                ]
                return {"samples": samples}
        finally:
            await jobs.close()

    async def _round_trips(self, command: Command) -> object:
        celery = self._bare_celery(command["redis_url"])
        samples = [(await celery.round_trip()).to_json() for _ in range(command["count"])]
        return {"samples": samples}

    async def _bare_hops(self, command: Command) -> object:
        celery = self._bare_celery(command["redis_url"])
        async with Redis.from_url(command["redis_url"]) as redis:
            samples = [
                {
                    "dispatch_ms": await celery.dispatch_ms(redis),
                    "publish_ms": await publish_ms(redis),
                }
                for _ in range(command["count"])
            ]
            return {"samples": samples}

    def _bare_celery(self, redis_url: str) -> BareCelery:
        # Kept, so that its connections are made once, as in a running service.
        if self._celery is None:
            self._celery = BareCelery(redis_url)
        return self._celery


@contextlib.asynccontextmanager
async def _worker_stub(command: Command) -> AsyncIterator[WorkerStub]:
    worker = WorkerStub(command["worker_address"], command["worker_token"], command["broker_url"])
    try:
        yield worker
    finally:
        await worker.close()


def _submitter(target: Command) -> Submitter:
    kind = target["kind"]
    if kind == "grpc":
        return GrpcSubmitter(target["address"], target["token"], target["jobs_per_request"])
    host, port = split_address(target["address"])
    if kind == "gateway":
        return GatewaySubmitter(host, port, target["token"])
    return PeerSubmitter(host, port, target["path"])


async def serve() -> None:
    """Carry out commands until the input ends."""
    generator = Generator()
    loop = asyncio.get_running_loop()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        answer = await generator.carry_out(json.loads(line))
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(serve())
