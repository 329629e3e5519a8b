"""The logic of a watch: what to ask for, what to yield, when it ends.

A state machine without I/O, so that both clients resume alike and random
breaks can be tried on it by the thousand. The shells in sync_watch and
async_watch open calls, wait, and cancel; they decide nothing.
"""

import random
import time
from collections.abc import Callable

from babelmill.client.errors import BabelmillError, InvalidArgument, StreamGap, Unavailable
from babelmill.client.jobs import ends_job, is_final
from babelmill.client.resumption import ResumePolicy, Resumption
from babelmill.client.updates import Event, ProgressTick, Snapshot, Update
from babelmill.jobs.v1 import job_pb2, job_service_pb2, progress_pb2


class WatchCursor:
    """The position of one watch in its job's events.

    `finished` becomes true with the final event, or with a snapshot of a job
    that has ended: nothing follows.
    """

    def __init__(
        self,
        job_id: str,
        after_sequence: int | None = None,
        policy: ResumePolicy | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
        draw: Callable[[], float] = random.random,
    ) -> None:
        if after_sequence is not None and after_sequence < 0:
            raise InvalidArgument("after_sequence must not be negative")
        self.job_id = job_id
        self.finished = False
        self._position = after_sequence
        self._percent = 0.0
        self._resumption = Resumption(policy or ResumePolicy(), clock, draw)

    @property
    def sequence(self) -> int | None:
        """The newest sequence yielded, to watch after another time; None before the first."""
        return self._position

    def request(self) -> job_service_pb2.WatchJobRequest:
        """Build the request that goes on where this watch stands."""
        return job_service_pb2.WatchJobRequest(job_id=self.job_id, after_sequence=self._position)

    def accept(self, response: job_service_pb2.WatchJobResponse) -> Update | None:
        """Take one message; return what to yield, None for nothing.

        Raises StreamGap if an event has been left out.
        """
        self._resumption.progressed()
        body = response.WhichOneof("body")
        if body == "snapshot":
            return self._snapshot(response)
        if body == "event":
            return self._event(response)
        # Ticks and keep-alives repeat the newest sequence that was sent.
        if response.sequence > (self._position or 0):
            raise self._gap(response.sequence)
        if body == "progress":
            return self._tick(response.progress)
        return None

    def broken(self, error: BabelmillError) -> float:
        """Return the seconds to wait before resuming; raise `error` if that is no use."""
        return self._resumption.delay_after(error)

    def ended(self, job: job_pb2.Job) -> float:
        """Take the job as it is after the service ended the stream well too early.

        That is right when the watch began after the final event; then the
        cursor is finished. Otherwise return the seconds to wait before
        resuming. Raises Unavailable when that was tried often enough.
        """
        if is_final(job) and job.sequence <= (self._position or 0):
            self.finished = True
            return 0.0
        return self.broken(Unavailable("the service ended the watch before the job had ended"))

    def _snapshot(self, response: job_service_pb2.WatchJobResponse) -> Update | None:
        if self._position is not None:
            # A resumed watch has no snapshot; one that skips events hides them.
            if response.sequence != self._position:
                raise self._gap(response.sequence)
            return None
        self._position = response.sequence
        self._percent = response.snapshot.progress.percent
        self.finished = is_final(response.snapshot)
        return Snapshot(response.sequence, response.snapshot)

    def _event(self, response: job_service_pb2.WatchJobResponse) -> Update | None:
        sequence, position = response.event.sequence, self._position or 0
        if sequence <= position:
            return None
        if sequence > position + 1:
            raise self._gap(sequence)
        self._position = sequence
        self.finished = ends_job(response.event)
        return Event(sequence, response.event)

    def _tick(self, progress: progress_pb2.Progress) -> Update | None:
        if progress.percent < self._percent:
            return None  # sent late by a server that was resumed from
        self._percent = progress.percent
        return ProgressTick(self._position or 0, progress)

    def _gap(self, sequence: int) -> StreamGap:
        return StreamGap(f"the watch is at event {self._position or 0}, but {sequence} was sent")
