"""Runs one ffmpeg to its end: drained, measured, limited, and gone when it must be.

All pipes are read in one loop by the thread that asked for the run, so an
output that nobody reads can never stop ffmpeg. A stop kills ffmpeg's process
group with SIGKILL at once: asked politely, ffmpeg may go on for seconds or
not listen at all. `run` returns only after the kernel has reaped ffmpeg.

The thread that calls `run` must stay until it returns: the kernel ties the
launcher's life to it (see `starting`).
"""

import os
import selectors
import signal
import socket
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import IO, Protocol

from media_worker.ffmpeg import launcher
from media_worker.ffmpeg.isolation import Isolation
from media_worker.ffmpeg.measurement import (
    SAMPLE_SECONDS,
    ProcessSample,
    UsageMeter,
    innermost_process,
    read_process,
)
from media_worker.ffmpeg.pipes import HeadAndTail, Waker
from media_worker.ffmpeg.starting import Starter, own_starter

_READ_BYTES = 64 * 1024
_KIB = 1024
# A stop that the launcher has not carried out by then is carried out around it.
_STOP_GRACE_SECONDS = 0.3
# Shells and bubblewrap end with this and its number when their program has died of a signal.
_EXIT_BY_SIGNAL = 128


class RunnerBroken(RuntimeError):
    """ffmpeg could not be started, or was lost together with its launcher."""


class EndedBy(StrEnum):
    """Why a run ended."""

    ITSELF = "itself"
    STOP = "stop"
    DEADLINE = "deadline"


class StopRequest(Protocol):
    """The wish to stop, made from any thread."""

    @property
    def requested(self) -> bool:
        """Whether it was made."""
        ...

    def on_request(self, callback: Callable[[object], None], /) -> object:
        """Call `callback(reason)` once when it is made, or at once if it was."""
        ...


@dataclass(frozen=True, slots=True)
class ProcessLimits:
    """What the kernel allows one ffmpeg."""

    address_space_bytes: int
    file_size_bytes: int
    cpu_seconds: int
    open_files: int = 256


@dataclass(frozen=True, slots=True)
class RunResult:
    """How a run ended. The signal is that of ffmpeg's death, if it died of one."""

    ended_by: EndedBy
    exit_code: int | None
    signal_number: int | None
    stderr: str

    @property
    def succeeded(self) -> bool:
        """Whether ffmpeg ended by itself and with status 0. Its output is not verified."""
        return self.ended_by is EndedBy.ITSELF and self.exit_code == 0


class FfmpegRunner:
    """Runs ffmpeg; may be used again and again, by one thread at a time each."""

    def __init__(
        self, executable: Path, limits: ProcessLimits, isolation: Isolation | None = None
    ) -> None:
        self._executable = executable
        self._limits = limits
        self._isolation = isolation or Isolation()

    def run(
        self,
        arguments: Sequence[str],
        *,
        directory: Path,
        stop: StopRequest,
        deadline_seconds: float,
        meter: UsageMeter,
        on_stdout: Callable[[bytes], None] | None = None,
        on_progress: Callable[[bytes], None] | None = None,
    ) -> RunResult:
        """Run with `arguments` in `directory` until the end, a stop or the deadline.

        `deadline_seconds` is on the monotonic clock. The callbacks are called
        from the calling thread. Raises RunnerBroken, and whatever a callback
        raises after ffmpeg was killed.
        """
        with ExitStack() as stack:
            run = _Run(stop, deadline_seconds, meter, on_stdout, on_progress)
            stack.callback(run.close)
            meter.begin_run(time.monotonic())
            command = [str(self._executable.resolve()), *arguments]
            run.start(command, directory, self._limits, self._isolation)
            return run.until_end()


