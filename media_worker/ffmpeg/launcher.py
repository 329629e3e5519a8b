"""Starts one ffmpeg, waits for it, and tells what it cost. Run as a script by `runner`.

It is a process of its own, without site packages, for two reasons. A child
inherits the memory peak of the process that forked it, so only a small parent
gets an honest figure from wait4. And nothing may survive a worker that was
killed: the kernel ends this process with the worker, and ffmpeg with this one.

Arguments: PARENT_PID REPORT_FD PROGRESS_FD LIMITS ISOLATION -- PROGRAM ARGUMENT...
where LIMITS is JSON (see `apply_limits`), and so is ISOLATION (see `isolation`).
On REPORT_FD it writes two lines of JSON: {"pid"} once ffmpeg was started, and
{"status", "maxrss_kib", "cpu_seconds"} once it and all below it have ended.
SIGTERM makes it kill ffmpeg's process group.

Only the standard library may be imported here, and little of it; and the two
small modules of the kit that take rights away.
"""

import ctypes
import json
import os
import resource
import signal
import sys
from contextlib import suppress
from types import FrameType

TYPE_CHECKING = False
if TYPE_CHECKING:
    from media_worker.ffmpeg.isolation import IsolationPlan

PROGRESS_FD = 3
"""Where ffmpeg finds the pipe for its progress reports."""
EXIT_NOT_STARTED = 127
"""Ends the child when the program could not be executed, as a shell does."""
_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_PR_SET_NO_NEW_PRIVS = 38
_NICENESS = 5
_OUT_OF_MEMORY_SCORE = b"1000"
# In a process namespace of its own, behind bubblewrap's own first process.
_PID_IN_BUBBLEWRAP = 2


def end_with_parent(parent_pid: int) -> None:
    """Ask the kernel to kill this process when its parent ends."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl")
    # A parent that ended before the call above is not noticed by the kernel.
    if os.getppid() != parent_pid:
        os.kill(os.getpid(), signal.SIGKILL)


def apply_limits(limits: dict[str, int]) -> None:
    """Set the limits of this process, and so of all that it starts."""
    for name, kind in (
        ("address_space_bytes", resource.RLIMIT_AS),
        ("file_size_bytes", resource.RLIMIT_FSIZE),
        ("cpu_seconds", resource.RLIMIT_CPU),
        ("open_files", resource.RLIMIT_NOFILE),
    ):
        wanted = limits[name]
        _, hard = resource.getrlimit(kind)
        allowed = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(kind, (allowed, allowed))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def prefer_for_killing() -> None:
    """If the machine runs out of memory, let it be this process that ends."""
    with suppress(OSError):
        fd = os.open("/proc/self/oom_score_adj", os.O_WRONLY)
        try:
            os.write(fd, _OUT_OF_MEMORY_SCORE)
        finally:
            os.close(fd)


def isolated_command(arguments: list[str], isolation: "IsolationPlan") -> list[str]:
    """Take rights from this process, and return the command to become. Raises OSError."""
    if isolation["level"] == "limits":
        return arguments
    sys.path.append(isolation["packages"])
    # Only now: a run without them need not load them.
    from babelmill.kit.process.file_rights import keep_only_files
    from babelmill.kit.process.system_calls import filter_of_system_calls, forbid_system_calls

    if isolation["level"] == "kernel":
        kept = keep_only_files(
            isolation["readable"], isolation["writable"], executable=isolation["executable"]
        )
        if not (kept and forbid_system_calls(may_execute=True, may_link=False)):
            raise OSError("the kernel does not isolate")
        return arguments
    program = filter_of_system_calls(own_pid=_PID_IN_BUBBLEWRAP, may_link=False)
    if program is None:
        return [*isolation["wrapper"], "--", *arguments]
    read_fd, write_fd = os.pipe()
    os.write(write_fd, program)
    os.close(write_fd)
    os.set_inheritable(read_fd, True)
    return [*isolation["wrapper"], "--seccomp", str(read_fd), "--", *arguments]


def become_program(
    arguments: list[str],
    launcher_pid: int,
    report_fd: int,
    progress_fd: int,
    limits: dict[str, int],
    isolation: "IsolationPlan",
) -> None:
    """Turn the forked child into the program. Never returns."""
    try:
        os.setpgid(0, 0)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)
        signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
        end_with_parent(launcher_pid)
        ctypes.CDLL(None).prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
        os.close(report_fd)
        if progress_fd != PROGRESS_FD:
            os.dup2(progress_fd, PROGRESS_FD)
            os.close(progress_fd)
        os.nice(_NICENESS)
        prefer_for_killing()
        apply_limits(limits)
        command = isolated_command(arguments, isolation)
        os.execv(command[0], command)  # noqa: S606  # there is no shell, on purpose
    except BaseException as error:  # noqa: BLE001  # a forked child must not run the parent's code
        os.write(2, f"not started: {type(error).__name__}\n".encode())
    finally:
        os._exit(EXIT_NOT_STARTED)


def report(fd: int, fields: dict[str, float]) -> None:
    """Write one line to the worker; it may be gone."""
    try:
        os.write(fd, json.dumps(fields).encode() + b"\n")
    except BrokenPipeError:
        return


def main(argv: list[str]) -> int:
    """Run the program to its end. Returns 0 whatever its exit status."""
    parent_pid, report_fd, progress_fd = (int(text) for text in argv[1:4])
    limits, isolation = json.loads(argv[4]), json.loads(argv[5])
    program = argv[7:]
    child = 0
    stopping = False

    def stop(_number: int, _frame: FrameType | None) -> None:
        nonlocal stopping
        stopping = True
        if child > 0:
            with suppress(ProcessLookupError):
                os.killpg(child, signal.SIGKILL)

    signal.signal(signal.SIGTERM, stop)
    end_with_parent(parent_pid)
    # What bubblewrap leaves behind comes here, and is waited for and counted.
    ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    launcher_pid = os.getpid()
    # A stop between the fork and the assignment would be lost; it waits for a moment.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    if stopping:
        return 0
    child = os.fork()
    if child == 0:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
        become_program(program, launcher_pid, report_fd, progress_fd, limits, isolation)
    # The child may be faster: it does this itself too, before it executes.
    with suppress(PermissionError, ProcessLookupError):
        os.setpgid(child, child)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
    for fd in (0, 1, 2, progress_fd):
        # The worker reads until the end of these pipes, so only ffmpeg may hold them.
        os.close(fd)
    report(report_fd, {"pid": child})
    _, status, usage = os.wait4(child, 0)
    child = 0
    maxrss_kib, cpu_seconds = usage.ru_maxrss, usage.ru_utime + usage.ru_stime
    with suppress(ChildProcessError):
        while True:
            _, _, usage = os.wait4(-1, 0)
            maxrss_kib = max(maxrss_kib, usage.ru_maxrss)
            cpu_seconds += usage.ru_utime + usage.ru_stime
    report(report_fd, {"status": status, "maxrss_kib": maxrss_kib, "cpu_seconds": cpu_seconds})
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
