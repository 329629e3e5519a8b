"""The signals of a worker's child: to hand its steps over, to beat at once; SIGTERM is none."""

import os
import signal
import threading
from collections.abc import Callable

HAND_OVER_SIGNAL = signal.SIGUSR2
"""Tells a child that the drain limit is over: give the step back."""
BEAT_SIGNAL = signal.SIGURG
"""Tells a child to send a heartbeat at once. A process that does not know it ignores it."""


def watch_signals(hand_over: Callable[[], None], beat_now: Callable[[], None]) -> None:
    """Call these in a thread at each such signal; ignore SIGTERM. Main thread only.

    Python runs a signal handler only between two bytecodes of the main
    thread, which may be deep in an engine. The wake-up pipe is written at
    once, and a thread acts on it.
    """
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    signal.signal(HAND_OVER_SIGNAL, _do_nothing)
    signal.signal(BEAT_SIGNAL, _do_nothing)
    # A supervisor may signal the whole group: the parent alone decides. Not
    # SIG_IGN, which the programs that a handler starts would inherit.
    signal.signal(signal.SIGTERM, _do_nothing)

    def watch() -> None:
        while received := os.read(reader, 64):
            if HAND_OVER_SIGNAL in received:
                hand_over()
            if BEAT_SIGNAL in received:
                beat_now()

    threading.Thread(target=watch, name="signals", daemon=True).start()


def _do_nothing(*_: object) -> None:
    return
