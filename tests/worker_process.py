"""A worker process of the test's own definition, and what is left of it."""

import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import psutil

ROOT = Path(__file__).parent.parent
_CODE = (
    "import sys; from babelmill.kit.worker.process import run_worker; "
    "sys.exit(run_worker('tests.worker_definition:DEFINITION'))"
)


class WorkerProcess:
    def __init__(self, directory: Path, *, grpc_port: int, redis_url: str, **settings: str) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self.artifacts = directory / "artifacts"
        self.scratch = directory / "scratch"
        self.log_path = directory / "log"
        environment = {
            "PATH": os.environ["PATH"],
            "BABELMILL_WORKER_GRPC": f"127.0.0.1:{grpc_port}",
            "BABELMILL_WORKER_TOKEN": "worker-token",
            "BABELMILL_REDIS_URL": redis_url,
            "BABELMILL_ARTIFACTS": str(self.artifacts),
            "BABELMILL_SCRATCH": str(self.scratch),
            "BABELMILL_HEARTBEAT_SECONDS": "0.2",
            "BABELMILL_WORKER_CONCURRENCY": "1",
            **{f"BABELMILL_{name.upper()}": value for name, value in settings.items()},
        }
        with self.log_path.open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-c", _CODE],
                cwd=ROOT,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        self.pid = self._process.pid

    @property
    def log(self) -> str:
        return self.log_path.read_text()

    def descendants(self) -> list[psutil.Process]:
        """Its living processes; one that has ended may not have been waited for yet."""
        living = []
        for each in psutil.Process(self.pid).children(recursive=True):
            with suppress(psutil.NoSuchProcess):
                if each.status() != psutil.STATUS_ZOMBIE:
                    living.append(each)
        return living

    def signal(self, number: signal.Signals) -> None:
        self._process.send_signal(number)

    def wait(self, timeout_seconds: float = 30) -> int:
        return self._process.wait(timeout_seconds)

    def end(self) -> None:
        """Stop it however it is, and leave nothing."""
        if self._process.poll() is None:
            left = self.descendants()
            self._process.kill()
            self._process.wait()
            for process in left:
                if process.is_running():
                    process.kill()
