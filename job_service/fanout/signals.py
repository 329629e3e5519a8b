"""Carries hints from database threads into the event loop."""

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from uuid import UUID


class LoopSignals:
    """application.ports.Signals for the loop of this process. Never blocks, never raises."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        *,
        on_job_changed: Sequence[Callable[[UUID], None]],
        on_steps_pending: Callable[[], None],
        on_cancel_requested: Callable[[UUID], None],
    ) -> None:
        self._loop = loop
        self._on_job_changed = on_job_changed
        self._on_steps_pending = on_steps_pending
        self._on_cancel_requested = on_cancel_requested

    def job_changed(self, job_id: UUID) -> None:
        """Wake the watchers of a job."""
        # The loop may have closed already while the last threads end.
        with contextlib.suppress(RuntimeError):
            for call in self._on_job_changed:
                self._loop.call_soon_threadsafe(call, job_id)

    def steps_pending(self) -> None:
        """Wake the relay."""
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._on_steps_pending)

    def cancel_requested(self, job_id: UUID) -> None:
        """Wake the workers of a job."""
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._on_cancel_requested, job_id)
