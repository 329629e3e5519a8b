"""Connections to checked addresses, under one deadline.

The HTTP library asks this backend for its connections: a name is resolved and judged here, and
the address that was judged is connected to, so that a name which resolves differently the next
time leads nowhere else. The library still speaks TLS and HTTP with the name it was given.
"""

import ssl
import time
from collections.abc import Callable, Collection, Iterable
from typing import Any

import httpcore
from typing_extensions import override

from babelmill.kit.wire.addresses import Address, Resolver, check_host

CONNECT_TIMEOUT_SECONDS = 10.0
IDLE_TIMEOUT_SECONDS = 15.0

# As the library's interface has it: options of setsockopt(2).
_SocketOption = (
    tuple[int, int, int] | tuple[int, int, bytes | bytearray] | tuple[int, int, None, int]
)


class Allowance:
    """The time that is left for all of an exchange, and the wish to stop it."""

    def __init__(self, seconds: float, stop: Callable[[], None]) -> None:
        self._ends_at = time.monotonic() + seconds
        self._stop = stop

    def next_wait(self, wanted: float | None) -> float:
        """Return how long the next operation may wait.

        Raises httpcore.ReadTimeout when no time is left, and what the stop raises.
        """
        self._stop()
        left = self._ends_at - time.monotonic()
        if left <= 0:
            raise httpcore.ReadTimeout("the time for the whole exchange is over")
        return min(left, IDLE_TIMEOUT_SECONDS if wanted is None else wanted)

    @property
    def is_over(self) -> bool:
        """Whether no time is left."""
        return time.monotonic() >= self._ends_at


class CheckedBackend(httpcore.NetworkBackend):
    """Connects where `check_host` allows it. Raises AddressRefused and HostNotFound too."""

    def __init__(
        self,
        allowance: Allowance,
        allowed_hosts: Collection[str] = (),
        resolver: Resolver | None = None,
    ) -> None:
        self._allowance = allowance
        self._allowed_hosts = allowed_hosts
        self._resolver = resolver
        self._sockets = httpcore.SyncBackend()

    @override
    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[_SocketOption] | None = None,
    ) -> httpcore.NetworkStream:
        """Connect to the first address of the host that answers."""
        addresses = check_host(host, port, self._allowed_hosts, self._resolver)
        return self._first_of(addresses, port, timeout, socket_options)

    def _first_of(
        self,
        addresses: tuple[Address, ...],
        port: int,
        timeout: float | None,
        options: Iterable[_SocketOption] | None,
    ) -> httpcore.NetworkStream:
        problem: Exception = httpcore.ConnectError("no address answers")
        for address in addresses:
            wait = self._allowance.next_wait(timeout or CONNECT_TIMEOUT_SECONDS)
            try:
                stream = self._sockets.connect_tcp(
                    str(address), port, timeout=wait, socket_options=options
                )
                return _TimedStream(stream, self._allowance)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                problem = error
        raise problem

    @override
    def sleep(self, seconds: float) -> None:
        """Wait between two attempts to connect."""
        time.sleep(self._allowance.next_wait(seconds))


class _TimedStream(httpcore.NetworkStream):
    """A stream whose every operation is within the allowance."""

    def __init__(self, stream: httpcore.NetworkStream, allowance: Allowance) -> None:
        self._stream = stream
        self._allowance = allowance

    @override
    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, self._allowance.next_wait(timeout))

    @override
    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, self._allowance.next_wait(timeout))

    @override
    def close(self) -> None:
        self._stream.close()

    @override
    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        wait = self._allowance.next_wait(timeout)
        return _TimedStream(
            self._stream.start_tls(ssl_context, server_hostname, wait), self._allowance
        )

    @override
    def get_extra_info(self, info: str) -> Any:  # Any: as the library declares it
        return self._stream.get_extra_info(info)
