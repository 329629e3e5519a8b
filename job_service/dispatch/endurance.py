"""Keeps a loop of the server going, whatever ends it."""

import asyncio
from collections.abc import Awaitable, Callable

from babelmill.kit.process.logs import get_logger

_log = get_logger(__name__)

_RESTART_SECONDS = 1.0


async def kept_running(name: str, run: Callable[[], Awaitable[None]]) -> None:
    """Start a loop again whenever a fault ends it, until cancelled."""
    while True:
        try:
            await run()
        except Exception as error:  # noqa: BLE001 - a loop's edge: it must go on
            _log.error("loop_failed", loop=name, exc_info=error)
        await asyncio.sleep(_RESTART_SECONDS)
