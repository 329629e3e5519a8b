"""Ends processes together with everything that they have started.

A worker's parent adopts what its children leave behind (see
`lifecycle.adopt_orphans`), so also a program that has left its process group
and does not die with its own parent is found and ended.
"""

import contextlib
import os
import time
from collections.abc import Collection

import psutil

_PAUSE_SECONDS = 0.01
_LIMIT_SECONDS = 2.0


def is_gone(pid: int) -> bool:
    """Tell whether a process has ended, reaped or not."""
    try:
        return bool(psutil.Process(pid).status() == psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return True


def is_reaped(pid: int) -> bool:
    """Tell whether a process has ended and nothing is left of it."""
    return not psutil.pid_exists(pid)


def kill_tree(pid: int) -> None:
    """Kill a process, then all below it: a dead one cannot start more."""
    try:
        process = psutil.Process(pid)
        below = process.children(recursive=True)
        process.kill()
    except psutil.NoSuchProcess:
        return
    for each in below:
        # psutil looks whether the id is still the same process's.
        with contextlib.suppress(psutil.NoSuchProcess):
            each.kill()


def kill_orphans(children: Collection[int]) -> int:
    """Kill and reap what dead children have left to this process; return how many.

    `children` are this process's own workers, dead or alive. They lead
    sessions of their own, and nothing else that this process starts leaves
    its session: what is below it in another session was adopted.
    """
    killed = 0
    give_up_at = time.monotonic() + _LIMIT_SECONDS
    while orphans := _orphans(children):
        for orphan in orphans:
            with contextlib.suppress(psutil.NoSuchProcess):
                kill_tree(orphan.pid)
            with contextlib.suppress(ChildProcessError):
                killed += os.waitpid(orphan.pid, os.WNOHANG)[0] != 0
        if time.monotonic() > give_up_at:
            break
        # What was below an orphan becomes one itself a moment later.
        time.sleep(_PAUSE_SECONDS)
    return killed


def _orphans(children: Collection[int]) -> list[psutil.Process]:
    own_session = os.getsid(0)
    return [
        process
        for process in psutil.Process().children()
        if process.pid not in children and _session(process.pid) not in (None, own_session)
    ]


def _session(pid: int) -> int | None:
    try:
        return os.getsid(pid)
    except ProcessLookupError:
        return None
