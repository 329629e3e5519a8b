"""What the relay needs of a broker."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from babelmill.kit.wire.step_message import StepMessage


class BrokerUnavailable(Exception):
    """The broker did not take the messages; some may have arrived all the same."""


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A message and where it goes."""

    queue: str
    message: StepMessage
    traceparent: str


class Broker(Protocol):
    """Takes messages for workers."""

    def publish(self, outgoing: Sequence[Outgoing]) -> None:
        """Send all. Raises BrokerUnavailable: then all are to be sent again.

        Sending twice is harmless: a worker's lease is granted once.
        """

    def close(self) -> None:
        """Let go of the connection."""
