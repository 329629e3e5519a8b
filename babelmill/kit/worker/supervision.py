"""Watches a worker's children from outside, ends the stuck, and reports for the dead.

A thread of the parent. It needs nothing from a child but the record that the
child has written while it was well. Whatever ends a child, what it has
started ends with it, its scratch files go, and the job service hears of it at
once instead of when the lease runs out.
"""

import threading
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from pathlib import Path

from babelmill.jobs.v1 import lease_pb2
from babelmill.kit.process.logs import get_logger
from babelmill.kit.wire.failure_reasons import FailureReason
from babelmill.kit.worker.cancellation import StopReason
from babelmill.kit.worker.clock import elapsed_seconds
from babelmill.kit.worker.outcome import StepFailure
from babelmill.kit.worker.process_tree import is_gone, is_reaped, kill_orphans, kill_tree
from babelmill.kit.worker.reporting import LeaseReporter
from babelmill.kit.worker.scratch import remove_scratch_of
from babelmill.kit.worker.shell import STOP_FAILURES
from babelmill.kit.worker.watch_record import WatchRecord, read_records, remove_record

_POLL_SECONDS = 0.2
# A parent that was itself stopped or asleep knows nothing of its children's pulse.
_BLIND_SECONDS = 2.0
_SILENT_TTLS = 2.0
_LAST_REPORT_SECONDS = 30.0

_log = get_logger(__name__)


@dataclass(slots=True)
class _Pulse:
    """A child's pulse, and when this process saw it change, by its own clock."""

    record: WatchRecord
    since: float = field(default_factory=time.monotonic)


class Supervisor:
    """The thread; `reporter` speaks for children that cannot."""

    def __init__(
        self,
        *,
        scratch: Path,
        reporter: LeaseReporter,
        child_pids: Callable[[], Collection[int]],
        stop_grace_seconds: float,
    ) -> None:
        self._scratch = scratch
        self._reporter = reporter
        self._child_pids = child_pids
        self._stop_grace_seconds = stop_grace_seconds
        self._pulses: dict[int, _Pulse] = {}
        # Also those that have died and were not waited for: that is the pool's to do.
        self._children: set[int] = set()
        # Why the children were ended that are not gone yet; empty where the lease is lost anyway.
        self._killed: dict[int, str] = {}
        self._ended = threading.Event()
        self._reports: list[threading.Thread] = []
        self._thread = threading.Thread(target=self._run, name="supervisor", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def end(self) -> None:
        """Look once more when all children have ended, and wait for what must be reported."""
        self._ended.set()
        self._thread.join(_LAST_REPORT_SECONDS)
        for report in self._reports:
            report.join(_LAST_REPORT_SECONDS)

    def _run(self) -> None:
        looked_at = time.monotonic()
        while True:
            last = self._ended.wait(_POLL_SECONDS)
            now = time.monotonic()
            if now - looked_at > _BLIND_SECONDS:
                self._pulses.clear()
            looked_at = now
            try:
                self._look()
            except Exception as error:  # noqa: BLE001 - a loop's edge: it must go on
                _log.error("supervision_failed", exc_info=error)
            if last:
                return

    def _look(self) -> None:
        records = list(read_records(self._scratch))
        self._children.update(pid for pid, _ in records)
        for pid, record in records:
            if is_gone(pid):
                self._bury(pid, record)
            elif record is not None and record.holds_lease:
                self._watch(pid, record)
            else:
                self._pulses.pop(pid, None)
        self._children = {pid for pid in self._children if not is_reaped(pid)}
        self._reports = [report for report in self._reports if report.is_alive()]

    def _watch(self, pid: int, record: WatchRecord) -> None:
        if pid in self._killed:
            return
        known = self._pulses.get(pid)
        if known is None or known.record != record:
            known = self._pulses[pid] = _Pulse(record)
        silent_seconds = time.monotonic() - known.since
        late = record.kill_at is not None and elapsed_seconds() >= record.kill_at
        # Its heartbeats have stopped, and its lease has run out or soon will.
        silent = silent_seconds > _SILENT_TTLS * record.ttl_seconds + self._stop_grace_seconds
        if not (late or silent):
            return
        _log.error(
            "handler_does_not_stop" if late else "child_does_not_answer",
            pid=pid,
            job_id=record.job_id,
            step_id=record.step_id,
            reason=record.stop_reason,
        )
        # It is reported when it is gone, which the kernel may need a moment for.
        self._killed[pid] = (record.stop_reason or StopReason.TIMEOUT) if late else ""
        kill_tree(pid)

    def _bury(self, pid: int, record: WatchRecord | None) -> None:
        """Clean up after a child that is gone, and say what has become of its attempt."""
        stop_reason = self._killed.pop(pid, "")
        self._pulses.pop(pid, None)
        kill_orphans({*self._child_pids(), *self._children})
        remove_scratch_of(self._scratch, pid)
        remove_record(self._scratch, pid)
        if record is None or not record.holds_lease:
            return
        if stop_reason == StopReason.LEASE_LOST:
            return
        if stop_reason:
            reason = STOP_FAILURES[StopReason(stop_reason)]
        else:
            reason = FailureReason.WORKER_CRASHED
            _log.error("child_died", pid=pid, job_id=record.job_id, step_id=record.step_id)
        self._report(record, reason)

    def _report(self, record: WatchRecord, reason: FailureReason) -> None:
        ref = lease_pb2.LeaseRef(
            step_id=record.step_id, generation=record.generation, lease_id=record.lease_id
        )

        def report() -> None:
            # Past its ttl the lease has run out, and the reaper knows.
            seconds = min(record.ttl_seconds, _LAST_REPORT_SECONDS)
            self._reporter.fail(ref, StepFailure(reason), for_seconds=seconds)

        # Not in this thread: with the service away others would wait to be ended.
        thread = threading.Thread(target=report, name="last-report", daemon=True)
        self._reports.append(thread)
        thread.start()
