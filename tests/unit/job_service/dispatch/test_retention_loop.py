"""The retention loop: batches, sweeps, and troubles that pass."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import ParamSpec, TypeVar

from job_service.application.retention import RetentionReport
from job_service.dispatch.retention_loop import RetentionLoop
from job_service.domain.errors import StorageUnavailable

P = ParamSpec("P")
T = TypeVar("T")

DEADLINE_SECONDS = 10.0


class Here:
    """Runs calls at once, in the loop's own thread."""

    async def run(self, call: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        await asyncio.sleep(0)
        return call(*args, **kwargs)


@dataclass
class Scripted:
    """Answers from a script, and notes what was called."""

    reports: list[RetentionReport | Exception] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)

    def run_once(self) -> RetentionReport:
        self.calls.append("run")
        answer = self.reports.pop(0) if self.reports else RetentionReport()
        if isinstance(answer, Exception):
            raise answer
        return answer

    def sweep(self) -> Iterator[int]:
        for _ in range(2):
            self.calls.append("look")
            yield 3

    def sweep_checkpoints(self) -> Iterator[int]:
        self.calls.append("checkpoints")
        yield 0


async def run_until(scripted: Scripted, done: Callable[[], bool], **times: float) -> None:
    loop = RetentionLoop(
        retention=scripted,
        sweep=scripted.sweep,
        sweep_checkpoints=scripted.sweep_checkpoints,
        threads=Here(),
        interval_seconds=times.get("interval", 0.001),
        sweep_interval_seconds=times.get("sweep", 3600.0),
    )
    running = asyncio.create_task(loop.run())
    try:
        async with asyncio.timeout(DEADLINE_SECONDS):
            while not done():
                await asyncio.sleep(0.001)
    finally:
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running


async def test_batches_follow_at_once_when_there_is_more() -> None:
    more = RetentionReport(jobs_deleted=50, more=True)
    scripted = Scripted([more, more, RetentionReport(jobs_deleted=7)])
    await run_until(scripted, lambda: "look" in scripted.calls, interval=3600.0)
    assert scripted.calls[:4] == ["run", "run", "run", "checkpoints"]


async def test_store_is_swept_to_its_end_and_not_again_before_its_time() -> None:
    scripted = Scripted()
    await run_until(scripted, lambda: scripted.calls.count("checkpoints") > 3)
    assert scripted.calls.count("look") == 2
    assert scripted.calls.count("run") > 3


async def test_loop_goes_on_when_the_database_was_away() -> None:
    scripted = Scripted([StorageUnavailable(), StorageUnavailable()])
    await run_until(scripted, lambda: "look" in scripted.calls)
    assert scripted.calls[:4] == ["run", "run", "run", "checkpoints"]
