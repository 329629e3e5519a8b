"""The process that starts ffmpeg's launchers: small, and there before it is needed.

A launcher must be a small process (see `launcher`), and Python takes as long to
start as ffmpeg does to read a header. So each thread that runs ffmpeg keeps one
small process, without site packages, that forks when it is asked to. The kernel
ends it with that thread, and with it the launchers and all that they run.

Arguments: PARENT_PID SOCKET_FD. Each message on the socket is one byte with four
descriptors: a socket to the launcher, and what ffmpeg is to have for its output,
its messages and its progress. The end of the socket is the end of the process.

Nothing large may be imported here: what this process holds, a launcher holds.
"""

import array
import os
import signal
import socket
from typing import TYPE_CHECKING

from media_worker.ffmpeg.launcher import end_with_parent, launch

if TYPE_CHECKING:
    from types import FrameType

DESCRIPTORS = 4
"""How many come with each message."""


def receive_descriptors(orders: socket.socket) -> list[int]:
    """Wait for the next message; return its descriptors, or none at the socket's end."""
    received = array.array("i")
    room = socket.CMSG_SPACE(DESCRIPTORS * received.itemsize)
    _, ancillary, _, _ = orders.recvmsg(1, room)
    for level, kind, data in ancillary:
        if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
            received.frombytes(data[: len(data) - len(data) % received.itemsize])
    for fd in received:
        # They come as if every program were to have them.
        os.set_inheritable(fd, False)
    return list(received)


def main(argv: list[str]) -> int:
    """Start launchers until the worker lets go of the socket. Returns 0."""
    end_with_parent(int(argv[1]))
    signal.signal(signal.SIGCHLD, reap)
    own_pid = os.getpid()
    with socket.socket(fileno=int(argv[2])) as orders:
        while descriptors := receive_descriptors(orders):
            if len(descriptors) == DESCRIPTORS and fork() == 0:
                orders.close()
                launch(own_pid, *descriptors)
            # The worker sees the end of all of them if there is no launcher.
            for fd in descriptors:
                os.close(fd)
    return 0


def reap(_number: int, _frame: "FrameType | None") -> None:
    """Take leave of launchers that have ended; what they have cost then counts as the worker's."""
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        return


def fork() -> int:
    """Fork; return -1 where the system has no room for another process."""
    try:
        return os.fork()
    except OSError:
        return -1
