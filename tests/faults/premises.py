"""Where a fault test happens: the servers, and the services that run on them."""

import itertools
import os
import signal
import sys
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import psycopg2

from babelmill.client import BabelmillError, Client
from babelmill.stack.ports import free_port, is_listening
from babelmill.stack.postgres import EmbeddedPostgres
from babelmill.stack.valkey import EmbeddedValkey
from tests.deadlines import eventually
from tests.faults.proxy import TcpProxy
from tests.faults.servers import Template, copy_cluster
from tests.faults.service import Fuse, Service

BIN = Path(sys.executable).parent
PACE: Mapping[str, str] = {
    "BABELMILL_LEASE_TTL_SECONDS": "3",
    "BABELMILL_HEARTBEAT_SECONDS": "0.5",
}
"""Short leases, so that a test need not wait for 30 s."""
CALM: Mapping[str, str] = {**PACE, "BABELMILL_LEASE_TTL_SECONDS": "20"}
"""Leases that outlast any hiccup of a busy machine, for rows in which none may run out."""
MARK = "BABELMILL_FAULT_HOUSE"
"""The variable by which a process is known to belong to a house."""
_PASSED_ON = ("PATH", "PYTHONPATH", "TMPDIR")


class Premises:
    """The servers and services of one house, under one directory."""

    def __init__(
        self,
        directory: Path,
        template: Template,
        pace: Mapping[str, str] = PACE,
        valkey_settings: Mapping[str, str] | None = None,
    ) -> None:
        self.directory = directory
        self.template = template
        self.pace = dict(pace)
        self.services: list[Service] = []
        self.job_services: list[Service] = []
        self.artifacts = directory / "artifacts"
        self.scratch = directory / "scratch"
        self.mark = uuid.uuid4().hex
        self._numbers: dict[str, itertools.count[int]] = {}
        for path in (self.artifacts, directory / "logs", directory / "fuses"):
            path.mkdir()
        copy_cluster(template, directory / "postgres")
        self.postgres = EmbeddedPostgres(directory / "postgres")
        self.valkey = EmbeddedValkey(directory / "valkey", settings=valkey_settings)

    def start_servers(self, *, valkey: bool = True) -> None:
        """Start PostgreSQL, and Valkey too unless the fault is that it is not there."""
        self.postgres.start()
        if valkey:
            self.valkey.start()

    def job_service(self, *, wait: bool = True, **options: Any) -> Service:  # Any: see _start
        """Start a job service on ports of its own; workers dial the first one."""
        ports = {
            "BABELMILL_GRPC_LISTEN": f"127.0.0.1:{free_port()}",
            "BABELMILL_WORKER_GRPC_LISTEN": f"127.0.0.1:{free_port()}",
        }
        service = self._start("job_service", ports, **options)
        self.job_services.append(service)
        if wait:
            self.wait_for_service(service)
        return service

    def gateway(self, *, files: Path | None = None, **options: Any) -> Service:  # Any: see _start
        """Start a gateway; `gateway_url` tells where it is, `files` is where its own would lie."""
        own = {"BABELMILL_HTTP_LISTEN": f"127.0.0.1:{free_port()}"}
        if files is not None:
            own["TMPDIR"] = str(files)
        service = self._start("gateway", own, **options)
        self.wait_for_gateway(service)
        return service

    def wait_for_gateway(self, service: Service, timeout_seconds: float = 30) -> None:
        """Return when a gateway listens."""
        listen = service.environment["BABELMILL_HTTP_LISTEN"]

        def listens() -> bool:
            service.insist_alive()
            return is_listening(listen)

        eventually(listens, timeout_seconds=timeout_seconds)

    def translation_worker(
        self, *, wait: bool = True, **options: Any
    ) -> Service:  # Any: see _start
        """Start a translation worker with the engine that every installation has."""
        return self._worker(
            "translation_worker", {"BABELMILL_ENGINES": "bergamot"}, wait=wait, **options
        )

    def media_worker(self, *, wait: bool = True, **options: Any) -> Service:  # Any: see _start
        """Start a media worker."""
        return self._worker("media_worker", {}, wait=wait, **options)

    def wait_for_service(self, service: Service, timeout_seconds: float = 30) -> None:
        """Return when a job service answers a client."""
        address = service.environment["BABELMILL_GRPC_LISTEN"]

        def answers() -> bool:
            service.insist_alive()
            try:
                with Client(address, self.template.client_token) as client:
                    client.presets()
            except BabelmillError:
                return False
            return True

        eventually(answers, timeout_seconds=timeout_seconds)

    def wait_for_worker(self, service: Service, timeout_seconds: float = 60) -> None:
        """Return when a worker has announced itself."""

        def announced() -> bool:
            service.insist_alive()
            return bool(
                self.sql("SELECT 1 FROM workers WHERE worker_id LIKE %s", [f"%:{service.pid}"])
            )

        eventually(announced, timeout_seconds=timeout_seconds)

    def stop_postgres(self, how: signal.Signals = signal.SIGQUIT) -> None:
        """Stop PostgreSQL: SIGQUIT is its immediate stop, which is a crash to its clients."""
        self.postgres.stop(how)

    def start_postgres(self) -> None:
        """Start it again, on the same port with the same data."""
        self.postgres.start()

    def stop_valkey(self, how: signal.Signals = signal.SIGKILL) -> None:
        """End Valkey, and all that was in it."""
        self.valkey.stop(how)

    def start_valkey(self) -> None:
        """Start it again, empty, on the same port with the same password."""
        self.valkey.start()

    # Any: rows of whatever columns were asked for.
    def sql(self, statement: str, values: Any = None) -> list[tuple[Any, ...]]:
        """Read from the database, past the job service."""
        connection = psycopg2.connect(self.postgres.url())
        try:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute(statement, values)
                return cursor.fetchall() if cursor.description else []
        finally:
            connection.close()

    def _worker(
        self, name: str, own: Mapping[str, str], *, wait: bool, **options: Any
    ) -> Service:  # Any: see _start
        service = self._start(name, own, **options)
        if wait:
            self.wait_for_worker(service)
        return service

    def _start(
        self,
        name: str,
        own: Mapping[str, str],
        *,
        settings: Mapping[str, object] | None = None,
        failpoint: str = "",
        poison: bool = False,
        redis: TcpProxy | None = None,
        database: TcpProxy | None = None,
        service: TcpProxy | None = None,
        limits: Mapping[str, object] | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> Service:
        """Start a service; settings are named as in the environment, without the prefix.

        `environment` holds other variables, and those settings that no other may change.
        """
        number = next(self._numbers.setdefault(name, itertools.count(1)))
        unique = f"{name}_{number}"
        fuse = Fuse(self.directory / "fuses" / unique)
        variables = {
            **{name: os.environ[name] for name in _PASSED_ON if name in os.environ},
            MARK: self.mark,
            "BABELMILL_ARTIFACTS": str(self.artifacts),
            "BABELMILL_SCRATCH": str(self.scratch),
            "BABELMILL_DATABASE_URL": _through(self.postgres.url(), self.postgres.port, database),
            "BABELMILL_REDIS_URL": _through(self.valkey.url(), self.valkey.port, redis),
            "BABELMILL_WORKER_TOKEN": self.template.worker_token,
            **self.pace,
            **own,
        }
        if self.job_services:
            first = self.job_services[0].environment
            variables["BABELMILL_GRPC"] = first["BABELMILL_GRPC_LISTEN"]
            variables["BABELMILL_WORKER_GRPC"] = first["BABELMILL_WORKER_GRPC_LISTEN"]
        if service is not None:
            way_in = "BABELMILL_GRPC" if name == "gateway" else "BABELMILL_WORKER_GRPC"
            variables[way_in] = service.address
        for key, value in (settings or {}).items():
            variables[f"BABELMILL_{key.upper()}"] = str(value)
        made = Service(
            unique,
            [BIN / f"babelmill-{name.replace('_', '-')}"],
            environment=variables | dict(environment or {}),
            log=self.directory / "logs" / unique,
            fuse=fuse,
            limits=limits,
        )
        if failpoint:
            made.arm(failpoint, poison=poison)
        self.services.append(made)
        made.start()
        return made


def _through(url: str, port: int, proxy: TcpProxy | None) -> str:
    return url if proxy is None else url.replace(f"127.0.0.1:{port}", proxy.address)
