"""A whole Babelmill for one fault test: real servers, real services, each in reach of harm.

    def test_nothing_is_lost_when_a_child_dies(house: FaultHouse, row: FaultRow) -> None:
        house.job_service()
        worker = house.translation_worker(failpoint="worker.leased:kill")
        client = house.client()
        job_id = client.submit(text_spec("Good morning."))
        worker.fuse.wait()
        house.settle()
        row.judge(house)

The fixture gives a house with PostgreSQL and Valkey running and no service
yet; a test starts what it needs and breaks it. Services differ from the
product's defaults only by PACE, so that a test need not wait for 30 s
leases; give `settings={}` and `pace={}` where the row speaks of defaults.

What there is:
- `job_service`, `gateway`, `translation_worker`, `media_worker` start one
  service each and return a `Service` (kill, freeze, thaw, restart, children,
  programs, events, fuse). Call again for a second replica.
- `failpoint="name:action[@n]"` arms a failpoint. Its fuse is lit at the start:
  it acts once. `Fuse.light()` arms it again; `poison=True` leaves the fuse
  out, and the service falls into the hole again after each restart.
- `redis=`, `database=`, `service=` take a `TcpProxy` from `proxy_to_...` to put
  between this service and that peer.
- `client()` records every call in `house.history`; `watchers()` keep every message.
- `settle()` waits until no job is open, `check()` judges, `sql()` reads.
- `postgres` and `valkey` are embedded servers to be stopped and started;
  `stop_valkey`, `start_valkey`, `stop_postgres`, `start_postgres` name the signal.
"""

import itertools
import os
import signal
import sys
import uuid
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import psycopg2

from babelmill.client import BabelmillError, Client
from babelmill.stack.ports import free_port, is_listening
from babelmill.stack.postgres import EmbeddedPostgres
from babelmill.stack.valkey import EmbeddedValkey
from tests.deadlines import eventually
from tests.faults.checker import Verdict, check
from tests.faults.history import History, RecordingClient
from tests.faults.proxy import TcpProxy
from tests.faults.servers import Template, copy_cluster
from tests.faults.service import Fuse, Service
from tests.faults.watchers import Watchers

BIN = Path(sys.executable).parent
PACE: Mapping[str, str] = {
    "BABELMILL_LEASE_TTL_SECONDS": "3",
    "BABELMILL_HEARTBEAT_SECONDS": "0.5",
}
_MARK = "BABELMILL_FAULT_HOUSE"
_PASSED_ON = ("PATH", "PYTHONPATH", "TMPDIR")
_OPEN_JOBS = (
    "SELECT job_id, state FROM jobs WHERE state NOT IN ('COMPLETED', 'PARTIALLY_COMPLETED',"
    " 'FAILED', 'DEAD_LETTERED', 'CANCELLED', 'EXPIRED')"
)


