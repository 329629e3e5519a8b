"""Starts a whole stack, keeps its processes alive, and stops it in order.

One supervisor owns one home directory (by a lock on a file in it). Every
process is its child, dies with it, and is started again if it dies alone.
"""

import fcntl
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TextIO

from babelmill.client import BabelmillError, Client
from babelmill.client.errors import Unauthenticated
from babelmill.kit.process.logs import get_logger
from babelmill.stack.environment import read_environment, remove_environment, write_environment
from babelmill.stack.media_workers import environment_of, read_media_workers
from babelmill.stack.ports import is_listening, wait_until, with_port
from babelmill.stack.postgres import EmbeddedPostgres
from babelmill.stack.secrets_key import secrets_key_file
from babelmill.stack.services import Member, Restarts, ServiceProcess
from babelmill.stack.settings import StackSettings
from babelmill.stack.valkey import EmbeddedValkey

SERVICES = {
    "job_service": "babelmill-job-service",
    "gateway": "babelmill-gateway",
    "translation_worker": "babelmill-translation-worker",
    "media_worker": "babelmill-media-worker",
}
# What a client of the stack needs to know, where the stack was told to speak TLS.
_TLS = ("BABELMILL_GRPC_TLS", "BABELMILL_GRPC_CA", "BABELMILL_GRPC_CERT", "BABELMILL_GRPC_KEY")
# Longer than a worker needs: its drain, its grace, and its farewell.
SERVICE_STOP_TIMEOUT_SECONDS = 65
WATCH_INTERVAL_SECONDS = 0.2

log = get_logger(__name__)


class StackError(Exception):
    """The stack could not be started."""


class AlreadyRunning(StackError):
    """Another supervisor runs the stack of this home directory."""


def lock_home(home: Path) -> TextIO:
    """Take the home's lock, held until the file is closed. Raises AlreadyRunning."""
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    file = (home / "lock").open("a+")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        raise AlreadyRunning(str(home)) from None
    file.truncate(0)
    file.write(f"{os.getpid()}\n")
    file.flush()
    return file


def is_running(home: Path) -> bool:
    """Tell whether a supervisor holds the home's lock."""
    if not (home / "lock").exists():
        return False
    with (home / "lock").open() as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


