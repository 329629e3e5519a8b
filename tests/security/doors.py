"""The two doors as real processes: a job service and a gateway on servers of the test session.

No worker runs behind them, so that what is sent stays where it was put.
"""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import httpx
import psutil

from babelmill.jobs.v1 import job_service_pb2_grpc
from babelmill.stack.ports import free_port
from job_service.application.tokens import Tokens
from job_service.domain.principal import Role
from job_service.storage.engine import open_database
from job_service.storage.unit_of_work import SqlUnitOfWorkFactory
from tests.deadlines import eventually

Metadata = tuple[tuple[str, str], ...]

DEADLINE_SECONDS = 30.0
START_SECONDS = 120.0
LAUNCH = Path(__file__).resolve().parents[1] / "faults" / "launch.py"


class Server:
    """A process that logs to a file and ends with the test's own."""

    def __init__(self, module: str, environment: dict[str, str], log: Path) -> None:
        self._log = log
        self._module, self._environment = module, environment
        with log.open("wb") as stderr:
            self.popen = subprocess.Popen(
                [sys.executable, str(LAUNCH), "{}", "--", sys.executable, "-m", module],
                env=os.environ | environment,
                stderr=stderr,
            )

    @property
    def pid(self) -> int:
        return self.popen.pid

    @property
    def rss_bytes(self) -> int:
        return psutil.Process(self.pid).memory_info().rss

    def raw_log(self) -> bytes:
        return self._log.read_bytes()

    def logged(self, event: str) -> list[dict[str, Any]]:  # Any: JSON
        entries = [json.loads(line) for line in self.raw_log().splitlines() if line[:1] == b"{"]
        return [entry for entry in entries if entry["event"] == event]

    def wait_for(self, event: str) -> dict[str, Any]:  # Any: JSON
        """Wait for a log entry, while the process lives."""

        def look() -> list[dict[str, Any]]:  # Any: JSON
            found = self.logged(event)
            ended = self.popen.poll() is not None
            return found or ([{"ended": True}] if ended else [])

        first = eventually(look, timeout_seconds=START_SECONDS)[0]
        assert "ended" not in first, self.raw_log().decode()
        return first

    def again(self) -> "Server":
        """Start such a one anew; its log starts anew too."""
        return Server(self._module, self._environment, self._log)

    def end(self) -> None:
        if self.popen.poll() is None:
            self.popen.kill()
        self.popen.wait()

    @contextmanager
    def watching_memory(self) -> Iterator[list[int]]:
        """Keep the largest resident size, in the list's only element."""
        peak, ended = [self.rss_bytes], threading.Event()

        def watch() -> None:
            while not ended.wait(0.02):
                with suppress(psutil.NoSuchProcess):  # a test may have killed it
                    peak[0] = max(peak[0], self.rss_bytes)

        watching = threading.Thread(target=watch)
        watching.start()
        try:
            yield peak
        finally:
            ended.set()
            watching.join()


@dataclass
class Doors:
    """Both processes, and whom they know."""

    service: Server
    gateway: Server
    grpc_address: str
    worker_address: str
    url: str
    database_url: str
    artifacts: Path
    token: str
    other_token: str
    worker_token: str
    _servers: list[Server]

    @property
    def client(self) -> Metadata:
        return bearer(self.token)

    @property
    def other_client(self) -> Metadata:
        return bearer(self.other_token)

    @property
    def worker(self) -> Metadata:
        return bearer(self.worker_token)

    def http(self, token: str | None = None) -> httpx.Client:
        return httpx.Client(
            base_url=self.url,
            headers={"Authorization": f"Bearer {token or self.token}"},
            timeout=DEADLINE_SECONDS,
        )

    def restart_gateway(self) -> None:
        """Put a new gateway in the place of one that has died, on another port."""
        self.gateway = self.gateway.again()
        self._servers.append(self.gateway)
        self.url = f"http://127.0.0.1:{self.gateway.wait_for('gateway_listening')['port']}"

    def jobs(self, channel: grpc.Channel) -> "job_service_pb2_grpc.JobServiceStub":
        return job_service_pb2_grpc.JobServiceStub(channel)

    @property
    def http_address(self) -> tuple[str, int]:
        host, port = self.url.removeprefix("http://").split(":")
        return host, int(port)


@contextmanager
def open_doors(
    database_url: str, redis_url: str, folder: Path, **environment: str
) -> Iterator[Doors]:
    """Start both, on free ports; end them after."""
    database = open_database(database_url, 2)
    tokens = Tokens(units=SqlUnitOfWorkFactory(database))
    ours, theirs = tokens.create_tenant("ours"), tokens.create_tenant("theirs")
    grpc_address = f"127.0.0.1:{free_port()}"
    worker_address = f"127.0.0.1:{free_port()}"
    shared = {
        "BABELMILL_DATABASE_URL": database_url,
        "BABELMILL_REDIS_URL": redis_url,
        "BABELMILL_ARTIFACTS": str(folder / "artifacts"),
        "BABELMILL_GRPC_LISTEN": grpc_address,
        "BABELMILL_WORKER_GRPC_LISTEN": worker_address,
        "BABELMILL_GRPC": grpc_address,
        "BABELMILL_HTTP_LISTEN": "127.0.0.1:0",
        "BABELMILL_DRAIN_SECONDS": "1",
        **environment,
    }
    (folder / "artifacts").mkdir(exist_ok=True)
    servers: list[Server] = []
    try:
        servers.append(Server("job_service.main", shared, folder / "job_service.log"))
        servers.append(Server("gateway.main", shared, folder / "gateway.log"))
        service, gateway = servers
        service.wait_for("port_opened")
        eventually(lambda: len(service.logged("port_opened")) == 2)
        listening = gateway.wait_for("gateway_listening")
        yield Doors(
            service=service,
            gateway=gateway,
            grpc_address=grpc_address,
            worker_address=worker_address,
            url=f"http://127.0.0.1:{listening['port']}",
            database_url=database_url,
            artifacts=folder / "artifacts",
            token=tokens.create_token(ours, Role.CLIENT),
            other_token=tokens.create_token(theirs, Role.CLIENT),
            worker_token=tokens.create_token(ours, Role.WORKER),
            _servers=servers,
        )
    finally:
        for server in servers:
            server.end()
        database.close()


def bearer(token: str) -> Metadata:
    return (("authorization", f"Bearer {token}"),)
