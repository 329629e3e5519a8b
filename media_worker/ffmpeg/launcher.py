"""Starts one ffmpeg, waits for it, and tells what it cost. Forked by `starter`.

It is a process of its own, forked from a small one, for two reasons. A child
inherits the memory peak of the process that forked it, so only a small parent
gets an honest figure from wait4. And nothing may survive a worker that was
killed: the kernel ends this process with the worker's, and ffmpeg with this one.

It is told what to do in one message on its socket (see `Orders`), and writes two
lines there: `pid PID` once ffmpeg was started, and `end STATUS MAXRSS_KIB
CPU_SECONDS` once it and all below it have ended. When the worker has no more to
say on that socket, or is gone, it kills ffmpeg's process group.
"""

import ctypes
import json
import os
import resource
import select
import signal
import socket
from contextlib import suppress
from typing import TYPE_CHECKING, TypedDict

from babelmill.kit.process.file_rights import keep_only_files
from babelmill.kit.process.system_calls import filter_of_system_calls, forbid_system_calls

if TYPE_CHECKING:
    # It is the worker's, and would load much that is not needed here.
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
_LENGTH_BYTES = 8
_WAKES_AT_ONCE = 4096


class Orders(TypedDict):
    """What one launcher is told."""

    command: list[str]
    """The program's path and its arguments."""
    directory: str
    limits: dict[str, int]
    """See `apply_limits`."""
    isolation: "IsolationPlan"


def orders_message(orders: Orders) -> bytes:
    """Give the message that `read_orders` reads: its length, then JSON."""
    content = json.dumps(orders).encode()
    return len(content).to_bytes(_LENGTH_BYTES, "big") + content


def read_orders(control: socket.socket) -> Orders:
    """Read the worker's message. Raises EOFError if it ends too early."""
    orders: Orders = json.loads(
        _read(control, int.from_bytes(_read(control, _LENGTH_BYTES), "big"))
    )
    return orders


def _read(control: socket.socket, size: int) -> bytes:
    content = b""
    while len(content) < size:
        piece = control.recv(size - len(content))
        if not piece:
            raise EOFError
        content += piece
    return content


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


def become_program(orders: Orders, launcher_pid: int, progress_fd: int) -> None:
    """Turn the forked child into the program. Never returns."""
    try:
        os.setpgid(0, 0)
        for number in (signal.SIGCHLD, signal.SIGPIPE, signal.SIGXFSZ):
            signal.signal(number, signal.SIG_DFL)
        end_with_parent(launcher_pid)
        ctypes.CDLL(None).prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
        if progress_fd == PROGRESS_FD:
            os.set_inheritable(progress_fd, True)
        else:
            os.dup2(progress_fd, PROGRESS_FD)
        os.nice(_NICENESS)
        prefer_for_killing()
        apply_limits(orders["limits"])
        command = isolated_command(orders["command"], orders["isolation"])
        os.execv(command[0], command)  # noqa: S606  # there is no shell, on purpose
    except BaseException as error:  # noqa: BLE001  # a forked child must not run the parent's code
        os.write(2, f"not started: {type(error).__name__}\n".encode())
    finally:
        os._exit(EXIT_NOT_STARTED)


def report(control: socket.socket, *words: object) -> None:
    """Write one line to the worker; it may be gone."""
    try:
        control.sendall(" ".join(map(str, words)).encode() + b"\n")
    except (BrokenPipeError, ConnectionResetError):
        return


def signal_group(pid: int, number: int) -> None:
    """Send a signal to a process group that may be gone."""
    try:
        os.killpg(pid, number)
    except ProcessLookupError:
        return


class Family:
    """The program and all that it leaves behind, until the last of them has ended."""

    def __init__(self, control: socket.socket) -> None:
        self._control = control
        self._awake, wake = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda _number, _frame: None)
        # What bubblewrap leaves behind comes here, and is waited for and counted.
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
        self.status: int | None = None
        self.maxrss_kib = 0
        self.cpu_seconds = 0.0

    def wait(self, program: int) -> None:
        """Wait for all of them; kill the program's group when the worker wants it to end."""
        watched = select.poll()
        watched.register(self._awake, select.POLLIN)
        watched.register(self._control, select.POLLIN)
        while self._takes_account(program):
            for fd, _ in watched.poll():
                if fd == self._awake:
                    os.read(fd, _WAKES_AT_ONCE)
                    continue
                watched.unregister(fd)
                if self.status is None:
                    signal_group(program, signal.SIGKILL)

    def _takes_account(self, program: int) -> bool:
        """Count what has ended; tell whether more is to come."""
        while True:
            try:
                pid, status, usage = os.wait4(-1, os.WNOHANG)
            except ChildProcessError:
                return False
            if pid == 0:
                return True
            if pid == program:
                self.status = status
            self.maxrss_kib = max(self.maxrss_kib, usage.ru_maxrss)
            self.cpu_seconds += usage.ru_utime + usage.ru_stime


def launch(
    starter_pid: int, control_fd: int, stdout_fd: int, stderr_fd: int, progress_fd: int
) -> None:
    """Run one program to its end, in a process just forked. Never returns."""
    try:
        os.setsid()
        end_with_parent(starter_pid)
        # The worker reads until the end of these pipes, so in the end only ffmpeg may hold them.
        for fd, wanted in ((stdout_fd, 1), (stderr_fd, 2)):
            os.dup2(fd, wanted)
            os.close(fd)
        with socket.socket(fileno=control_fd) as control:
            run(control, progress_fd)
    finally:
        os._exit(0)


def run(control: socket.socket, progress_fd: int) -> None:
    """Do what the worker's message says. Raises OSError and EOFError."""
    orders = read_orders(control)
    os.chdir(orders["directory"])
    family = Family(control)
    launcher_pid = os.getpid()
    child = os.fork()
    if child == 0:
        become_program(orders, launcher_pid, progress_fd)
    # The child may be faster: it does this itself too, before it executes.
    with suppress(PermissionError, ProcessLookupError):
        os.setpgid(child, child)
    for fd in (0, 1, 2, progress_fd):
        os.close(fd)
    report(control, "pid", child)
    family.wait(child)
    report(control, "end", family.status, family.maxrss_kib, family.cpu_seconds)
