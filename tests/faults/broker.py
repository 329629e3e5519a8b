"""What lies in Valkey: read, filled, emptied and misused past the services."""

from collections.abc import Iterator
from contextlib import contextmanager

import redis

from babelmill.kit.wire.step_message import FAMILIES, PRIORITIES, queue_name
from babelmill.stack.valkey import EmbeddedValkey

QUEUES = tuple(queue_name(family, priority) for family in FAMILIES for priority in PRIORITIES)


@contextmanager
def opened(server: EmbeddedValkey) -> Iterator["redis.Redis"]:
    """Give a client of our own, for as long as the block lasts."""
    client = redis.Redis.from_url(server.url(), socket_timeout=10)
    try:
        yield client
    finally:
        client.close()


def waiting(server: EmbeddedValkey) -> int:
    """How many messages wait in all queues."""
    with opened(server) as client:
        return sum(client.llen(name) for name in QUEUES)


def used_bytes(server: EmbeddedValkey) -> int:
    """How much memory the server counts towards its limit."""
    with opened(server) as client:
        return int(client.info("memory")["used_memory"])


def configure(server: EmbeddedValkey, **settings: str | int) -> None:
    """Change settings of the running server; a restart forgets them."""
    with opened(server) as client:
        for name, value in settings.items():
            client.config_set(name.replace("_", "-"), value)
