"""Becomes a program that ends with its parent, within limits. Run as a script.

Arguments: LIMITS -- PROGRAM ARGUMENT..., where LIMITS is JSON:
{"open_files": N, "address_space_bytes": N, "cgroup": "/path/to/a/cgroup",
"network": "/path/to/a/network/namespace"}, all optional.

The suite starts threads, and a child of a process with threads must not run
Python between fork and exec. So this does it, in a process of its own.
"""

import ctypes
import json
import os
import resource
import signal
import sys
from pathlib import Path

_PR_SET_PDEATHSIG = 1
_CLONE_NEWNET = 0x40000000


def main(argv: list[str]) -> None:
    limits = json.loads(argv[1])
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0)
    if os.getppid() == 1:
        sys.exit("the parent is gone")
    if "cgroup" in limits:
        (Path(limits["cgroup"]) / "cgroup.procs").write_text(str(os.getpid()))
    if "network" in limits:
        enter_network(limits["network"])
    for name, kind in (
        ("open_files", resource.RLIMIT_NOFILE),
        ("address_space_bytes", resource.RLIMIT_AS),
    ):
        if name in limits:
            resource.setrlimit(kind, (limits[name], limits[name]))
    os.execv(argv[3], argv[3:])


def enter_network(path: str) -> None:
    """Move this process into a network namespace. Raises OSError."""
    libc = ctypes.CDLL(None, use_errno=True)
    with Path(path).open("rb") as namespace:
        if libc.setns(namespace.fileno(), _CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), "setns")


if __name__ == "__main__":
    main(sys.argv)
