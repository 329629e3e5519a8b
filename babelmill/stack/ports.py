"""Finds free ports and waits for listeners."""

import contextlib
import socket
import time
from collections.abc import Callable


def free_port(host: str = "127.0.0.1") -> int:
    """Return a TCP port that is free now. Another process can still take it."""
    with socket.socket() as listener:
        listener.bind((host, 0))
        port: int = listener.getsockname()[1]
        return port


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
