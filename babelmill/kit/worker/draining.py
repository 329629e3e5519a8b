"""How a worker's parent stops: no new work, time to finish, hand over, end.

First the running attempts get their drain time. Then the children are told
to give their steps back, so that another worker takes them at once. A child
that still runs after its grace is killed; the reaper gives its step on.
"""

import os
import signal
import threading
from collections.abc import Callable, Sequence
from types import FrameType

from babelmill.kit.process.logs import get_logger
from babelmill.kit.worker.child_signals import HAND_OVER_SIGNAL

_LAST_SECONDS = 5.0
_EXIT_FORCED = 70  # EX_SOFTWARE of sysexits(3)
_STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)

_log = get_logger(__name__)


class Drain:
    """Runs the stop, once. A second signal ends the drain time early."""

    def __init__(
        self,
        *,
        stop_consuming: Callable[[], None],
        child_pids: Callable[[], Sequence[int]],
        drain_seconds: float,
        stop_grace_seconds: float,
    ) -> None:
        self._stop_consuming = stop_consuming
        self._child_pids = child_pids
        self._drain_seconds = drain_seconds
        self._stop_grace_seconds = stop_grace_seconds
        self._begun = threading.Lock()
        self._hurry = threading.Event()

    def install(self) -> None:
        """Take the signals that mean stop (main thread only)."""
        for number in _STOP_SIGNALS:
            signal.signal(number, self._handle)

    def _handle(self, number: int, _: FrameType | None) -> None:
        self._stop_consuming()
        name = signal.Signals(number).name
        # Logging and locks have no place in a signal handler.
        threading.Thread(target=self._on_signal, args=(name,), name="drain", daemon=True).start()

    def _on_signal(self, name: str) -> None:
        if not self._begun.acquire(blocking=False):
            self._hurry.set()
            return
        _log.info("worker_stopping", signal=name, drain_seconds=self._drain_seconds)
        self._hurry.wait(self._drain_seconds)
        self._signal_children(HAND_OVER_SIGNAL)
        # The process ends as soon as its children have; this thread with it.
        # A stuck child ends itself first, and says why.
        threading.Event().wait(self._stop_grace_seconds + _LAST_SECONDS)
        _log.error("worker_children_killed")
        self._signal_children(signal.SIGKILL)
        threading.Event().wait(_LAST_SECONDS)
        self._signal_children(signal.SIGKILL)
        os._exit(_EXIT_FORCED)

    def _signal_children(self, number: signal.Signals) -> None:
        for pid in self._child_pids():
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                continue
