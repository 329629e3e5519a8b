"""Tells the audit log of calls that were refused for their role.

Whoever has a token could fill the log by calling again and again, so of each
token and method only one refusal in a minute is told of, and of a flood of
many tokens only so many as are kept here.
"""

import time
from collections import OrderedDict
from collections.abc import Callable

from babelmill.kit.process.logs import get_logger
from job_service.api.auth import Caller
from job_service.api.threads import BoundedThreads
from job_service.application.auditing import Auditing
from job_service.domain.errors import Refusal

_log = get_logger(__name__)

QUIET_SECONDS = 60.0
_CAPACITY = 1000


class RefusalRecord:
    """Writes refusals without keeping the refused waiting."""

    def __init__(
        self,
        *,
        auditing: Auditing,
        threads: BoundedThreads,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._auditing = auditing
        self._threads = threads
        self._clock = clock
        self._told: OrderedDict[tuple[bytes, str], float] = OrderedDict()

    def tell(self, caller: Caller, method: str) -> None:
        """Write the refusal, unless the same was written a moment ago."""
        key, now = (caller.token_hash, method), self._clock()
        while self._told and next(iter(self._told.values())) <= now - QUIET_SECONDS:
            self._told.popitem(last=False)
        if key in self._told or len(self._told) >= _CAPACITY:
            return
        self._told[key] = now
        self._threads.start(lambda: self._write(caller, method))

    def _write(self, caller: Caller, method: str) -> None:
        try:
            self._auditing.record_refusal(caller.principal, method)
        except Refusal as refusal:
            _log.warning("refusal_not_recorded", reason=refusal.reason, rpc_method=method)
