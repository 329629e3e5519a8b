"""A worker for the tests of the shell: its handler does what the input's text says."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from babelmill.jobs.v1 import lease_pb2, progress_pb2, worker_service_pb2
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


class ScriptedHandler:
    def run(self, work: lease_pb2.Work, attempt: Attempt) -> Result:
        source = work.translate_text.source
        script = json.loads(attempt.read_input(source, 1024 * 1024))
        match script["do"]:
            case "echo":
                output = attempt.output_bytes("echo.txt", "text/plain", script["text"].encode())
                return Result(outputs=(output,))
            case "whoami":
                facts = {
                    "pid": os.getpid(),
                    "parent": os.getppid(),
                    "main": sys.modules["__main__"].__name__,
                    "scratch": str(attempt.scratch),
                    "empty": not any(attempt.scratch.iterdir()),
                }
                data = json.dumps(facts).encode()
                return Result(outputs=(attempt.output_bytes("me.json", "text/plain", data),))
            case "stage":
                path = attempt.scratch / "big"
                path.write_bytes(b"x" * script["size"])
                return Result((attempt.output_file("big.bin", "application/x-x", path),))
            case "fail":
                raise StepFailure(
                    FailureReason.ENGINE_UNAVAILABLE,
                    "The engine sleeps.",
                    retry_after_seconds=2.5,
                    metadata={"engine": "none"},
                )
            case "bug":
                raise RuntimeError(script["secret"])
            case "progress":
                return self._progress(attempt, script["ticks"])
            case "wait":
                return self._wait(attempt)
            case "ignore":
                subprocess.run(["sleep", str(_PATIENCE_SECONDS)], check=False)
                return Result(())
            case "die":
                os.kill(os.getpid(), signal.SIGKILL)
        raise AssertionError(script)

    def _progress(self, attempt: Attempt, ticks: int) -> Result:
        for tick in range(ticks + 1):
            attempt.report_progress(progress_pb2.PROGRESS_UNIT_CHARACTERS, tick, ticks, "translate")
            time.sleep(0.05)
        return Result(())

    def _wait(self, attempt: Attempt) -> Result:
        Path(attempt.scratch / "partial").write_text("x")
        attempt.output_bytes("partial.bin", "application/x-x", b"x" * 100_000)
        attempt.report_progress(progress_pb2.PROGRESS_UNIT_CHARACTERS, 1, 10, "translate")
        if attempt.cancellation.wait(_PATIENCE_SECONDS):
            attempt.cancellation.raise_if_requested()
        raise StepStopped(attempt.cancellation.reason)  # type: ignore[arg-type]  # never gets here


def _handlers(_: WorkerSettings) -> Mapping[str, StepHandler]:
    return {"translate_text": ScriptedHandler()}


def _describe(_: WorkerSettings) -> worker_service_pb2.AnnounceWorkerRequest:
    return worker_service_pb2.AnnounceWorkerRequest(version="1", step_kinds=["translate_text"])


DEFINITION = WorkerDefinition(
    service="scripted_worker",
    queue_family="translation",
    handlers=_handlers,
    describe=_describe,
    settings=WorkerSettings,
)
