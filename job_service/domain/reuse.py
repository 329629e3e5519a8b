"""A job that needs no work: another has done the same, and its results are still kept."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from job_service.domain.events import Fact, JobStateChanged, TargetFinished
from job_service.domain.job import Artifact, Job, JobState, Progress, TargetState
from job_service.domain.progress import UNKNOWN_UNIT
from job_service.domain.settlement import Change


def own_outputs(
    outputs: Iterable[Artifact], job: Job, new_id: Callable[[], UUID]
) -> tuple[Artifact, ...]:
    """Make a job's own outputs of another's: the content is shared, all else is not."""
    return tuple(
        replace(
            output,
            artifact_id=new_id(),
            job_id=job.job_id,
            step_id=None,
            created_at=job.created_at,
        )
        for output in outputs
    )


def complete_by_reuse(job: Job, outputs: Iterable[Artifact], now: datetime) -> Change:
    """Complete a job that has just been opened and has no steps."""
    kept = tuple(outputs)
    targets = tuple(
        replace(
            target,
            state=TargetState.COMPLETED,
            outputs=tuple(each for each in kept if each.target_key == target.key),
        )
        for target in job.targets
    )
    known = job.progress or Progress(unit=UNKNOWN_UNIT, done=0.0, total=0.0)
    facts: tuple[Fact, ...] = (
        *(TargetFinished(target.key, TargetState.COMPLETED) for target in targets),
        JobStateChanged(previous=job.state, state=JobState.COMPLETED),
    )
    after = replace(
        job,
        state=JobState.COMPLETED,
        targets=targets,
        progress=replace(known, done=known.total, percent=100.0, eta=None, updated_at=now),
        finished_at=now,
        sequence=job.sequence + len(facts),
    )
    return Change(job, after, facts)
