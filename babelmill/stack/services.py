"""One supervised process: started, watched, started again, stopped."""

import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

from babelmill.kit.process.bound_launch import bound_command


class Member(Protocol):
    """Something the supervisor keeps alive: a service, or an embedded server."""

    @property
    def pid(self) -> int | None:
        """The process id while it runs."""

    def start(self) -> None:
        """Start it."""

    def stop(self) -> None:
        """Stop it and wait for its end."""


class ServiceProcess:
    """A service of Babelmill in a process group of its own."""

    def __init__(
        self,
        command: Sequence[str],
        *,
        environment: Mapping[str, str],
        log: Path,
        stop_timeout_seconds: float,
    ) -> None:
        self._command = list(command)
        self._environment = {**os.environ, **environment}
        self._log = log
        self._stop_timeout_seconds = stop_timeout_seconds
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        """The process id while it runs."""
        return self._process.pid if self._process and self._process.poll() is None else None

    def start(self) -> None:
        """Start it, with its output appended to its log."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                bound_command(self._command, sig=signal.SIGTERM),
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                # A Ctrl-C in the terminal is the supervisor's to handle.
                process_group=0,
            )

    def request_stop(self) -> None:
        """Ask it to stop, without waiting."""
        if self.pid is not None and self._process is not None:
            self._process.send_signal(signal.SIGTERM)

    def stop(self) -> None:
        """Ask it to stop, wait, and end its whole group if it does not."""
        if self._process is None:
            return
        self.request_stop()
        try:
            self._process.wait(self._stop_timeout_seconds)
        except subprocess.TimeoutExpired:
            self._kill_group()
            self._process.wait()
        # Children that outlived their parent would be left behind otherwise.
        self._kill_group()
        self._process = None

    def _kill_group(self) -> None:
        assert self._process is not None
        try:
            os.killpg(self._process.pid, signal.SIGKILL)
        except ProcessLookupError:
            return


class Restarts:
    """Spaces out the starts of a member that keeps dying: 0.5 s, doubling to 10 s."""

    FIRST_SECONDS = 0.5
    LONGEST_SECONDS = 10.0
    HEALTHY_SECONDS = 30.0

    def __init__(self) -> None:
        self._wait_seconds = self.FIRST_SECONDS
        self._started_at = time.monotonic()
        self._due_at: float | None = None
        self.count = 0

    def started(self) -> None:
        """Note a start."""
        self._started_at = time.monotonic()
        self._due_at = None

    def is_due(self) -> bool:
        """Tell, for a member that is dead, whether to start it again now."""
        now = time.monotonic()
        if self._due_at is None:
            healthy = now - self._started_at > self.HEALTHY_SECONDS
            self._wait_seconds = (
                self.FIRST_SECONDS
                if healthy
                else min(self.LONGEST_SECONDS, self._wait_seconds * (2 if self.count else 1))
            )
            self._due_at = now + self._wait_seconds
            self.count += 1
        return now >= self._due_at
