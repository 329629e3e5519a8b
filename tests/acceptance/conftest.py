"""One real stack for the acceptance tests: every process, started as users start it."""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import imageio_ffmpeg
import pytest

from babelmill.client import Client
from babelmill.stack.environment import read_environment
from tests.collector import Collector

BIN = Path(sys.executable).parent
STACK_TIMEOUT_SECONDS = 120


@dataclass(frozen=True)
class Stack:
    """A running stack, and how to reach it."""

    home: Path
    values: Mapping[str, str]

    @property
    def grpc(self) -> str:
        return self.values["BABELMILL_GRPC"]

    @property
    def worker_grpc(self) -> str:
        return self.values["BABELMILL_WORKER_GRPC"]

    @property
    def http(self) -> str:
        return self.values["BABELMILL_HTTP"]

    @property
    def token(self) -> str:
        return self.values["BABELMILL_TOKEN"]

    @property
    def worker_token(self) -> str:
        return (self.home / "worker.token").read_text().strip()

    def environment(self) -> dict[str, str]:
        """The environment of a shell that has sourced the env file."""
        return {**os.environ, **self.values}

    def pid(self, member: str) -> int:
        """The member's process id now: it changes when it was started again."""
        return int(read_environment(self.home)[f"BABELMILL_PID_{member.upper()}"])

    def new_token(self, tenant: str, path: Path) -> str:
        subprocess.run(
            [
                BIN / "babelmill-job-service",
                "create-token",
                *("--tenant", tenant, "--role", "client", "--token-file", path),
            ],
            env=self.environment(),
            check=True,
            capture_output=True,
            timeout=60,
        )
        return path.read_text().strip()


def stack_environment(home: Path, **more: str) -> dict[str, str]:
    """Settings of a stack beside any other: its own home, free ports."""
    return {
        **os.environ,
        "BABELMILL_HOME": str(home),
        "BABELMILL_GRPC_LISTEN": "127.0.0.1:0",
        "BABELMILL_WORKER_GRPC_LISTEN": "127.0.0.1:0",
        "BABELMILL_HTTP_LISTEN": "127.0.0.1:0",
        **more,
    }


def run_stack(command: str, environment: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [BIN / "babelmill-stack", command],
        env=dict(environment),
        capture_output=True,
        text=True,
        check=False,
        timeout=STACK_TIMEOUT_SECONDS,
    )


@pytest.fixture(scope="session")
def collector() -> Iterator[Collector]:
    collector = Collector()
    yield collector
    collector.stop()


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory, collector: Collector) -> Iterator[Stack]:
    home = tmp_path_factory.mktemp("stack")
    environment = stack_environment(
        home,
        BABELMILL_OTLP_ENDPOINT=collector.endpoint,
        # Tests serve pages under this name; by its number, the machine stays refused.
        BABELMILL_FETCH_HOSTS="localhost",
        BABELMILL_WEBHOOK_HOSTS="localhost",
    )
    started = run_stack("up", environment)
    try:
        assert started.returncode == 0, started.stdout + started.stderr
        yield Stack(home, read_environment(home))
    finally:
        stopped = run_stack("down", environment)
    assert stopped.returncode == 0, stopped.stdout + stopped.stderr


@pytest.fixture
def client(stack: Stack) -> Iterator[Client]:
    with Client(stack.grpc, stack.token) as client:
        yield client


@pytest.fixture(scope="session")
def stranger_token(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A valid token of another tenant."""
    return stack.new_token("stranger", tmp_path_factory.mktemp("tokens") / "token")


@pytest.fixture(scope="session")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six seconds of moving picture and tone, 640x360."""
    path = tmp_path_factory.mktemp("media") / "clip.mkv"
    make_clip(path, seconds=6)
    return path


def make_clip(path: Path, *, seconds: float, size: str = "640x360") -> None:
    subprocess.run(
        [
            imageio_ffmpeg.get_ffmpeg_exe(),
            *("-nostdin", "-y", "-v", "error"),
            *("-f", "lavfi", "-i", f"testsrc2=size={size}:rate=30:duration={seconds}"),
            *("-f", "lavfi", "-i", f"sine=frequency=440:duration={seconds}"),
            *("-c:v", "libx264", "-preset", "ultrafast", "-c:a", "flac", path),
        ],
        check=True,
        timeout=120,
    )
