"""Failpoints: named places where a test makes a process die, freeze, or lose an answer.

The code calls `failpoint("name")` where a crash would hurt most; unset, that
costs one comparison. BABELMILL_FAILPOINT=name:action[@n] arms one of them,
which acts at the n-th time that this process gets there (the first by default):

    kill                 the process ends at once, by SIGKILL
    stop                 the process freezes, by SIGSTOP, until somebody continues it
    error_after_commit   the caller gets an error although the change was committed

With BABELMILL_FAILPOINT_FUSE=PATH only hits while that file exists count, and
acting takes the file away: so a process that is started again does not fall
into the same hole, and a test sees when it has happened.

Only tests may do this: without BABELMILL_TEST_MODE=1 a process with a
failpoint in its environment refuses to start.
"""

import os
import signal
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from babelmill.kit.process.logs import get_logger

_log = get_logger(__name__)


class FailpointAction(StrEnum):
    """What happens at a failpoint."""

    KILL = "kill"
    STOP = "stop"
    ERROR_AFTER_COMMIT = "error_after_commit"


class BadFailpoint(ValueError):
    """The text does not name a failpoint and an action that it can take."""


FAILPOINTS: Mapping[str, str] = {
    "gateway.create.before_call": "A valid request has come; the job service was not called yet.",
    "gateway.create.after_call": "The job is accepted; the client was not answered yet.",
    "submission.before_commit": "The job's rows are written, in a transaction still open.",
    "submission.after_commit": "The job is durable; nobody knows yet.",
    "relay.taken": "Steps are claimed; nothing was sent.",
    "relay.sent": "The broker has the messages; the database does not know.",
    "relay.marked": "The database knows that the broker has the messages.",
    "webhooks.claimed": "Deliveries are claimed; nothing was sent.",
    "webhooks.sent": "A receiver has an event; the database does not know.",
    "leasing.before_commit": "Leases are written, in a transaction still open.",
    "leasing.after_commit": "Leases are granted; the worker does not know.",
    "heartbeat.after_commit": "Leases are extended; the worker does not know.",
    "complete.before_commit": "Outputs are written, in a transaction still open.",
    "complete.after_commit": "Outputs are published; the worker does not know.",
    "fail.before_commit": "A failed attempt is written, in a transaction still open.",
    "fail.after_commit": "A failed attempt is recorded; the worker does not know.",
    "cancel.before_commit": "A cancel is written, in a transaction still open.",
    "cancel.after_commit": "A cancel is recorded; the client does not know.",
    "reaper.before_commit": "Overdue steps are moved, in a transaction still open.",
    "reaper.after_commit": "Overdue steps are moved; nobody was woken.",
    "worker.received": "A child has the message, and no lease.",
    "worker.leased": "A child has the lease, and has done nothing.",
    "worker.working": "A handler is at work and tells of progress.",
    "worker.staged": "All outputs are made and staged; nothing was reported.",
    "worker.reported": "The outcome is accepted; the message is not acknowledged.",
}
"""Every failpoint, and how things stand there."""

LOSING_FAILPOINTS = frozenset(name for name in FAILPOINTS if name.endswith(".after_commit")) - {
    "reaper.after_commit"
}
"""Those that can lose an answer: somebody waits for one there."""


@dataclass(frozen=True, slots=True)
class Failpoint:
    """One armed failpoint; `nth` counts the hits of one process from 1."""

    name: str
    action: FailpointAction
    nth: int = 1

    @classmethod
    def parse(cls, text: str) -> "Failpoint":
        """Read "name:action[@n]". Raises BadFailpoint."""
        name, separator, rest = text.partition(":")
        action, at, count = rest.partition("@")
        if not separator:
            raise BadFailpoint("must be name:action or name:action@n")
        if name not in FAILPOINTS:
            raise BadFailpoint(f"must name one of {', '.join(FAILPOINTS)}")
        if action not in set(FailpointAction):
            raise BadFailpoint(f"must have one of the actions {', '.join(FailpointAction)}")
        if action == FailpointAction.ERROR_AFTER_COMMIT and name not in LOSING_FAILPOINTS:
            raise BadFailpoint("must be at a failpoint where an answer can be lost")
        if at and not (count.isdecimal() and int(count) > 0):
            raise BadFailpoint("must count hits from 1")
        return cls(name, FailpointAction(action), int(count) if at else 1)


class _Armed:
    """Counts the hits of this process, and acts."""

    def __init__(self, point: Failpoint, fuse: Path | None) -> None:
        self._point = point
        self._fuse = fuse
        self._hits = 0
        self._lock = threading.Lock()

    def reached(self, name: str, error: type[Exception] | None) -> None:
        if name != self._point.name or not self._counts():
            return
        _log.warning("failpoint_reached", failpoint=name, action=self._point.action)
        if self._point.action is FailpointAction.KILL:
            os.kill(os.getpid(), signal.SIGKILL)
        elif self._point.action is FailpointAction.STOP:
            os.kill(os.getpid(), signal.SIGSTOP)
        elif error is not None:
            raise error

    def _counts(self) -> bool:
        with self._lock:
            if self._fuse is not None and not self._fuse.exists():
                return False
            self._hits += 1
            if self._hits != self._point.nth:
                return False
            if self._fuse is None:
                return True
            try:
                self._fuse.unlink()
            except FileNotFoundError:
                return False  # another process was faster
            self._hits = 0
            return True


_armed: _Armed | None = None


def failpoint(name: str, error: type[Exception] | None = None) -> None:
    """Do what BABELMILL_FAILPOINT says for this place: nothing, unless a test has armed it.

    `error` is what a caller gets when its answer is lost here.
    """
    if _armed is not None:
        _armed.reached(name, error)


def arm(point: Failpoint | None, fuse: Path | None = None) -> None:
    """Arm a failpoint in this process, or none. `load_settings` does so for every process."""
    global _armed  # noqa: PLW0603 - there is one environment, and one process that it is of
    _armed = None if point is None else _Armed(point, fuse)
