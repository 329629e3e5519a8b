"""Streams that are open, and the end of those whose token does not work any more.

A call is let in once, and a stream may then last for days. Every few seconds
the tokens of all open streams are checked again, each once however many
streams it holds, and the streams of one that was revoked, has expired, or is
of a disabled tenant or user are ended, busy or idle.
"""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from babelmill.kit.process.logs import get_logger
from babelmill.kit.wire.trace_headers import without_tracing
from job_service.api.auth import Authenticator, Caller
from job_service.domain.errors import Refusal, Unauthenticated, WrongRole

_log = get_logger(__name__)

LONGEST_INTERVAL_SECONDS = 10.0
_LOOKS_PER_MEMORY = 3

Metadata = Sequence[tuple[str, str | bytes]]


class HeldStream:
    """One open stream; `refusal` says why it was ended from here."""

    __slots__ = ("_task", "metadata", "refusal")

    def __init__(self, metadata: Metadata) -> None:
        self.metadata = metadata
        self.refusal: Refusal | None = None
        self._task = asyncio.current_task()

    def end(self, refusal: Refusal) -> None:
        """End the stream with this refusal."""
        self.refusal = refusal
        if self._task is not None:
            self._task.cancel()


class OpenStreams:
    """The open streams of one port. For the event loop's thread only."""

    def __init__(self, authenticator: Authenticator) -> None:
        self._authenticator = authenticator
        self._interval_seconds = min(
            LONGEST_INTERVAL_SECONDS, authenticator.remember_seconds / _LOOKS_PER_MEMORY
        )
        self._streams: dict[bytes, set[HeldStream]] = {}
        self._checking: asyncio.Task[None] | None = None

    @contextmanager
    def hold(self, caller: Caller, metadata: Metadata) -> Iterator[HeldStream]:
        """Count a stream as open within the block, in whose task it runs."""
        held = HeldStream(metadata)
        streams = self._streams.setdefault(caller.token_hash, set())
        streams.add(held)
        try:
            yield held
        finally:
            streams.discard(held)
            if not streams and self._streams.get(caller.token_hash) is streams:
                del self._streams[caller.token_hash]

    def start(self) -> None:
        """Check from now on."""
        self._checking = asyncio.create_task(self._run(), name="open_streams")

    def stop(self) -> None:
        """Check no more."""
        if self._checking is not None:
            self._checking.cancel()

    async def check(self) -> None:
        """Check every token once, and end the streams of those that do not work."""
        for streams in list(self._streams.values()):
            one = next(iter(streams), None)
            if one is None:
                continue
            try:
                await self._authenticator.authenticate(one.metadata)
            except (Unauthenticated, WrongRole) as refusal:
                _log.info("streams_ended", reason=refusal.reason, streams=len(streams))
                for stream in list(streams):
                    stream.end(refusal)
            except Refusal as refusal:
                # The database is away: it can have revoked nothing meanwhile.
                _log.debug("streams_not_checked", reason=refusal.reason)

    async def _run(self) -> None:
        with without_tracing():
            while True:
                await asyncio.sleep(self._interval_seconds)
                try:
                    await self.check()
                except Exception as error:  # noqa: BLE001 - a loop's edge: it must go on
                    _log.error("stream_check_failed", exc_info=error)
