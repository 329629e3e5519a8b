"""Jobs that ran out of their retry budget: listed, and brought back."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from job_service.application.acceptance import Acceptance, Asked, NewJob
from job_service.application.job_query import Cursor
from job_service.application.limits import Limits
from job_service.application.ports import Signals, UnitOfWork, UnitOfWorkFactory
from job_service.application.request_hash import redrive_hash
from job_service.application.upkeep_ports import DeadLetter
from job_service.domain.errors import JobNotFound, StorageUnavailable
from job_service.domain.job import Job
from job_service.domain.redrive import deadline_of_redrive, spec_to_replay, standing_replay

__all__ = ["DeadLetter", "DeadLetters"]


class DeadLetters:
    """Lists dead letters, and replays each once as long as its replay stands."""

    def __init__(self, *, units: UnitOfWorkFactory, signals: Signals, limits: Limits) -> None:
        self._units = units
        self._signals = signals
        self._acceptance = Acceptance(limits)

    def list_page(
        self, tenant_id: UUID, page_size: int, after: Cursor | None = None
    ) -> tuple[list[DeadLetter], Cursor | None]:
        """Return a page, the newest first, and where the next one starts (None: no more).

        A cursor's time is that of the dead letter's end.
        """
        with self._units.read() as uow:
            found = list(uow.dead_letters.page(tenant_id, page_size + 1, after))
        page = found[:page_size]
        more = len(found) > page_size
        return page, Cursor(page[-1].finished_at, page[-1].job_id) if more and page else None

    def replay(self, tenant_id: UUID, job_ids: Sequence[UUID], traceparent: str = "") -> list[Job]:
        """Make a new job from each dead letter, all or none; return them in the given order.

        One whose replay has not itself become a dead letter is not replayed
        again: that replay is returned. Raises JobNotFound, NotADeadLetter,
        ArtifactNotFound, TooManyWaitingJobs.
        """
        wanted = list(dict.fromkeys(job_ids))
        with self._units.write() as uow:
            # Two replays of one dead letter wait here for each other.
            now = uow.jobs.lock(wanted).now
            parents = uow.jobs.load(tenant_id, wanted)
            for job_id in wanted:
                if job_id not in parents:
                    raise JobNotFound(job_id=str(job_id))
                spec_to_replay(parents[job_id])
            redone = uow.dead_letters.redone(tenant_id, wanted)
            standing = {job_id: standing_replay(redone.get(job_id, ())) for job_id in wanted}
            asked = [
                _ask(parents[job_id], deadline_of_redrive(parents[job_id], now), traceparent)
                for job_id in wanted
                if standing[job_id] is None
            ]
            replays = self._open(uow, tenant_id, asked)
            replays |= _known(uow, tenant_id, standing)
        if asked:
            self._signals.steps_pending()
        return [replays[job_id] for job_id in job_ids]

    def _open(self, uow: UnitOfWork, tenant_id: UUID, asked: Sequence[Asked]) -> dict[UUID, Job]:
        if not asked:
            return {}
        born = self._acceptance.open(uow, tenant_id, asked)
        return {one.parent_job_id: born[id(one)] for one in asked if one.parent_job_id is not None}


def _ask(parent: Job, deadline_at: datetime | None, traceparent: str) -> Asked:
    return Asked(
        NewJob(
            spec=spec_to_replay(parent),
            priority=parent.priority,
            labels=parent.labels,
            deadline_at=deadline_at,
            traceparent=traceparent,
        ),
        redrive_hash(parent.job_id, all_targets=True),
        parent_job_id=parent.job_id,
    )


def _known(
    uow: UnitOfWork, tenant_id: UUID, standing: Mapping[UUID, UUID | None]
) -> dict[UUID, Job]:
    """Read the replays that stand, by the dead letters that they were made from."""
    found = uow.jobs.load(tenant_id, [replay for replay in standing.values() if replay])
    known = {}
    for job_id, replay_id in standing.items():
        if replay_id is None:
            continue
        if replay_id not in found:
            raise StorageUnavailable("The replay was deleted just now; try again.")
        known[job_id] = found[replay_id]
    return known
