"""Ending attempts: well, or not."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from job_service.application.leasing import LeaseRequest
from job_service.application.limits import Limits
from job_service.application.ports import Signals, UnitOfWorkFactory
from job_service.domain.job import Digest, Failure, Usage


@dataclass(frozen=True, slots=True, kw_only=True)
class NewOutput:
    """Something that an attempt has made; exactly one of inline and storage_key is set."""

    filename: str
    media_type: str
    digest: Digest
    inline: bytes | None = None
    storage_key: str | None = None


class Outcomes:
    """Records each lease's outcome once; a replay of the same call is accepted."""

    def __init__(self, *, units: UnitOfWorkFactory, signals: Signals, limits: Limits) -> None:
        self._units = units
        self._signals = signals
        self._limits = limits

    def complete(
        self,
        worker_id: str,
        lease: LeaseRequest,
        outputs: Sequence[NewOutput],
        usage: Usage | None = None,
    ) -> None:
        """Publish the outputs and end the step; nothing is visible before this commits.

        Raises InvalidRequest, StaleLease, and StepCancelled: a cancel was
        accepted first, so the step is CANCELLED now and the outputs are dropped.
        """
        raise NotImplementedError

    def fail(
        self,
        worker_id: str,
        lease: LeaseRequest,
        failure: Failure,
        usage: Usage | None = None,
    ) -> None:
        """End the attempt without outputs; the retry policy decides what follows.

        Raises StaleLease.
        """
        raise NotImplementedError
