"""QueueService for clients: what waits, and what gave up."""

# The stubs' context type exists for type checkers only.
from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from uuid import UUID

from typing_extensions import override

from babelmill.jobs.v1 import queue_service_pb2, queue_service_pb2_grpc
from job_service.api import checks
from job_service.api.auth import current_caller
from job_service.api.job_answers import job
from job_service.api.page_tokens import seal, unseal
from job_service.api.queue_answers import dead_letter, queue
from job_service.api.threads import BoundedThreads
from job_service.api.traceparents import traceparent_to_store
from job_service.api.validation import Violations, field
from job_service.application.dead_letters import DeadLetters
from job_service.application.queue_stats import QueueStats
from job_service.domain.principal import Role

MAX_REPLAYS = 100

_DEFAULT_DEAD_LETTERS, _MOST_DEAD_LETTERS = 50, 500
# Binds a page token to this list.
_LIST = b"dead letters"
# Stands for an id that was found wrong; the request is refused before it is used.
_NO_ID = UUID(int=0)


class QueueServicer(queue_service_pb2_grpc.QueueServiceServicer):
    """Serves clients."""

    def __init__(
        self, *, stats: QueueStats, dead_letters: DeadLetters, threads: BoundedThreads
    ) -> None:
        self._stats = stats
        self._dead_letters = dead_letters
        self._threads = threads

    @override
    async def ListQueues(
        self,
        request: queue_service_pb2.ListQueuesRequest,
        context: queue_service_pb2_grpc._ServicerContext,
    ) -> queue_service_pb2.ListQueuesResponse:
        """Return the queues; how much other tenants have waiting is for operators."""
        principal = current_caller().principal
        counted = None if principal.role is Role.OPERATOR else principal.tenant_id
        found = await self._threads.run(self._stats.list_queues, counted)
        return queue_service_pb2.ListQueuesResponse(queues=[queue(each) for each in found])

    @override
    async def ListDeadLetters(
        self,
        request: queue_service_pb2.ListDeadLettersRequest,
        context: queue_service_pb2_grpc._ServicerContext,
    ) -> queue_service_pb2.ListDeadLettersResponse:
        """Return a page of dead letters."""
        with field("page_size"):
            size = checks.count(
                request.page_size, default=_DEFAULT_DEAD_LETTERS, largest=_MOST_DEAD_LETTERS
            )
        caller = current_caller()
        after = unseal(request.page_token, caller, _LIST)
        found, rest = await self._threads.run(
            self._dead_letters.list_page, caller.principal.tenant_id, size, after
        )
        return queue_service_pb2.ListDeadLettersResponse(
            dead_letters=[dead_letter(each) for each in found],
            next_page_token="" if rest is None else seal(rest, caller, _LIST),
        )

    @override
    async def ReplayDeadLetters(
        self,
        request: queue_service_pb2.ReplayDeadLettersRequest,
        context: queue_service_pb2_grpc._ServicerContext,
    ) -> queue_service_pb2.ReplayDeadLettersResponse:
        """Bring dead letters back. The jobs are answered as in a list, to fit one message."""
        replays = await self._threads.run(
            self._dead_letters.replay,
            current_caller().principal.tenant_id,
            _job_ids(request.job_ids),
            traceparent_to_store(),
        )
        return queue_service_pb2.ReplayDeadLettersResponse(
            jobs=[job(each, listed=True) for each in replays]
        )


def _job_ids(given: Sequence[str]) -> list[UUID]:
    """Read the ids. Raises InvalidRequest with every wrong one."""
    violations = Violations()
    if not 1 <= len(given) <= MAX_REPLAYS:
        violations.add("job_ids", f"There are {len(given)}; from 1 to {MAX_REPLAYS} are allowed.")
        violations.raise_if_any()
    job_ids = [
        violations.check(f"job_ids[{index}]", partial(checks.uuid_of, text), _NO_ID)
        for index, text in enumerate(given)
    ]
    violations.raise_if_any()
    return job_ids
