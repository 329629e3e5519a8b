"""Stopping a job at the client's wish."""

from uuid import UUID

from babelmill.kit.process.failpoints import failpoint
from job_service.application.limits import Limits
from job_service.application.ports import Signals, UnitOfWorkFactory
from job_service.domain import attempts
from job_service.domain.errors import JobFinished, JobNotFound, StorageUnavailable
from job_service.domain.job import FINAL_JOB_STATES, FINAL_STEP_STATES, Job, JobState
from job_service.domain.settlement import settle

_AS_WISHED = frozenset({JobState.CANCELLING, JobState.CANCELLED})


class Cancellation:
    """Ends what has not started and asks the workers to stop the rest.

    The job's lock orders a cancel and an outcome: the first to commit wins.
    """

    def __init__(
        self, *, units: UnitOfWorkFactory, signals: Signals, limits: Limits | None = None
    ) -> None:
        self._units = units
        self._signals = signals
        self._policy = (limits or Limits()).delivery

    def cancel(self, tenant_id: UUID, job_id: UUID) -> Job:
        """Return the job after the request: CANCELLED, or CANCELLING while workers stop.

        Idempotent. Raises JobNotFound, JobFinished (it ended in another way).
        """
        changed = False
        with self._units.write() as uow:
            locked = uow.jobs.lock([job_id])
            job = locked.jobs.get(job_id)
            if job is None or job.tenant_id != tenant_id:
                raise JobNotFound
            if job.state in FINAL_JOB_STATES and job.state not in _AS_WISHED:
                raise JobFinished(state=job.state.value)
            if job.state not in _AS_WISHED:
                stopped = {
                    step.step_id: attempts.cancel(step, self._policy, locked.now)
                    for step in job.steps
                    if step.state not in FINAL_STEP_STATES
                }
                change = settle(job, stopped, locked.now, cancel_requested_at=locked.now)
                uow.jobs.save([change], locked.now)
                changed = True
            result = uow.jobs.load(tenant_id, [job_id])[job_id]
            failpoint("cancel.before_commit")
        failpoint("cancel.after_commit", StorageUnavailable)
        if changed:
            self._signals.job_changed(job_id)
        if result.state is JobState.CANCELLING:
            self._signals.cancel_requested(job_id)
        return result
