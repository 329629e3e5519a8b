"""Watchers of one job as tasks: when each has begun and when it has ended."""

import asyncio
import statistics
import time
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

OPENING_AT_ONCE = 50
END_TIMEOUT_SECONDS = 60.0


class Crowd:
    """Runs watchers as tasks and notes when each has begun and when it has ended."""

    def __init__(self) -> None:
        self._ended_at: list[float] = []
        self._tasks: list[asyncio.Task[None]] = []

    async def open(
        self, watches: int, watch: Callable[[int, asyncio.Event], Coroutine[Any, Any, None]]
    ) -> dict[str, float]:
        """Start them all, some at once; return when each has its first message."""
        started = time.monotonic()
        turns = asyncio.Semaphore(OPENING_AT_ONCE)

        async def begin(number: int) -> None:
            first_message = asyncio.Event()
            async with turns:
                task = asyncio.create_task(watch(number, first_message))
                self._tasks.append(task)
                waiting = asyncio.create_task(first_message.wait())
                await asyncio.wait({task, waiting}, return_when=asyncio.FIRST_COMPLETED)
                if task.done():
                    waiting.cancel()
                    task.result()

        await asyncio.gather(*(begin(number) for number in range(watches)))
        return {"open_seconds": time.monotonic() - started}

    def note_end(self) -> None:
        """Note that one of them has its last message now."""
        self._ended_at.append(time.monotonic())

    async def end(self, trigger: Awaitable[object]) -> dict[str, float]:
        """Let their job end; return when each has its last message."""
        started = time.monotonic()
        await trigger
        await asyncio.wait(self._tasks, timeout=END_TIMEOUT_SECONDS)
        after_ms = [(at - started) * 1000 for at in self._ended_at]
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        return {
            "lost": len(self._tasks) - len(after_ms),
            "first_ms": min(after_ms, default=0.0),
            "median_ms": statistics.median(after_ms) if after_ms else 0.0,
            "last_ms": max(after_ms, default=0.0),
        }
