"""Apertium pipe: the processes of one direction, kept running between sentences.

Starting the ten to sixteen programs of a direction takes longer than translating a page, so they
stay. They are one process group of their own; it is killed on close and after a timeout. Should
this process die without closing, the programs get SIGKILL from the kernel where `setpriv` is
installed, and see the end of their input in any case.
"""

import contextlib
import os
import selectors
import shutil
import signal
import subprocess
import time
from collections.abc import Sequence

from translation_worker.engines.apertium_modes import Mode
from translation_worker.engines.engine import EngineError, EngineUnavailableError

# More at once could fill the pipe's buffer (64 KiB on Linux) while nobody reads.
MAX_BYTES_IN_FLIGHT = 16 * 1024
_READ_BYTES = 64 * 1024
_ENDING_SECONDS = 5.0


class PipeTimeoutError(EngineError):
    """The pipe gave no answer in time."""


class PipeBrokenError(EngineError):
    """A program of the pipe has ended."""


class ApertiumPipe:
    """A running pipeline. It is not thread-safe, and useless once an exchange has failed."""

    def __init__(self, mode: Mode) -> None:
        """Start the programs; raises EngineUnavailableError."""
        self._processes: list[subprocess.Popen[bytes]] = []
        self._pending = bytearray()
        # By the monotonic clock; kept up by the owner, who decides what is idle.
        self.last_used = time.monotonic()
        try:
            self._start(mode)
        except OSError as error:
            self.close()
            raise EngineUnavailableError("The programs of a mode do not start.") from error

    def _start(self, mode: Mode) -> None:
        guard = _death_guard()
        group = 0
        source: int = subprocess.PIPE
        for command in mode.commands:
            # No shell, and every argument is from a mode file checked by parse_mode.
            process = subprocess.Popen(
                [*guard, *command],
                stdin=source,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                process_group=group,
                env={"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C.UTF-8"},
            )
            if self._processes:
                previous = self._processes[-1].stdout
                if previous is not None:
                    previous.close()
            self._processes.append(process)
            group = self._processes[0].pid
            if process.stdout is None:
                raise OSError
            source = process.stdout.fileno()

    @property
    def process_ids(self) -> tuple[int, ...]:
        """Ids of the programs, in the order of the pipe."""
        return tuple(process.pid for process in self._processes)

    def exchange(self, messages: Sequence[bytes], timeout_seconds: float) -> list[bytes]:
        """Send messages that each end in NUL and return the answers without their NULs.

        Raises PipeTimeoutError, or PipeBrokenError if the pipe has ended. The messages together
        must not exceed MAX_BYTES_IN_FLIGHT unless there is only one.
        """
        stdin, stdout = self._processes[0].stdin, self._processes[-1].stdout
        if stdin is None or stdout is None:
            raise PipeBrokenError
        deadline = time.monotonic() + timeout_seconds
        unsent = memoryview(b"".join(messages))
        os.set_blocking(stdin.fileno(), False)
        os.set_blocking(stdout.fileno(), False)
        with selectors.DefaultSelector() as selector:
            selector.register(stdout, selectors.EVENT_READ)
            selector.register(stdin, selectors.EVENT_WRITE)
            while self._pending.count(0) < len(messages):
                remaining = deadline - time.monotonic()
                if remaining <= 0:
                    raise PipeTimeoutError
                for key, _ in selector.select(remaining):
                    if key.fileobj is stdout:
                        self._receive(stdout.fileno())
                    else:
                        unsent = unsent[self._send(stdin.fileno(), unsent) :]
                        if not unsent:
                            selector.unregister(stdin)
        *answers, rest = bytes(self._pending).split(b"\0")
        self._pending = bytearray(rest)
        return answers

    def _receive(self, descriptor: int) -> None:
        with contextlib.suppress(BlockingIOError):
            data = os.read(descriptor, _READ_BYTES)
            if not data:
                raise PipeBrokenError
            self._pending += data

    @staticmethod
    def _send(descriptor: int, data: memoryview) -> int:
        try:
            return os.write(descriptor, data[:_READ_BYTES])
        except BlockingIOError:
            return 0
        except BrokenPipeError as error:
            raise PipeBrokenError from error

    def close(self) -> None:
        """Kill the whole group, wait for every program, and close the pipes."""
        if not self._processes:
            return
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._processes[0].pid, signal.SIGKILL)
        for process in self._processes:
            # Also one by one: the group's first program may have ended and been reaped.
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(_ENDING_SECONDS)
            for stream in (process.stdin, process.stdout):
                if stream is not None:
                    with contextlib.suppress(OSError):
                        stream.close()
        self._processes.clear()
        self._pending.clear()


def _death_guard() -> tuple[str, ...]:
    """Return the words to put before a command so that it dies with the thread that starts it."""
    setpriv = shutil.which("setpriv")
    return (setpriv, "--pdeathsig", "KILL", "--") if setpriv else ()
