"""Becomes a program that ends with its parent. Run as a script, by path.

A child of a process with threads must not run Python between fork and exec:
libraries such as gRPC have fork handlers that can end it there. So a program
that has to be bound to its parent is started by this script, in a process of
its own, which then becomes the program under the same process id.

Arguments: SIGNAL PARENT_PID UID GID PROGRAM ARGUMENT…; UID and GID -1 keep the
user. Imports nothing but the standard library's smallest parts.
"""

import ctypes
import os
import sys

_PR_SET_PDEATHSIG = 1  # <linux/prctl.h>
_KEEP = -1


def bound_command(command: list[str], *, sig: int, uid: int = _KEEP, gid: int = _KEEP) -> list[str]:
    """Return the command that starts `command` bound to the calling process.

    On the caller's end the program gets `sig`. With `uid` and `gid` it runs as
    that user, without other groups; only root may ask for that.
    """
    numbers = (int(sig), os.getpid(), uid, gid)
    return [sys.executable, "-I", "-S", __file__, *map(str, numbers), *command]


def main(argv: list[str]) -> None:
    """Bind this process and become the program. Raises OSError."""
    sig, parent_pid, uid, gid = map(int, argv[1:5])
    if gid != _KEEP:
        os.setgroups([])
        os.setgid(gid)
    if uid != _KEEP:
        # Before the binding: a change of user takes it away.
        os.setuid(uid)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, sig, 0, 0, 0)
        if os.getppid() != parent_pid:
            sys.exit("the parent is gone")
    os.execv(argv[5], argv[5:])  # noqa: S606 - the caller chose the program


if __name__ == "__main__":
    main(sys.argv)
