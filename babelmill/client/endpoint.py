"""Where the service is and how to be let in.

Arguments come first, then the environment, then the nearest `.babelmill/env`
in the working directory or above it, which `make up` writes. The file is read
only for what the environment does not say.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from babelmill.client.errors import NotConfigured
from babelmill.kit.wire.tls import ClientTls
from babelmill.kit.wire.tls_settings import client_tls

_ENV_FILE = Path(".babelmill") / "env"
_YES = frozenset({"1", "true", "yes", "on"})
_LARGEST_ENV_FILE_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An address to dial, the token to show there, and how the two know each other."""

    address: str
    token: str = field(repr=False)
    tls: ClientTls | None = None


class Surroundings:
    """The settings that apply in a working directory."""

    def __init__(
        self, environment: Mapping[str, str] | None = None, directory: Path | None = None
    ) -> None:
        self._environment = os.environ if environment is None else environment
        self._directory = directory
        self._from_file: Mapping[str, str] | None = None

    def get(self, name: str) -> str:
        """Return a variable's value, or "" when neither environment nor file has it."""
        value = self._environment.get(name, "")
        return value or self._file().get(name, "")

    def endpoint(
        self,
        address: str | None = None,
        token: str | None = None,
        *,
        token_name: str = "BABELMILL_TOKEN",  # noqa: S107 - the name of a variable
    ) -> Endpoint:
        """Find the endpoint. Raises NotConfigured when no address is known.

        A token from the file belongs to the service that the file names, so it
        is never sent to an address that came from elsewhere; nor are its
        certificates for one.
        """
        chosen = address or self.get("BABELMILL_GRPC")
        if not chosen:
            raise NotConfigured
        if token is None:
            token = self._environment.get(token_name, "")
            if not token and chosen == self._file().get("BABELMILL_GRPC"):
                token = self._file().get(token_name, "")
        of_file = chosen == self._file().get("BABELMILL_GRPC")
        return Endpoint(chosen, token, self._tls(self._file() if of_file else {}))

    def _tls(self, file: Mapping[str, str]) -> ClientTls | None:
        def value(name: str) -> str:
            return self._environment.get(name, "") or file.get(name, "")

        def path(name: str) -> Path | None:
            return Path(value(name)) if value(name) else None

        return client_tls(
            value("BABELMILL_GRPC_TLS").lower() in _YES,
            path("BABELMILL_GRPC_CA"),
            path("BABELMILL_GRPC_CERT"),
            path("BABELMILL_GRPC_KEY"),
        )

    def _file(self) -> Mapping[str, str]:
        if self._from_file is None:
            self._from_file = _nearest_env_file(self._directory or Path.cwd())
        return self._from_file


def bearer(token: str) -> tuple[tuple[str, str], ...]:
    """Return the metadata that shows a token; none for an empty one."""
    return (("authorization", f"Bearer {token}"),) if token else ()


def parse_env(text: str) -> dict[str, str]:
    """Read KEY=VALUE lines; others are left out. Quotes around a value are dropped."""
    values: dict[str, str] = {}
    for line in text.splitlines():
        key, separator, value = line.strip().removeprefix("export ").partition("=")
        if not separator or not key.strip().isidentifier():
            continue
        bare = value.strip()
        if len(bare) > 1 and bare[0] == bare[-1] and bare[0] in "'\"":
            bare = bare[1:-1]
        values[key.strip()] = bare
    return values


def _nearest_env_file(directory: Path) -> Mapping[str, str]:
    for folder in (directory, *directory.parents):
        path = folder / _ENV_FILE
        try:
            with path.open("rb") as file:
                return parse_env(file.read(_LARGEST_ENV_FILE_BYTES).decode("utf-8", "replace"))
        except OSError:
            continue
    return {}
