"""The workers' Redis transport, against a server that goes away."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from kombu.connection import Connection
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

from babelmill.stack.valkey import EmbeddedValkey

_TRANSPORT = "babelmill.kit.worker.redis_transport:Transport"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[EmbeddedValkey]:
    server = EmbeddedValkey(tmp_path / "valkey")
    server.start()
    yield server
    server.stop()


@pytest.fixture
def channel(server: EmbeddedValkey) -> Iterator[Any]:  # Any: kombu is published without types
    """A channel that takes one message at a time, and has one."""
    options = {"socket_timeout": 2, "socket_connect_timeout": 2}
    make: Any = Connection
    connection = make(server.url(), transport=_TRANSPORT, transport_options=options)
    channel = connection.channel()
    channel.basic_qos(0, 1, False)
    queue = connection.SimpleQueue("held", channel=channel)
    queue.put({"step": 1})
    queue.get(timeout=5)
    assert not channel.qos.can_consume()
    yield channel
    connection.release()


@pytest.mark.parametrize(
    "settle",
    [
        lambda channel, tag: channel.basic_ack(tag),
        lambda channel, tag: channel.basic_reject(tag, requeue=False),
        lambda channel, tag: channel.basic_reject(tag, requeue=True),
    ],
    ids=["ack", "reject", "requeue"],
)
def test_the_slot_is_free_when_a_message_cannot_be_settled(
    server: EmbeddedValkey, channel: Any, settle: Callable[[Any, str], None]
) -> None:
    """A slot that stayed taken would keep the worker from ever reading again."""
    (tag,) = channel.qos._delivered
    server.stop()
    with pytest.raises((RedisError, OSError, OperationalError)):
        settle(channel, tag)
    assert channel.qos.can_consume()
