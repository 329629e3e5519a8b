"""A bounded pool of threads for calls that block: the database and the file system.

The event loop must never wait for either. Each kind of traffic has a pool of
its own, so that slow uploads or a flood of clients cannot starve heartbeats.
"""

import asyncio
import contextlib
import contextvars
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


class BoundedThreads:
    """Runs blocking calls in at most `size` threads.

    A call that has not started when its awaiter is cancelled never starts. One
    that has started runs to its end, so a transaction is never cut in two; its
    result is dropped.
    """

    def __init__(self, name: str, size: int) -> None:
        self._executor = ThreadPoolExecutor(max_workers=size, thread_name_prefix=name)

    async def run(self, call: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Run the call in a thread, within the caller's trace and context variables."""
        context = contextvars.copy_context()
        return await asyncio.get_running_loop().run_in_executor(
            self._executor, lambda: context.run(call, *args, **kwargs)
        )

    def start(self, call: Callable[[], object]) -> None:
        """Run a call that nobody waits for; dropped when no more calls are taken."""
        with contextlib.suppress(RuntimeError):
            self._executor.submit(call)

    def shutdown(self) -> None:
        """Take no more calls and drop those that wait; running ones are not waited for."""
        self._executor.shutdown(wait=False, cancel_futures=True)
