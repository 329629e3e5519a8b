"""A worker for the tests of the shell: its handler does what the input's text says."""

import ctypes
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from babelmill.jobs.v1 import lease_pb2, progress_pb2, usage_pb2, worker_service_pb2
from babelmill.kit.worker.handler import (
    Attempt,
    FailureReason,
    Result,
    StepFailure,
    StepHandler,
    StepStopped,
)
from babelmill.kit.worker.process import WorkerDefinition
from babelmill.kit.worker.settings import WorkerSettings

_PATIENCE_SECONDS = 60
_leaked: list[bytearray] = []


class ScriptedHandler:
    def run(self, work: lease_pb2.Work, attempt: Attempt) -> Result:
        source = work.translate_text.source
        script = json.loads(attempt.read_input(source, 1024 * 1024))
        return _SCRIPTS[script["do"]](attempt, script)


# Any: whatever a test has written as JSON.
_Script = dict[str, Any]


def _echo(attempt: Attempt, script: _Script) -> Result:
    return Result((attempt.output_bytes("echo.txt", "text/plain", script["text"].encode()),))


def _who_am_i(attempt: Attempt, _: _Script) -> Result:
    facts = {
        "pid": os.getpid(),
        "parent": os.getppid(),
        "main": sys.modules["__main__"].__name__,
        "scratch": str(attempt.scratch),
        "empty": not any(attempt.scratch.iterdir()),
    }
    return Result((attempt.output_bytes("me.json", "text/plain", json.dumps(facts).encode()),))


def _stage(attempt: Attempt, script: _Script) -> Result:
    path = attempt.scratch / "big"
    path.write_bytes(b"x" * script["size"])
    return Result((attempt.output_file("big.bin", "application/x-x", path),))


def _fail(_: Attempt, __: _Script) -> Result:
    raise StepFailure(
        FailureReason.ENGINE_UNAVAILABLE,
        "The engine sleeps.",
        retry_after_seconds=2.5,
        metadata={"engine": "none"},
    )


def _cost(attempt: Attempt, _: _Script) -> Result:
    attempt.report_usage(usage_pb2.Usage(cpu_seconds=1.5, input_bytes=7))
    raise StepFailure(FailureReason.ENGINE_FAILED)


def _bug(_: Attempt, script: _Script) -> Result:
    raise RuntimeError(script["secret"])


def _progress(attempt: Attempt, script: _Script) -> Result:
    ticks = script["ticks"]
    for tick in range(ticks + 1):
        attempt.report_progress(progress_pb2.PROGRESS_UNIT_CHARACTERS, tick, ticks, "translate")
        time.sleep(0.05)
    return Result(())


def _wait(attempt: Attempt, _: _Script) -> Result:
    Path(attempt.scratch / "partial").write_text("x")
    attempt.output_bytes("partial.bin", "application/x-x", b"x" * 100_000)
    attempt.report_progress(progress_pb2.PROGRESS_UNIT_CHARACTERS, 1, 10, "translate")
    if attempt.cancellation.wait(_PATIENCE_SECONDS):
        attempt.cancellation.raise_if_requested()
    raise StepStopped(attempt.cancellation.reason)  # type: ignore[arg-type]  # never gets here


def _ignore(_: Attempt, __: _Script) -> Result:
    subprocess.run(["sleep", str(_PATIENCE_SECONDS)], check=False)
    return Result(())


def _freeze(attempt: Attempt, _: _Script) -> Result:
    """Start a program that nothing binds to this process, and never let go of the interpreter.

    As native code does that loops: no other thread of this process runs again.
    """
    Path(attempt.scratch / "partial").write_text("x")
    with subprocess.Popen(["sleep", str(_PATIENCE_SECONDS)], start_new_session=True):
        attempt.report_progress(progress_pb2.PROGRESS_UNIT_CHARACTERS, 1, 10, "translate")
        ctypes.PyDLL(None).sleep(_PATIENCE_SECONDS)
    return Result(())


def _grow(attempt: Attempt, script: _Script) -> Result:
    """Keep memory for good, as a leak does."""
    _leaked.append(bytearray(script["size"]))
    return Result((attempt.output_bytes("pid", "text/plain", b"%d" % os.getpid()),))


def _die(_: Attempt, __: _Script) -> Result:
    os.kill(os.getpid(), signal.SIGKILL)
    return Result(())


_SCRIPTS: Mapping[str, Callable[[Attempt, _Script], Result]] = {
    "echo": _echo,
    "whoami": _who_am_i,
    "stage": _stage,
    "fail": _fail,
    "cost": _cost,
    "bug": _bug,
    "progress": _progress,
    "wait": _wait,
    "ignore": _ignore,
    "freeze": _freeze,
    "grow": _grow,
    "die": _die,
}


def _handlers(_: WorkerSettings) -> Mapping[str, StepHandler]:
    return {"translate_text": ScriptedHandler()}


def _describe(_: WorkerSettings) -> worker_service_pb2.AnnounceWorkerRequest:
    return worker_service_pb2.AnnounceWorkerRequest(version="1", step_kinds=["translate_text"])


DEFINITION = WorkerDefinition(
    service="scripted_worker",
    queue_families=("translation",),
    handlers=_handlers,
    describe=_describe,
    settings=WorkerSettings,
)
