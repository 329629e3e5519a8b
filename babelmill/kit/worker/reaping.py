"""Waits at the end of a worker's parent for the last of its processes.

Billiard starts a helper that removes the named semaphores of spawned children
and means it to outlive the parent. Where nothing adopts orphans, as in many
containers, it would stay behind as a zombie.
"""

import gc
import os
import time
from multiprocessing import util

from billiard import semaphore_tracker

_LIMIT_SECONDS = 5.0
_POLL_SECONDS = 0.02


def reap_helpers() -> None:
    """End billiard's helper and wait for all children, for at most five seconds."""
    gc.collect()  # the pool's semaphores take leave of the helper when they go
    # Those that something still holds go now: after the helper they would find themselves gone.
    util._run_finalizers(0)  # type: ignore[attr-defined]  # what the interpreter calls at its exit
    descriptor = semaphore_tracker._semaphore_tracker._fd
    if descriptor is not None:
        # The helper ends when no one can write to it any more; what is still
        # written from here must go somewhere.
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, descriptor)
        os.close(nowhere)
    limit = time.monotonic() + _LIMIT_SECONDS
    while time.monotonic() < limit:
        try:
            pid, _ = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if pid == 0:
            time.sleep(_POLL_SECONDS)