class _Run:
    """One run and its pipes."""

    def __init__(
        self,
        stop: StopRequest,
        deadline_seconds: float,
        meter: UsageMeter,
        on_stdout: Callable[[bytes], None] | None,
        on_progress: Callable[[bytes], None] | None,
    ) -> None:
        self._stop = stop
        self._deadline = deadline_seconds
        self._meter = meter
        self._on_stdout = on_stdout
        self._on_progress = on_progress
        self._selector = selectors.DefaultSelector()
        self._starter: Starter | None = None
        self._control: socket.socket | None = None
        self._waker = Waker()
        self._stderr = HeadAndTail()
        self._report = b""
        self._pid: int | None = None
        self._status: int | None = None
        self._final: ProcessSample | None = None
        self._open = 0
        self._ended_by = EndedBy.ITSELF
        self._kill_at: float | None = None
        self._is_wrapped = False

    def start(
        self, command: list[str], directory: Path, limits: ProcessLimits, isolation: Isolation
    ) -> None:
        """Start the launcher and listen to all its pipes."""
        self._is_wrapped = isolation.is_wrapped
        orders = launcher.orders_message(
            {
                "command": command,
                "directory": str(directory),
                "limits": asdict(limits),
                "isolation": isolation.plan(Path(command[0]), directory),
            }
        )
        with ExitStack() as theirs:
            self._control, control = socket.socketpair()
            self._listen(self._control, self._take_report)
            theirs.enter_context(control)
            descriptors = [control.fileno()]
            for take in (self._take_stdout, self._stderr.add, self._take_progress):
                read_fd, write_fd = os.pipe()
                theirs.callback(os.close, write_fd)
                self._listen(os.fdopen(read_fd, "rb", buffering=0), take)
                descriptors.append(write_fd)
            try:
                self._starter = own_starter()
                self._starter.launch(descriptors)
                # Only the launcher may hold it now, so that its death is noticed here.
                control.close()
                self._control.sendall(orders)
            except OSError as error:
                raise RunnerBroken("the launcher cannot be started") from error
        self._selector.register(self._waker.read_fd, selectors.EVENT_READ, None)
        self._stop.on_request(self._waker.wake)

    def until_end(self) -> RunResult:
        """Read and measure until every pipe has ended."""
        next_sample = time.monotonic()
        while self._open:
            now = time.monotonic()
            if now >= next_sample:
                self._sample(now)
                next_sample = now + SAMPLE_SECONDS
            self._enforce(now)
            for key, _ in self._selector.select(self._patience(now, next_sample)):
                if key.data is None:
                    self._waker.drain()
                else:
                    self._read(key)
        return self._result()

    def close(self) -> None:
        """End whatever still runs and close every pipe. Idempotent."""
        if self._control is not None and self._starter is not None:
            self._let_go()
            if not self._ends_in_time():
                self._starter.kill()
        for key in list(self._selector.get_map().values()):
            if key.data is not None:
                self._forget(key)
        self._selector.close()
        self._waker.close()

    def _listen(self, pipe: IO[bytes] | socket.socket, take: Callable[[bytes], None]) -> None:
        self._selector.register(pipe, selectors.EVENT_READ, take)
        self._open += 1

    def _ends_in_time(self) -> bool:
        """Tell whether the launcher, and so all below it, ends within the grace."""
        give_up_at = time.monotonic() + _STOP_GRACE_SECONDS
        while self._control is not None and self._control.fileno() >= 0:
            self._control.settimeout(max(0.001, give_up_at - time.monotonic()))
            try:
                if not self._control.recv(_READ_BYTES):
                    return True
            except TimeoutError:
                return False
            except ConnectionResetError:
                return True
        return True

    def _read(self, key: selectors.SelectorKey) -> None:
        try:
            chunk = os.read(key.fd, _READ_BYTES)
        except ConnectionResetError:
            # A launcher that was killed before it had read what it is to do.
            chunk = b""
        if chunk:
            key.data(chunk)
        else:
            self._forget(key)

    def _forget(self, key: selectors.SelectorKey) -> None:
        self._selector.unregister(key.fileobj)
        if not isinstance(key.fileobj, int):
            key.fileobj.close()  # type: ignore[attr-defined]  # typeshed knows only fileno()
        self._open -= 1

    def _patience(self, now: float, next_sample: float) -> float:
        moments = [next_sample, self._deadline if self._kill_at is None else self._kill_at]
        return max(0.0, min(moments) - now)

    def _enforce(self, now: float) -> None:
        if self._ended_by is EndedBy.ITSELF:
            if self._stop.requested:
                self._ended_by = EndedBy.STOP
            elif now >= self._deadline:
                self._ended_by = EndedBy.DEADLINE
            else:
                return
            self._let_go()
            self._kill_at = now + _STOP_GRACE_SECONDS
        elif self._kill_at is not None and now >= self._kill_at and self._starter is not None:
            # The launcher and ffmpeg end with it, whatever holds them.
            self._starter.kill()
            self._kill_at = now + _STOP_GRACE_SECONDS

    def _let_go(self) -> None:
        """Have nothing more to say to the launcher: it then kills ffmpeg."""
        if self._control is not None:
            # It may be gone already, and then all below it is.
            with suppress(OSError):
                self._control.shutdown(socket.SHUT_WR)

    def _sample(self, now: float) -> None:
        if self._pid is None or self._status is not None:
            return
        sample = read_process(innermost_process(self._pid) if self._is_wrapped else self._pid)
        if sample is not None:
            self._meter.sample(now, sample)

    def _take_stdout(self, chunk: bytes) -> None:
        if self._on_stdout is not None and self._ended_by is EndedBy.ITSELF:
            self._on_stdout(chunk)

    def _take_progress(self, chunk: bytes) -> None:
        if self._on_progress is not None and self._ended_by is EndedBy.ITSELF:
            self._on_progress(chunk)

    def _take_report(self, chunk: bytes) -> None:
        *lines, self._report = (self._report + chunk).split(b"\n")
        for line in lines:
            word, *figures = line.decode("ascii").split()
            if word == "pid":
                self._pid = int(figures[0])
                self._sample(time.monotonic())
            else:
                status, maxrss_kib, cpu_seconds = figures
                self._status = int(status)
                self._final = ProcessSample(
                    cpu_seconds=float(cpu_seconds), peak_rss_bytes=int(maxrss_kib) * _KIB
                )

    def _result(self) -> RunResult:
        self._meter.end_run(time.monotonic(), self._final)
        stderr = self._stderr.text()
        if self._status is None:
            if self._ended_by is EndedBy.ITSELF:
                raise RunnerBroken("ffmpeg was lost with its launcher")
            return RunResult(self._ended_by, None, signal.SIGKILL, stderr)
        code = os.waitstatus_to_exitcode(self._status)
        if code == launcher.EXIT_NOT_STARTED or (self._is_wrapped and stderr.startswith("bwrap: ")):
            raise RunnerBroken("ffmpeg cannot be executed")
        if self._is_wrapped and code - _EXIT_BY_SIGNAL in set(signal.Signals):
            code = _EXIT_BY_SIGNAL - code
        if code < 0:
            return RunResult(self._ended_by, None, -code, stderr)
        return RunResult(self._ended_by, code, None, stderr)
