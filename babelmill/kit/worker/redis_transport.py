"""Kombu's Redis transport, made to survive what does not belong in a queue.

Anything that can write to Redis can put bytes into a queue that are no
message. Kombu lets the error end the whole worker; here the entry is dropped
and told of. A step whose message was damaged is republished by the job
service.
"""

from queue import Empty
from typing import Any

from kombu.transport import redis

from babelmill.kit.process.logs import get_logger

_log = get_logger(__name__)


class Channel(redis.Channel):
    """Reads queues; an entry that cannot be delivered is dropped."""

    # Any: kombu's own options, passed through.
    def _brpop_read(self, **options: Any) -> object:
        before = set(self.qos._delivered)
        try:
            return super()._brpop_read(**options)  # type: ignore[no-untyped-call]  # kombu is half typed
        except (*self.connection_errors, self.ResponseError, Empty):
            raise
        except Exception as error:  # noqa: BLE001 - whatever lies in a queue, the worker lives
            _log.warning("broker_entry_dropped", error_type=type(error).__name__)
            # What kombu took in before it failed would hold a prefetch slot for ever.
            for tag in set(self.qos._delivered) - before:
                self.qos.reject(tag, requeue=False)
            return True


class Transport(redis.Transport):
    """The Redis transport with the sturdier channel."""

    Channel = Channel
