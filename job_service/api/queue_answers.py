"""From what the use cases return about queues and dead letters to messages."""

from babelmill.jobs.v1 import job_pb2, queue_pb2
from job_service.api.job_answers import duration, failure, timestamp
from job_service.application.dead_letters import DeadLetter
from job_service.application.queue_stats import QueueFigure


def queue(found: QueueFigure) -> queue_pb2.Queue:
    """Write a queue."""
    return queue_pb2.Queue(
        name=found.name,
        priority=job_pb2.Priority.Value(f"PRIORITY_{found.priority}"),
        depth=found.depth,
        leased=found.leased,
        oldest_age=duration(found.oldest_age),
        drain_rate=found.drain_rate,
    )


def dead_letter(found: DeadLetter) -> queue_pb2.DeadLetter:
    """Write a dead letter."""
    return queue_pb2.DeadLetter(
        job_id=str(found.job_id),
        kind=found.kind,
        error=failure(found.error),
        attempts=found.attempts,
        finish_time=timestamp(found.finished_at),
        replay_job_ids=[str(job_id) for job_id in found.replay_job_ids],
    )
