"""The QueueService through asyncio."""

from collections.abc import AsyncIterator, Sequence

from babelmill.client.async_calls import AsyncCalls
from babelmill.jobs.v1 import job_pb2, queue_pb2, queue_service_pb2


class AsyncQueues(AsyncCalls):
    """Tells what waits, and brings back what gave up."""

    async def queues(self) -> list[queue_pb2.Queue]:
        """List the queues by name: depth, oldest age, drain rate."""
        request = queue_service_pb2.ListQueuesRequest()
        return list((await self._call(self._queues.ListQueues, request)).queues)

    async def dead_letters(self, *, page_size: int = 0) -> AsyncIterator[queue_pb2.DeadLetter]:
        """List the jobs that ran out of their retry budget, newest first, page by page."""
        page_token = ""
        while True:
            request = queue_service_pb2.ListDeadLettersRequest(
                page_size=page_size, page_token=page_token
            )
            page = await self._call(self._queues.ListDeadLetters, request)
            for dead_letter in page.dead_letters:
                yield dead_letter
            page_token = page.next_page_token
            if not page_token:
                return

    async def replay_dead_letters(self, job_ids: Sequence[str]) -> list[job_pb2.Job]:
        """Make a new job from each of up to 100 dead letters, all or none.

        May be made again: one whose replay stands is not replayed again, and
        that replay is returned. Raises FailedPrecondition when a job is no
        dead letter. The jobs come without texts, steps and outputs.
        """
        request = queue_service_pb2.ReplayDeadLettersRequest(job_ids=job_ids)
        response = await self._repeat(self._queues.ReplayDeadLetters, request, repeatable=True)
        return list(response.jobs)