class Supervisor:
    """The processes of one stack. Use start(), then watch(), then stop()."""

    def __init__(self, settings: StackSettings) -> None:
        self._settings = settings
        self.home = settings.home.resolve()
        self._lock: TextIO | None = None
        self._members: dict[str, Member] = {}
        self._restarts: dict[str, Restarts] = {}
        self._values: dict[str, str] = {}
        self._operator_token = ""

    def start(self) -> Mapping[str, str]:
        """Start everything and return the environment to reach it.

        Raises StackError, PostgresError or ValkeyError.
        """
        self._lock = lock_home(self.home)
        # Left by a stack that was killed. What it says of servers is about
        # embedded ones that are gone, not about external ones.
        left_over = read_environment(self.home)
        remove_environment(self.home)
        for name in ("logs", "artifacts"):
            (self.home / name).mkdir(exist_ok=True, mode=0o700)
        settings = self._settings
        values = {
            "BABELMILL_HOME": str(self.home),
            "BABELMILL_GRPC": with_port(settings.grpc_listen),
            "BABELMILL_WORKER_GRPC": with_port(settings.worker_grpc_listen),
            "BABELMILL_HTTP": f"{_http_scheme()}://{with_port(settings.http_listen)}",
            "BABELMILL_ARTIFACTS": settings.artifacts or str(self.home / "artifacts"),
        }
        self._refuse_taken_addresses(values)
        values["BABELMILL_DATABASE_URL"] = self._database_url(left_over)
        values["BABELMILL_REDIS_URL"] = self._redis_url(left_over)
        if settings.otlp_endpoint:
            values["BABELMILL_OTLP_ENDPOINT"] = settings.otlp_endpoint
        values["BABELMILL_GRPC_LISTEN"] = values["BABELMILL_GRPC"]
        values["BABELMILL_WORKER_GRPC_LISTEN"] = values["BABELMILL_WORKER_GRPC"]
        values["BABELMILL_HTTP_LISTEN"] = values["BABELMILL_HTTP"].partition("://")[2]
        if "BABELMILL_SECRETS_KEY_FILE" not in os.environ:
            values["BABELMILL_SECRETS_KEY_FILE"] = str(secrets_key_file(self.home))
        self._values = values
        self._job_service("migrate")
        self._create_tokens(renew=False)
        self._start_service("job_service")
        self._wait("the job service", self._job_service_answers)
        for name in ("gateway", "translation_worker"):
            self._start_service(name)
        self._start_media_workers()
        self._wait("the gateway", lambda: is_listening(values["BABELMILL_HTTP_LISTEN"]))
        self._wait("the workers", self._workers_announced)
        return self._publish()

    def watch(self, stopped: Callable[[], bool]) -> None:
        """Keep every process alive until `stopped` says so."""
        while not stopped():
            changed = False
            for name, member in self._members.items():
                if member.pid is None and self._restarts[name].is_due():
                    log.warning(
                        "member_restarted", member=name, restarts=self._restarts[name].count
                    )
                    member.start()
                    self._restarts[name].started()
                    changed = True
            if changed:
                self._publish()
            time.sleep(WATCH_INTERVAL_SECONDS)

    def stop(self) -> None:
        """Stop everything in order: who takes work first, who keeps it last."""
        if self._lock is None:
            return
        remove_environment(self.home)
        last = ("job_service", "valkey", "postgres")
        first = [member for name, member in self._members.items() if name not in last]
        for member in first:
            if isinstance(member, ServiceProcess):
                member.request_stop()
        for member in first:
            member.stop()
        for name in last:
            if name in self._members:
                self._members[name].stop()
        self._lock.close()
        self._lock = None

    def _refuse_taken_addresses(self, values: Mapping[str, str]) -> None:
        for name in ("GRPC", "WORKER_GRPC", "HTTP"):
            address = values[f"BABELMILL_{name}"].rpartition("://")[2]
            if is_listening(address):
                raise StackError(
                    f"{address} is in use; set BABELMILL_{name}_LISTEN to another address"
                )

    def _database_url(self, left_over: Mapping[str, str]) -> str:
        given = self._settings.database_url
        if given and given != left_over.get("BABELMILL_DATABASE_URL"):
            return given
        server = EmbeddedPostgres(self.home / "postgres", port=self._settings.postgres_port)
        self._add("postgres", server)
        return server.url()

    def _redis_url(self, left_over: Mapping[str, str]) -> str:
        given = self._settings.redis_url
        if given and given != left_over.get("BABELMILL_REDIS_URL"):
            return given
        server = EmbeddedValkey(self.home / "valkey", port=self._settings.valkey_port)
        self._add("valkey", server)
        return server.url()

    def _add(self, name: str, member: Member) -> None:
        self._members[name] = member
        self._restarts[name] = Restarts()
        member.start()
        log.info("member_started", member=name, member_pid=member.pid)

    def _start_media_workers(self) -> None:
        workers = read_media_workers(self._settings.media_workers)
        for worker in workers:
            self._start_service("media_worker", worker.name, environment_of(worker, workers))
        if not workers:
            self._start_service("media_worker")

    def _start_service(
        self, service: str, name: str = "", more: Mapping[str, str] | None = None
    ) -> None:
        name = name or service
        self._add(
            name,
            ServiceProcess(
                [_program(SERVICES[service])],
                environment={**self._values, **(more or {})},
                log=self.home / "logs" / f"{name}.log",
                stop_timeout_seconds=SERVICE_STOP_TIMEOUT_SECONDS,
            ),
        )

    def _job_service(self, *arguments: str) -> None:
        finished = subprocess.run(
            [_program(SERVICES["job_service"]), *arguments],
            env={**os.environ, **self._values},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=self._settings.start_timeout_seconds,
        )
        if finished.returncode != 0:
            raise StackError(f"job service {arguments[0]}: {finished.stderr.strip()[-2000:]}")

    def _create_tokens(self, *, renew: bool) -> None:
        paths = {role: self.home / f"{role}.token" for role in ("client", "operator", "worker")}
        if renew:
            for path in paths.values():
                path.unlink(missing_ok=True)
        if not all(path.exists() for path in paths.values()):
            tenant = ("--tenant", self._settings.tenant)
            self._job_service("create-tokens", *tenant, "--directory", str(self.home))
        self._values["BABELMILL_TOKEN"] = paths["client"].read_text().strip()
        self._values["BABELMILL_WORKER_TOKEN"] = paths["worker"].read_text().strip()
        self._operator_token = paths["operator"].read_text().strip()

    def _client(self) -> Client:
        return Client(self._values["BABELMILL_GRPC"], self._values["BABELMILL_TOKEN"])

    def _job_service_answers(self) -> bool:
        try:
            with self._client() as client:
                client.presets()
        except Unauthenticated:
            # The tokens are those of another database.
            self._create_tokens(renew=True)
            return False
        except BabelmillError:
            return False
        return True

    def _workers_announced(self) -> bool:
        try:
            with self._client() as client:
                return bool(client.presets()) and bool(client.languages())
        except BabelmillError:
            return False

    def _wait(self, what: str, ready: Callable[[], bool]) -> None:
        def ready_or_dead() -> bool:
            for name, member in self._members.items():
                if member.pid is None:
                    raise StackError(f"{name} ended at its start:\n{self._last_words(name)}")
            return ready()

        timeout_seconds = self._settings.start_timeout_seconds
        if not wait_until(ready_or_dead, timeout_seconds=timeout_seconds, interval_seconds=0.1):
            raise StackError(f"{what} was not ready after {timeout_seconds:.0f} s")

    def _last_words(self, name: str) -> str:
        log = self.home / "logs" / f"{name}.log"
        return log.read_text(errors="replace")[-2000:] if log.exists() else f"see {self.home}"

    def _publish(self) -> Mapping[str, str]:
        pids = {
            f"BABELMILL_PID_{name.upper()}": str(member.pid)
            for name, member in self._members.items()
            if member.pid is not None
        }
        hidden = {"BABELMILL_WORKER_TOKEN", "BABELMILL_SECRETS_KEY_FILE"}
        shown = {key: value for key, value in self._values.items() if key not in hidden}
        shown |= {name: os.environ[name] for name in _TLS if name in os.environ}
        # For people and their shells; no service is given it.
        shown["BABELMILL_OPERATOR_TOKEN"] = self._operator_token
        everything = {**shown, "BABELMILL_PID_SUPERVISOR": str(os.getpid()), **pids}
        write_environment(self.home, everything)
        return everything


def _http_scheme() -> str:
    return "https" if os.environ.get("BABELMILL_HTTP_LISTEN_CERT") else "http"


def _program(name: str) -> str:
    """Find a program of this installation, whatever PATH says."""
    return str(Path(sys.executable).parent / name)
