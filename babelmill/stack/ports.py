"""Finds free ports and waits for listeners."""

import contextlib
import random
import socket
import time
from collections.abc import Callable
from pathlib import Path

_TRIES = 100
_LOWEST_PORT = 10_000
_USUAL_OUTGOING_PORTS_FROM = 32_768


def free_port(host: str = "127.0.0.1") -> int:
    """Return a TCP port that is free now. Another process can still take it.

    It lies outside the range that the kernel gives to outgoing connections:
    one of those, even a client's that waits for this very port to open, would
    take the place of a server that is being restarted.
    """
    for _ in range(_TRIES):
        port = random.randrange(_LOWEST_PORT, _outgoing_ports_from())  # noqa: S311 - no secret
        with contextlib.suppress(OSError):
            return _bind(host, port)
    return _bind(host, 0)


def split_address(address: str) -> tuple[str, int]:
    """Split "host:port", with brackets around an IPv6 host. Raises ValueError."""
    host, separator, port = address.rpartition(":")
    if not separator or not port.isdigit():
        raise ValueError(f"{address!r} is not host:port")
    return host.strip("[]"), int(port)


def with_port(address: str) -> str:
    """Replace port 0 in "host:port" by a free one."""
    host, port = split_address(address)
    return f"{host}:{port or free_port(host)}"


def is_listening(address: str) -> bool:
    """Tell whether something accepts connections at "host:port"."""
    with contextlib.suppress(OSError), socket.create_connection(split_address(address), timeout=1):
        return True
    return False


def wait_until(
    condition: Callable[[], bool], *, timeout_seconds: float, interval_seconds: float = 0.05
) -> bool:
    """Poll until the condition holds; False if it did not within the time."""
    deadline = time.monotonic() + timeout_seconds
    while not condition():
        if time.monotonic() >= deadline:
            return False
        time.sleep(interval_seconds)
    return True


def _bind(host: str, port: int) -> int:
    """Hold a port for a moment; return its number. Raises OSError."""
    with socket.socket() as listener:
        listener.bind((host, port))
        number: int = listener.getsockname()[1]
        return number


def _outgoing_ports_from() -> int:
    with contextlib.suppress(OSError, ValueError, IndexError):
        lowest = Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0]
        return max(int(lowest), _LOWEST_PORT + 1)
    return _USUAL_OUTGOING_PORTS_FROM
