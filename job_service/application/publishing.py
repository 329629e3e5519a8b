"""Handing ready steps to the relay, which sends them to the broker."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from job_service.application.ports import DueStep as PublishableStep
from job_service.application.ports import Signals, UnitOfWorkFactory
from job_service.domain import attempts
from job_service.domain.job import Step
from job_service.domain.retry_policy import REPUBLISH_WAITS
from job_service.domain.settlement import settle

__all__ = ["PublishableStep", "Publishing"]

CLAIM = timedelta(seconds=10)


class Publishing:
    """Claims steps for a moment; no lock is held while the relay sends."""

    def __init__(self, *, units: UnitOfWorkFactory, signals: Signals) -> None:
        self._units = units
        self._signals = signals

    def take(self, limit: int) -> list[PublishableStep]:
        """Claim up to `limit` due steps for 10 s, urgent ones first.

        Due are new steps, and those sent before that nobody has taken in
        time. A claim that is neither marked nor released ends by itself, so a
        step can be sent twice, never not at all.
        """
        with self._units.write() as uow:
            return list(uow.queue.claim_due(limit, CLAIM))

    def mark_published(self, steps: Sequence[PublishableStep]) -> None:
        """Record that the broker has them: PENDING becomes QUEUED."""
        if not steps:
            return
        generations = {sent.step_id: sent.generation for sent in steps}
        changed: dict[UUID, dict[UUID, Step]] = {}
        with self._units.write() as uow:
            locked = uow.jobs.lock({sent.job_id for sent in steps})
            for job in locked.jobs.values():
                for step in job.steps:
                    if step.step_id not in generations:
                        continue
                    published = attempts.publish(step, generations[step.step_id], locked.now)
                    if published is not step:
                        changed.setdefault(job.job_id, {})[step.step_id] = published
            uow.jobs.save(
                [
                    settle(locked.jobs[job_id], moved, locked.now)
                    for job_id, moved in changed.items()
                ],
                locked.now,
            )
            uow.queue.mark_published(generations, REPUBLISH_WAITS)
        for job_id in changed:
            self._signals.job_changed(job_id)

    def release(self, steps: Sequence[PublishableStep]) -> None:
        """Give back steps that could not be sent; they are due again at once."""
        if not steps:
            return
        with self._units.write() as uow:
            uow.queue.make_due({step.step_id for step in steps})
