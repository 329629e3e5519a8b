"""Starts what is measured, on free ports in a directory of its own, and stops it all.

Babelmill runs by its console scripts, as users run it; the peers run beside
it on the same PostgreSQL and Valkey servers, in databases of their own.
"""

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import psycopg2

from babelmill.client import BabelmillError, Client
from babelmill.stack.ports import free_port, is_listening, wait_until
from babelmill.stack.postgres import EmbeddedPostgres
from babelmill.stack.services import ServiceProcess
from babelmill.stack.valkey import EmbeddedValkey

BIN = Path(sys.executable).parent
PEER_DATABASE = "peer"
PEER_REDIS_DATABASE = 1
START_TIMEOUT_SECONDS = 90
STOP_TIMEOUT_SECONDS = 40
# So many jobs wait at once in a benchmark as in no tenant's normal day.
MAX_WAITING_JOBS = 10_000_000
MAX_WATCHERS = 20_000


class ServersError(Exception):
    """Something that is to be measured did not start."""


class Servers:
    """The servers of one run; made by `running_servers`."""

    def __init__(self, home: Path, stack: contextlib.ExitStack) -> None:
        self.home = home
        self._stack = stack
        self._members: dict[str, ServiceProcess] = {}
        self._started: dict[str, None] = {}
        self.postgres = EmbeddedPostgres(home / "postgres")
        self.valkey = EmbeddedValkey(home / "valkey")
        self.grpc = f"127.0.0.1:{free_port()}"
        self.worker_grpc = f"127.0.0.1:{free_port()}"
        self.http = f"127.0.0.1:{free_port()}"
        self.token = ""
        self.worker_token = ""
        self._values: dict[str, str] = {}

    def last_words(self) -> str:
        """Return the ends of all logs, for when something went wrong."""
        return "\n".join(f"--- {name}\n{self._end_of_log(name)}" for name in self._started)

    @property
    def peer_database_url(self) -> str:
        """The peers' database, on the same server as Babelmill's."""
        return self.postgres.url(PEER_DATABASE)

    @property
    def peer_redis_url(self) -> str:
        """The peers' numbered database, on the same server as Babelmill's."""
        return self.valkey.url(PEER_REDIS_DATABASE)

    def pid(self, name: str) -> int:
        """Return a started process's id. Raises ServersError if it has ended."""
        pid = self._members[name].pid
        if pid is None:
            raise ServersError(f"{name} has ended; its log says:\n{self._end_of_log(name)}")
        return pid

    def start_databases(self) -> None:
        """Start PostgreSQL and Valkey."""
        self._stack.callback(self.postgres.stop)
        self.postgres.start()
        self._stack.callback(self.valkey.stop)
        self.valkey.start()
        with contextlib.closing(psycopg2.connect(self.postgres.url())) as connection:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute(f"CREATE DATABASE {PEER_DATABASE}")

    def start_job_service(self) -> None:
        """Migrate, make tokens, and start the job service."""
        (self.home / "artifacts").mkdir(mode=0o700)
        self._values = {
            "BABELMILL_GRPC": self.grpc,
            "BABELMILL_GRPC_LISTEN": self.grpc,
            "BABELMILL_WORKER_GRPC": self.worker_grpc,
            "BABELMILL_WORKER_GRPC_LISTEN": self.worker_grpc,
            "BABELMILL_HTTP": f"http://{self.http}",
            "BABELMILL_HTTP_LISTEN": self.http,
            "BABELMILL_DATABASE_URL": self.postgres.url(),
            "BABELMILL_REDIS_URL": self.valkey.url(),
            "BABELMILL_ARTIFACTS": str(self.home / "artifacts"),
            "BABELMILL_SCRATCH": str(self.home / "scratch"),
            "BABELMILL_MAX_WAITING_JOBS": str(MAX_WAITING_JOBS),
            "BABELMILL_MAX_WATCHERS": str(MAX_WATCHERS),
            "BABELMILL_MAX_WATCHERS_PER_TENANT": str(MAX_WATCHERS),
        }
        self._run_job_service("migrate")
        self.token = self._create_token("client")
        self.worker_token = self._create_token("worker")
        self._values["BABELMILL_TOKEN"] = self.token
        self._values["BABELMILL_WORKER_TOKEN"] = self.worker_token
        self._start_job_service()

    def restart_job_service(self) -> None:
        """Give the job service a fresh process."""
        self.stop("job_service")
        self._start_job_service()

    def start_gateway(self) -> None:
        """Start the gateway."""
        self._start("gateway", [str(BIN / "babelmill-gateway")], self._values)
        self._wait("gateway", lambda: is_listening(self.http))

    def start_translation_worker(self, concurrency: int) -> None:
        """Start a translation worker, and wait until it has told what it can do."""
        values = {**self._values, "BABELMILL_WORKER_CONCURRENCY": str(concurrency)}
        command = [str(BIN / "babelmill-translation-worker")]
        self._start("translation_worker", command, values)
        self._wait("translation_worker", self._languages_announced)

    def start_media_worker(self, name: str, concurrency: int, threads: int) -> None:
        """Start a media worker, and wait until it takes work; `threads` are an encoder's."""
        values = {
            **self._values,
            "BABELMILL_WORKER_CONCURRENCY": str(concurrency),
            "BABELMILL_MEDIA_THREADS": str(threads),
        }
        self._start(name, [str(BIN / "babelmill-media-worker")], values)
        self._wait(name, lambda: " ready." in self._end_of_log(name))

    def stop(self, name: str) -> None:
        """Stop one process early."""
        self._members.pop(name).stop()

    def start_peer_app(self, name: str, factory: str) -> str:
        """Start a peer's web application in one process; return its address."""
        address = f"127.0.0.1:{free_port()}"
        host, _, port = address.partition(":")
        command = [
            *(sys.executable, "-m", "uvicorn", factory, "--factory"),
            *("--host", host, "--port", port),
            *("--log-level", "warning", "--no-access-log"),
        ]
        self._start(name, command, self.peer_values())
        self._wait(name, lambda: is_listening(address))
        return address

    def start_peer_worker(self, name: str, app: str, concurrency: int) -> None:
        """Start a stock Celery worker. It is ready when its log says so."""
        command = [
            *(sys.executable, "-m", "celery", "-A", app, "worker"),
            *("--concurrency", str(concurrency), "--pool", "prefork"),
            *("--loglevel", "INFO", "--without-gossip", "--without-mingle"),
        ]
        self._start(name, command, self.peer_values())
        self._wait(name, lambda: " ready." in self._end_of_log(name))

    def peer_values(self) -> dict[str, str]:
        """Return the environment that the peers read."""
        return {
            "PEER_REDIS_URL": self.peer_redis_url,
            "PEER_DATABASE_URL": self.peer_database_url,
        }

    def _start_job_service(self) -> None:
        self._start("job_service", [str(BIN / "babelmill-job-service")], self._values)
        self._wait("job_service", self._job_service_answers)

    def _start(self, name: str, command: list[str], values: Mapping[str, str]) -> None:
        member = ServiceProcess(
            command,
            environment=values,
            log=self._log_of(name),
            stop_timeout_seconds=STOP_TIMEOUT_SECONDS,
        )
        self._members[name] = member
        self._started[name] = None
        self._stack.callback(member.stop)
        member.start()

    def _wait(self, name: str, ready: Callable[[], bool]) -> None:
        def ready_or_dead() -> bool:
            self.pid(name)
            return ready()

        timeout_seconds = START_TIMEOUT_SECONDS
        if not wait_until(ready_or_dead, timeout_seconds=timeout_seconds, interval_seconds=0.1):
            said = self._end_of_log(name)
            raise ServersError(f"{name} was not ready after {timeout_seconds} s:\n{said}")

    def _run_job_service(self, *arguments: str) -> None:
        finished = subprocess.run(
            [BIN / "babelmill-job-service", *arguments],
            env={**os.environ, **self._values},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=START_TIMEOUT_SECONDS,
        )
        if finished.returncode != 0:
            raise ServersError(f"job service {arguments[0]}: {finished.stderr.strip()[-2000:]}")

    def _create_token(self, role: str) -> str:
        path = self.home / f"{role}.token"
        options = ("--tenant", "bench", "--role", role, "--token-file", str(path))
        self._run_job_service("create-token", *options)
        return path.read_text().strip()

    def _job_service_answers(self) -> bool:
        with contextlib.suppress(BabelmillError), Client(self.grpc, self.token) as client:
            client.presets()
            return True
        return False

    def _languages_announced(self) -> bool:
        with contextlib.suppress(BabelmillError), Client(self.grpc, self.token) as client:
            return bool(client.languages())
        return False

    def _log_of(self, name: str) -> Path:
        return self.home / f"{name}.log"

    def _end_of_log(self, name: str) -> str:
        return self._log_of(name).read_text(errors="replace")[-3000:]


@contextlib.contextmanager
def running_servers() -> Iterator[Servers]:
    """Give servers in a new temporary directory; stop all and remove it at the end."""
    # Settings of a stack that runs here already are not this run's.
    for name in [name for name in os.environ if name.startswith(("BABELMILL_", "OTEL_"))]:
        del os.environ[name]
    # So that SIGTERM, like Ctrl-C, unwinds the stack below.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with contextlib.ExitStack() as stack:
        home = stack.enter_context(tempfile.TemporaryDirectory(prefix="babelmill-bench-"))
        servers = Servers(Path(home), stack)
        try:
            yield servers
        except Exception:
            # The logs are about to be removed with their directory.
            print(servers.last_words(), file=sys.stderr)
            raise
