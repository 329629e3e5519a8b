"""Giving workers the right to attempts, and keeping it alive."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from uuid import UUID

from job_service.application.limits import Limits
from job_service.application.ports import Signals, UnitOfWorkFactory
from job_service.domain.job import Artifact, Progress, Step


@dataclass(frozen=True, slots=True)
class LeaseRequest:
    """The fence: every write of a worker names its step, generation and lease."""

    step_id: UUID
    generation: int
    lease_id: UUID


@dataclass(frozen=True, slots=True)
class GrantedLease:
    """All that one attempt needs.

    `step.settings` says what to do (see domain.plan); artifact ids in it are
    keys of `inputs`. `timeout` is counted from the grant.
    """

    request: LeaseRequest
    job_id: UUID
    step: Step
    attempt: int
    ttl: timedelta
    timeout: timedelta
    traceparent: str
    inputs: Mapping[UUID, Artifact]
    staging_prefix: str


@dataclass(frozen=True, slots=True)
class HeartbeatReport:
    """One lease's sign of life. Of `progress` only unit, done, total and stage count."""

    step_id: UUID
    generation: int
    lease_id: UUID
    progress: Progress | None = None


class LeaseDirective(StrEnum):
    """What a worker must do about a lease."""

    CONTINUE = "CONTINUE"
    CANCEL = "CANCEL"
    LOST = "LOST"


class Leasing:
    """Grants and extends leases, fenced by (generation, lease_id)."""

    def __init__(self, *, units: UnitOfWorkFactory, signals: Signals, limits: Limits) -> None:
        self._units = units
        self._signals = signals
        self._limits = limits

    def acquire(
        self, worker_id: str, requests: Sequence[LeaseRequest]
    ) -> tuple[list[GrantedLease], list[LeaseRequest]]:
        """Return what was leased and what is refused, each in the order asked.

        A repeat with the same lease_id gives the same lease. A refused step is
        stale, taken, not due or finished: its message is to be dropped. What
        is in neither list did not fit the message any more: ask again.
        """
        raise NotImplementedError

    def heartbeat(self, worker_id: str, reports: Sequence[HeartbeatReport]) -> list[LeaseDirective]:
        """Extend leases, store progress, and answer each report in order."""
        raise NotImplementedError
