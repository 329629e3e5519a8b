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

import os
import signal
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil

from tests.deadlines import eventually
from tests.faults.checker import Verdict, check
from tests.faults.history import History, RecordingClient
from tests.faults.premises import MARK, PACE, Premises
from tests.faults.proxy import TcpProxy
from tests.faults.servers import Template
from tests.faults.service import Service, directory_of
from tests.faults.watchers import STREAMS_PER_CHANNEL, Watchers

_OPEN_JOBS = (
    "SELECT job_id, state FROM jobs WHERE state NOT IN ('COMPLETED', 'PARTIALLY_COMPLETED',"
    " 'FAILED', 'DEAD_LETTERED', 'CANCELLED', 'EXPIRED')"
)


class FaultHouse(Premises):
    """Everything under one directory; `close` leaves no process, whatever was done to it."""

    def __init__(
        self,
        directory: Path,
        template: Template,
        pace: Mapping[str, str] = PACE,
        valkey_settings: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(directory, template, pace, valkey_settings)
        self.history = History()
        self.watches: list[Watchers] = []
        self.proxies: list[TcpProxy] = []
        self._clients: list[RecordingClient] = []

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
        return self.watchers_at(
            *(self.address(service) for service in services or self.job_services)
        )

    def watchers_at(
        self, *addresses: str, streams_per_channel: int = STREAMS_PER_CHANNEL
    ) -> Watchers:
        """Give watchers that dial these addresses, such as a proxy's."""
        made = Watchers(addresses, self.template.client_token, streams_per_channel)
        self.watches.append(made)
        return made

    def address(self, service: Service | None = None) -> str:
        """Where clients find a job service."""
        return (service or self.job_services[0]).environment["BABELMILL_GRPC_LISTEN"]

    def gateway_url(self, gateway: Service) -> str:
        """Where a gateway listens."""
        return f"http://{gateway.environment['BABELMILL_HTTP_LISTEN']}"

    # Between processes

    def proxy_to(self, port: int, host: str = "127.0.0.1") -> TcpProxy:
        """Give a proxy in front of any port of this machine, which listens at `host`."""
        proxy = TcpProxy(port, host)
        self.proxies.append(proxy)
        return proxy

    def proxy_to_redis(self, host: str = "127.0.0.1") -> TcpProxy:
        """Give a proxy in front of Valkey."""
        return self.proxy_to(self.valkey.port, host)

    def proxy_to_database(self) -> TcpProxy:
        """Give a proxy in front of PostgreSQL."""
        return self.proxy_to(self.postgres.port)

    def proxy_to_workers_port(
        self, service: Service | None = None, host: str = "127.0.0.1"
    ) -> TcpProxy:
        """Give a proxy in front of the port that workers dial."""
        listen = (service or self.job_services[0]).environment["BABELMILL_WORKER_GRPC_LISTEN"]
        return self.proxy_to(int(listen.rpartition(":")[2]), host)

    def proxy_to_clients_port(self, service: Service | None = None) -> TcpProxy:
        """Give a proxy in front of the port that clients dial."""
        return self.proxy_to(int(self.address(service).rpartition(":")[2]))

    # Afterwards

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

    def _is_ours(self, process: psutil.Process) -> bool:
        with suppress(psutil.Error, OSError):
            if process.status() == psutil.STATUS_ZOMBIE:
                return False
            # ffmpeg gets no variable of the worker's, but works in its scratch directory.
            if directory_of(process).startswith(str(self.scratch)):
                return True
            return f"{MARK}={self.mark}".encode() in (
                Path(f"/proc/{process.pid}/environ").read_bytes()
            )
        return False
