"""One process under test: started as users start it, and ended in every way there is."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import psutil

from tests.deadlines import eventually

_LAUNCH = Path(__file__).with_name("launch.py")


class Fuse:
    """Arms the failpoint of one service while it is lit; acting burns it."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def light(self) -> None:
        self.path.touch()

    @property
    def burnt(self) -> bool:
        return not self.path.exists()

    def wait(self, timeout_seconds: float = 30) -> None:
        """Return when the failpoint has acted."""
        eventually(lambda: self.burnt, timeout_seconds=timeout_seconds)


class ServiceEnded(Exception):
    """A service has ended by itself when it should not."""


class Service:
    """A service in a process group of its own. `start`, then whatever the fault is, then `end`.

    Start it from the main thread: the kernel ends it with the thread that started it.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str | Path],
        *,
        environment: Mapping[str, str],
        log: Path,
        fuse: Fuse,
        limits: Mapping[str, object] | None = None,
    ) -> None:
        self.name = name
        self.environment = dict(environment)
        self.log = log
        self.fuse = fuse
        self.limits: dict[str, object] = dict(limits or {})
        self._command = [str(part) for part in command]
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        assert self._process is not None, f"{self.name} was not started"
        return self._process.pid

    @property
    def alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def arm(self, failpoint: str, *, poison: bool = False) -> None:
        """Set the failpoint of the next start; without `poison` it acts once."""
        self.environment |= {"BABELMILL_TEST_MODE": "1", "BABELMILL_FAILPOINT": failpoint}
        if not poison:
            self.fuse.light()
            self.environment["BABELMILL_FAILPOINT_FUSE"] = str(self.fuse.path)

    def insist_alive(self) -> None:
        """Raise ServiceEnded with the end of its log if it has ended."""
        if not self.alive:
            raise ServiceEnded(f"{self.name}:\n{self.last_words()}")

    def start(self) -> None:
        """Start it; a second start is a restart with the same settings."""
        assert not self.alive, f"{self.name} runs already"
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, _LAUNCH, json.dumps(self.limits), "--", *self._command],
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                process_group=0,
            )

    def signal(self, number: signal.Signals) -> None:
        """Signal the main process alone."""
        os.kill(self.pid, number)

    def kill(self) -> None:
        """SIGKILL the main process alone, and wait for its end."""
        self.signal(signal.SIGKILL)
        self.wait()

    def wait(self, timeout_seconds: float = 30) -> int:
        """Wait for the main process; return its exit status, negative for a signal."""
        assert self._process is not None
        return self._process.wait(timeout_seconds)

    def restart(self) -> None:
        """Start it again after its end, whatever ended it."""
        self.wait()
        self.start()

    def freeze(self) -> None:
        """SIGSTOP everything of it: the main process first, so that it misses nothing."""
        for process in self.processes():
            with suppress(psutil.NoSuchProcess):
                process.suspend()

    def thaw(self) -> None:
        """SIGCONT everything of it."""
        for process in reversed(self.processes()):
            with suppress(psutil.NoSuchProcess):
                process.resume()

    def processes(self) -> list[psutil.Process]:
        """The main process and all below it."""
        try:
            main = psutil.Process(self.pid)
            return [main, *main.children(recursive=True)]
        except psutil.NoSuchProcess:
            return []

    def children(self) -> list[int]:
        """The pids of a worker's pool children, which run the steps."""
        return [
            process.pid
            for process in psutil.Process(self.pid).children()
            if any("spawn_main" in part for part in _command_line(process))
        ]

    def programs(self, name: str = "ffmpeg") -> list[int]:
        """The pids of the programs of that name that run for its attempts now.

        Told by where they run: a child asks ffmpeg for its version, too.
        """
        scratch = self.environment["BABELMILL_SCRATCH"]
        return [
            process.pid
            for process in self.processes()
            if (parts := _command_line(process))
            and name in Path(parts[0]).name
            and directory_of(process).startswith(scratch)
        ]

    def rss_bytes(self) -> int:
        """Resident memory of the main process."""
        return int(psutil.Process(self.pid).memory_info().rss)

    def events(self, name: str) -> list[dict[str, object]]:
        """The lines of its log with this event, oldest first."""
        return [line for line in self._lines() if line.get("event") == name]

    def end(self) -> None:
        """End everything of it now."""
        left = self.processes() if self._process is not None else []
        for process in left:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        if self._process is not None:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait(30)

    def last_words(self) -> str:
        """The end of its log, for a failure's message."""
        return self.log.read_text(errors="replace")[-3000:] if self.log.exists() else ""

    def _lines(self) -> Iterator[dict[str, object]]:
        for text in self.log.read_text(errors="replace").splitlines():
            with suppress(ValueError):
                line = json.loads(text)
                if isinstance(line, dict):
                    yield line


def directory_of(process: psutil.Process) -> str:
    """Where a process runs; empty if it is gone."""
    with suppress(psutil.Error, OSError):
        return str(process.cwd())
    return ""


def _command_line(process: psutil.Process) -> list[str]:
    try:
        return list(process.cmdline())
    except (psutil.NoSuchProcess, psutil.ZombieProcess):
        return []
