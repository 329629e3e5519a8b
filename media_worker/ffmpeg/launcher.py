"""Starts one ffmpeg, waits for it, and tells what it cost. Run by `runner`.

It is a process of its own, without site packages, for two reasons. A child
inherits the memory peak of the process that forked it, so only a small parent
gets an honest figure from wait4. And nothing may survive a worker that was
killed: the kernel ends this process with the worker, and ffmpeg with this one.

Arguments: PARENT_PID REPORT_FD PROGRESS_FD ORDERS -- PROGRAM ARGUMENT...
where ORDERS are limits (see `apply_limits`) and isolation (see `isolation`), in
marshal's form and in hexadecimal digits. On REPORT_FD it writes two lines:
`pid PID` once ffmpeg was started, and `end STATUS MAXRSS_KIB CPU_SECONDS` once
it and all below it have ended. SIGTERM makes it kill ffmpeg's process group.

Only the standard library may be imported here, and only what loads quickly: it
is paid for with each run. So there is no json, no enum and no contextlib here.
And the two small modules of the kit that take rights away.
"""

import ctypes
import marshal
import os
import resource

TYPE_CHECKING = False
if TYPE_CHECKING:
    import signal
    from types import FrameType

    from media_worker.ffmpeg.isolation import IsolationPlan
else:
    # The same without its enums, which take longer to load than all else here.
    import _signal as signal

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
    try:
        fd = os.open("/proc/self/oom_score_adj", os.O_WRONLY)
    except OSError:
        return
    try:
        os.write(fd, _OUT_OF_MEMORY_SCORE)
    except OSError:
        return
    finally:
        os.close(fd)


def isolated_command(arguments: list[str], isolation: "IsolationPlan") -> list[str]:
    """Take rights from this process, and return the command to become. Raises OSError."""
    if isolation["level"] == "limits":
        return arguments
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


def report(fd: int, *words: object) -> None:
    """Write one line to the worker; it may be gone."""
    try:
        os.write(fd, " ".join(map(str, words)).encode() + b"\n")
    except BrokenPipeError:
        return


def signal_group(pid: int, number: int) -> None:
    """Send a signal to a process group that may be gone."""
    try:
        os.killpg(pid, number)
    except ProcessLookupError:
        return


def wait_for_all() -> tuple[int, float]:
    """Wait for all that is still below; return their largest size in KiB and their CPU time."""
    maxrss_kib, cpu_seconds = 0, 0.0
    while True:
        try:
            _, _, usage = os.wait4(-1, 0)
        except ChildProcessError:
            return maxrss_kib, cpu_seconds
        maxrss_kib = max(maxrss_kib, usage.ru_maxrss)
        cpu_seconds += usage.ru_utime + usage.ru_stime


def main(argv: list[str]) -> int:
    """Run the program to its end. Returns 0 whatever its exit status."""
    parent_pid, report_fd, progress_fd = (int(text) for text in argv[1:4])
    limits, isolation = marshal.loads(bytes.fromhex(argv[4]))  # noqa: S302  # the worker's own
    program = argv[6:]
    child = 0
    stopping = False

    def stop(_number: int, _frame: "FrameType | None") -> None:
        nonlocal stopping
        stopping = True
        if child > 0:
            signal_group(child, signal.SIGKILL)

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
    try:  # noqa: SIM105  # contextlib takes long to load
        os.setpgid(child, child)
    except (PermissionError, ProcessLookupError):
        pass
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
    for fd in (0, 1, 2, progress_fd):
        # The worker reads until the end of these pipes, so only ffmpeg may hold them.
        os.close(fd)
    report(report_fd, "pid", child)
    _, status, usage = os.wait4(child, 0)
    child = 0
    below_kib, below_seconds = wait_for_all()
    maxrss_kib = max(usage.ru_maxrss, below_kib)
    report(report_fd, "end", status, maxrss_kib, usage.ru_utime + usage.ru_stime + below_seconds)
    return 0
