"""Tenants' quotas: looked at when something is asked for, charged when it is known.

Bytes are those of uploads and of inputs within specs. Characters are those of source text that
engines were given, as workers have measured it: they are charged when a job ends, so a job that
was accepted is finished, and what runs when a quota is used up may go beyond it. A text within a
spec must fit what is left before it is accepted.
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

from job_service.application.ports import JobToInsert, UnitOfWork
from job_service.domain.job import Job
from job_service.domain.quota import Amount, Quotas


class TenantQuotas:
    """Checks and charges within its caller's transaction; without quotas it does neither."""

    def __init__(self, quotas: Quotas) -> None:
        self._quotas = quotas

    def check_jobs(
        self, uow: UnitOfWork, tenant_id: UUID, new: Sequence[JobToInsert], now: datetime
    ) -> None:
        """Raise QuotaUsedUp if these jobs must wait."""
        if self._quotas.are_set:
            asked = Amount(_inline_bytes(new), sum(_characters(each.job) for each in new))
            self._quotas.check(uow.usage.used(tenant_id, now), asked, now)

    def charge_jobs(
        self,
        uow: UnitOfWork,
        tenant_id: UUID,
        new: Sequence[JobToInsert],
        stored: Collection[UUID],
        now: datetime,
    ) -> None:
        """Charge what came within the specs of those that were stored."""
        if self._quotas.are_set:
            size_bytes = _inline_bytes([each for each in new if each.job.job_id in stored])
            uow.usage.charge(tenant_id, Amount(bytes=size_bytes), now)

    def check_upload(
        self, uow: UnitOfWork, tenant_id: UUID, size_bytes: int, now: datetime
    ) -> None:
        """Raise QuotaUsedUp if an upload must wait; its size is 0 where it is not known."""
        if self._quotas.are_set:
            self._quotas.check(uow.usage.used(tenant_id, now), Amount(bytes=size_bytes), now)

    def charge_upload(
        self, uow: UnitOfWork, tenant_id: UUID, size_bytes: int, now: datetime
    ) -> None:
        """Charge an upload that is READY."""
        if self._quotas.are_set:
            uow.usage.charge(tenant_id, Amount(bytes=size_bytes), now)


def _inline_bytes(jobs: Sequence[JobToInsert]) -> int:
    brought = [each.source_artifact for each in jobs if each.source_artifact is not None]
    return sum(each.digest.size_bytes for each in brought if each.digest is not None)


def _characters(job: Job) -> int:
    """Count what is known to be translated: texts within specs, for each language."""
    planned = [step.progress for step in job.steps if step.progress is not None]
    return sum(int(each.total) for each in planned if each.unit == "CHARACTERS")
