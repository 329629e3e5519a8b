"""The status that ended a call, where grpc.aio has written another one over it."""

import asyncio
import time
from collections.abc import Callable, Coroutine
from typing import Protocol, TypeVar

import grpc

_WRITE_FAILED = "Internal error from Core"  # grpc.aio's own text
_TRUE_STATUS_SECONDS = 1.0
_STATUS_POLL_SECONDS = 0.01

T = TypeVar("T")


class EndedCall(Protocol):
    """The part of a grpc.aio call that is used here."""

    def add_done_callback(self, callback: Callable[[object], None]) -> None:
        """Call back at the call's end."""

    def code(self) -> Coroutine[object, None, grpc.StatusCode]:
        """Give the status code once the call has ended."""

    def details(self) -> Coroutine[object, None, str]:
        """Give the status text once the call has ended."""

    def trailing_metadata(self) -> Coroutine[object, None, grpc.aio.Metadata]:
        """Give the trailing metadata once the call has ended."""


class TrueStatus:
    """The status that the job service has really sent.

    When a write fails because the call has ended, grpc.aio sets the status
    INTERNAL, before or over the true one. So the status is noted at the call's
    end, and waited for a moment when INTERNAL came first.
    """

    def __init__(self, call: EndedCall) -> None:
        self._call = call
        self._noted: grpc.aio.AioRpcError | None = None
        call.add_done_callback(self._note)

    async def instead_of(self, error: grpc.aio.AioRpcError) -> grpc.aio.AioRpcError:
        """Give the true error for the one that was raised."""
        if error.details() != _WRITE_FAILED:
            return error
        deadline = time.monotonic() + _TRUE_STATUS_SECONDS
        while self._noted is None and time.monotonic() < deadline:
            await asyncio.sleep(_STATUS_POLL_SECONDS)
            self._note(self._call)
        return self._noted or error

    def _note(self, _: object) -> None:
        details = _at_once(self._call.details())
        code = _at_once(self._call.code())
        trailing = _at_once(self._call.trailing_metadata())
        if self._noted is None and code is not None and details != _WRITE_FAILED:
            self._noted = grpc.aio.AioRpcError(
                code, grpc.aio.Metadata(), trailing or grpc.aio.Metadata(), details
            )


def _at_once(waiting: Coroutine[object, None, T]) -> T | None:
    """Run what never waits once a call has ended; None if it would wait."""
    try:
        waiting.send(None)
    except StopIteration as result:
        value: T = result.value
        return value
    finally:
        waiting.close()
    return None
