"""Serving new jobs from the results of ended ones, within the transaction that takes them in."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from job_service.application.ports import JobToInsert, UnitOfWork
from job_service.application.reuse_ports import Reusable
from job_service.domain.ids import uuid7
from job_service.domain.job import Job
from job_service.domain.reuse import complete_by_reuse, own_outputs


class Reuse:
    """What one transaction serves in this way."""

    def __init__(self, uow: UnitOfWork, tenant_id: UUID, now: datetime) -> None:
        self._uow = uow
        self._tenant_id = tenant_id
        self._now = now
        self._served: dict[UUID, tuple[Job, Reusable]] = {}

    def serve(
        self, new_jobs: Sequence[JobToInsert], allowed: Collection[UUID]
    ) -> list[JobToInsert]:
        """Take the steps from those of the allowed jobs whose results are there."""
        hashes = {
            new.work_hash
            for new in new_jobs
            if new.job.job_id in allowed and new.work_hash is not None
        }
        found = self._uow.reuse.find(self._tenant_id, hashes) if hashes else {}
        served = []
        for new in new_jobs:
            reusable = found.get(new.work_hash) if new.work_hash is not None else None
            if reusable is not None and new.job.job_id in allowed:
                served.append(self._without_work(new, reusable))
            else:
                served.append(new)
        return served

    def complete(self, stored: Collection[UUID]) -> Mapping[UUID, Job]:
        """Complete the jobs that were stored, with outputs of their own; return them."""
        completed = {}
        for job_id, (job, reusable) in self._served.items():
            if job_id not in stored:
                continue
            outputs = own_outputs(reusable.outputs, job, lambda: uuid7(self._now))
            change = complete_by_reuse(job, outputs, self._now)
            self._uow.artifacts.insert_outputs(outputs)
            self._uow.jobs.save([change], self._now)
            completed[job_id] = change.after
        return completed

    def _without_work(self, new: JobToInsert, reusable: Reusable) -> JobToInsert:
        job = replace(new.job, steps=(), reused_job_id=reusable.job_id)
        self._served[job.job_id] = (job, reusable)
        return replace(new, job=job)