class FaultHouse:
    """Everything under one directory; `close` leaves no process, whatever was done to it."""

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
        self.history = History()
        self.services: list[Service] = []
        self.watches: list[Watchers] = []
        self.proxies: list[TcpProxy] = []
        self.artifacts = directory / "artifacts"
        self.scratch = directory / "scratch"
        self._clients: list[RecordingClient] = []
        self._numbers: dict[str, itertools.count[int]] = {}
        self._mark = uuid.uuid4().hex
        self._job_services: list[Service] = []
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

    # Services

    def job_service(self, *, wait: bool = True, **options: Any) -> Service:  # Any: see _start
        """Start a job service on ports of its own; workers dial the first one."""
        ports = {
            "BABELMILL_GRPC_LISTEN": f"127.0.0.1:{free_port()}",
            "BABELMILL_WORKER_GRPC_LISTEN": f"127.0.0.1:{free_port()}",
        }
        service = self._start("job_service", ports, **options)
        self._job_services.append(service)
        if wait:
            self.wait_for_service(service)
        return service

    def gateway(self, *, wait: bool = True, **options: Any) -> Service:  # Any: see _start
        """Start a gateway; `gateway_url` tells where it is."""
        listen = f"127.0.0.1:{free_port()}"
        service = self._start("gateway", {"BABELMILL_HTTP_LISTEN": listen}, **options)
        if wait:
            eventually(lambda: is_listening(listen), timeout_seconds=30)
        return service

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

    # Ways in

    def client(self, service: Service | None = None, **options: Any) -> RecordingClient:
        """Give a recording client of a job service, by default the first one."""
        # Any: passed through to RecordingClient.
        made = RecordingClient(
            self.address(service), self.template.client_token, self.history, **options
        )
        self._clients.append(made)
        return made

    def watchers(self, *services: Service) -> Watchers:
        """Give watchers that go from one of these job services to the next when it fails them."""
        addresses = [self.address(service) for service in services or self._job_services]
        made = Watchers(addresses, self.template.client_token)
        self.watches.append(made)
        return made

    def address(self, service: Service | None = None) -> str:
        """Where clients find a job service."""
        return (service or self._job_services[0]).environment["BABELMILL_GRPC_LISTEN"]

    def gateway_url(self, gateway: Service) -> str:
        """Where a gateway listens."""
        return f"http://{gateway.environment['BABELMILL_HTTP_LISTEN']}"

    # Between processes

    def proxy_to_redis(self) -> TcpProxy:
        """Give a proxy in front of Valkey."""
        return self._proxy(self.valkey.port)

    def proxy_to_database(self) -> TcpProxy:
        """Give a proxy in front of PostgreSQL."""
        return self._proxy(self.postgres.port)

    def proxy_to_workers_port(self, service: Service | None = None) -> TcpProxy:
        """Give a proxy in front of the port that workers dial."""
        listen = (service or self._job_services[0]).environment["BABELMILL_WORKER_GRPC_LISTEN"]
        return self._proxy(int(listen.rpartition(":")[2]))

    def proxy_to_clients_port(self, service: Service | None = None) -> TcpProxy:
        """Give a proxy in front of the port that clients dial."""
        return self._proxy(int(self.address(service).rpartition(":")[2]))

    # Servers

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

    # Afterwards

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

    def state(self, job_id: str) -> str:
        """A job's state as the database has it."""
        return str(self.sql("SELECT state FROM jobs WHERE job_id = %s", [job_id])[0][0])

    def wait_for_state(self, job_id: str, *states: str, timeout_seconds: float = 30) -> str:
        """Return when a job is in one of these states."""

        def reached() -> str:
            state = self.state(job_id)
            assert state in states, f"{job_id} is {state}, not {' or '.join(states)}"
            return state

        return eventually(reached, timeout_seconds=timeout_seconds)

    def wait_for_attempt(self, job_id: str, attempt: int, *, timeout_seconds: float = 60) -> None:
        """Return when a step of a job has been given out that many times."""
        eventually(
            lambda: self.sql(
                "SELECT 1 FROM steps WHERE job_id = %s AND attempt >= %s", [job_id, attempt]
            ),
            timeout_seconds=timeout_seconds,
        )

    def settle(self, timeout_seconds: float = 60) -> None:
        """Return when no job is open any more."""

        def quiet() -> bool:
            waiting = self.sql(_OPEN_JOBS)
            if waiting:
                steps = self.sql(
                    "SELECT job_id, name, state, generation, attempt, crashes, error->>'reason'"
                    " FROM steps WHERE job_id = %s",
                    [waiting[0][0]],
                )
                raise AssertionError(f"{len(waiting)} jobs are open; the first one: {steps}")
            return True

        eventually(quiet, timeout_seconds=timeout_seconds, interval_seconds=0.1)

    def check(self) -> Verdict:
        """Judge all invariants; call it when everything is quiet."""
        watched = [each for watchers in self.watches for each in watchers.watched]
        return check(self.sql, self.artifacts, self.history, watched)

    def leftovers(self) -> list[psutil.Process]:
        """Processes of this house that run now, whoever their parent is."""
        return [
            process
            for process in psutil.process_iter()
            if process.pid != os.getpid() and self._is_ours(process)
        ]

    def close(self) -> None:
        """End everything. Safe after any fault, also in the middle of a failed start."""
        for watchers in self.watches:
            watchers.close()
        for client in self._clients:
            client.close()
        for service in self.services:
            service.end()
        for process in self.leftovers():
            with suppress(psutil.NoSuchProcess):
                process.kill()
        for proxy in self.proxies:
            proxy.close()
        for server in (self.valkey, self.postgres):
            if server.pid is not None:
                os.kill(server.pid, signal.SIGCONT)
            server.stop(signal.SIGQUIT if server is self.postgres else signal.SIGKILL)

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
    ) -> Service:
        """Start a service; settings are named as in the environment, without the prefix."""
        number = next(self._numbers.setdefault(name, itertools.count(1)))
        unique = f"{name}_{number}"
        fuse = Fuse(self.directory / "fuses" / unique)
        environment = {
            **{name: os.environ[name] for name in _PASSED_ON if name in os.environ},
            _MARK: self._mark,
            "BABELMILL_ARTIFACTS": str(self.artifacts),
            "BABELMILL_SCRATCH": str(self.scratch),
            "BABELMILL_DATABASE_URL": _through(self.postgres.url(), self.postgres.port, database),
            "BABELMILL_REDIS_URL": _through(self.valkey.url(), self.valkey.port, redis),
            "BABELMILL_WORKER_TOKEN": self.template.worker_token,
            **self.pace,
            **own,
        }
        if self._job_services:
            first = self._job_services[0].environment
            environment["BABELMILL_GRPC"] = first["BABELMILL_GRPC_LISTEN"]
            environment["BABELMILL_WORKER_GRPC"] = first["BABELMILL_WORKER_GRPC_LISTEN"]
        if service is not None:
            way_in = "BABELMILL_GRPC" if name == "gateway" else "BABELMILL_WORKER_GRPC"
            environment[way_in] = service.address
        for key, value in (settings or {}).items():
            environment[f"BABELMILL_{key.upper()}"] = str(value)
        made = Service(
            unique,
            [BIN / f"babelmill-{name.replace('_', '-')}"],
            environment=environment,
            log=self.directory / "logs" / unique,
            fuse=fuse,
            limits=limits,
        )
        if failpoint:
            made.arm(failpoint, poison=poison)
        self.services.append(made)
        made.start()
        return made

    def _proxy(self, port: int) -> TcpProxy:
        proxy = TcpProxy(port)
        self.proxies.append(proxy)
        return proxy

    def _is_ours(self, process: psutil.Process) -> bool:
        with suppress(psutil.Error, OSError):
            if process.status() == psutil.STATUS_ZOMBIE:
                return False
            # ffmpeg gets no variable of the worker's, but its files are named.
            if any(str(self.scratch) in part for part in process.cmdline()):
                return True
            return f"{_MARK}={self._mark}".encode() in (
                Path(f"/proc/{process.pid}/environ").read_bytes()
            )
        return False


def _through(url: str, port: int, proxy: TcpProxy | None) -> str:
    return url if proxy is None else url.replace(f"127.0.0.1:{port}", proxy.address)
