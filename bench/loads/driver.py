"""The parent's side of the load generator: starts it, asks it, stops it."""

import json
import select
import signal
import subprocess
import sys
from types import TracebackType
from typing import Any

from babelmill.kit.process.lifecycle import die_with_parent

STOP_TIMEOUT_SECONDS = 10
# Every command ends long before; a generator that does not answer must not
# hang a run for ever.
ANSWER_TIMEOUT_SECONDS = 180


class GeneratorFailed(Exception):
    """The load generator ended or does not answer; its own words are on stderr."""


class Driver:
    """One load generator. Use it as a context manager."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> "Driver":
        self._process = subprocess.Popen(
            [sys.executable, "-m", "bench.loads.generator"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            # A Ctrl-C in the terminal is the parent's to handle.
            process_group=0,
            preexec_fn=lambda: die_with_parent(signal.SIGTERM),  # noqa: PLW1509 - no threads yet
        )
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.communicate(timeout=STOP_TIMEOUT_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.communicate()
        self._process = None

    # Any: an answer is JSON; the two ends are one program.
    def ask(self, **command: Any) -> dict[str, Any]:
        """Send a command and wait for its answer. Raises GeneratorFailed."""
        assert self._process is not None
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            self._process.stdin.write(json.dumps(command) + "\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            raise GeneratorFailed from None
        ready, _, _ = select.select([self._process.stdout], [], [], ANSWER_TIMEOUT_SECONDS)
        line = self._process.stdout.readline() if ready else ""
        if not line:
            raise GeneratorFailed
        answer: dict[str, Any] = json.loads(line)
        return answer
