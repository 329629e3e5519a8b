"""Doing a job again: what of it, and until when.

A job that has ended never changes; a redrive is a new job that names the old
one as its parent. Pure: what the new job is made of, not how it is stored.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from job_service.domain.errors import JobActive, JobSucceeded, NotADeadLetter
from job_service.domain.job import FINAL_JOB_STATES, Job, JobState, TargetState
from job_service.domain.spec import JobSpec, Media
from job_service.domain.subtitles import LocalizeVideo


@dataclass(frozen=True, slots=True)
class Redone:
    """A job that was made from an earlier one."""

    job_id: UUID
    state: JobState


def spec_to_retry(job: Job, *, all_targets: bool) -> JobSpec:
    """Keep of a job's spec what did not complete, or all of it.

    Raises JobActive, JobSucceeded (also when no target is left to do).
    """
    if job.state not in FINAL_JOB_STATES:
        raise JobActive(state=job.state.value)
    if job.state is JobState.COMPLETED:
        raise JobSucceeded
    if all_targets:
        return job.spec
    missing = {target.key for target in job.targets if target.state is not TargetState.COMPLETED}
    if not missing:
        raise JobSucceeded
    return _narrowed(job.spec, missing)


def spec_to_replay(job: Job) -> JobSpec:
    """Return a dead letter's spec, whole: none of its targets completed.

    Raises NotADeadLetter.
    """
    if job.state is not JobState.DEAD_LETTERED:
        raise NotADeadLetter(job_id=str(job.job_id), state=job.state.value)
    return job.spec


def standing_replay(redone: Sequence[Redone]) -> UUID | None:
    """Choose the replay, oldest first given, that makes another one needless.

    It is the newest that has not itself become a dead letter.
    """
    standing = [one.job_id for one in redone if one.state is not JobState.DEAD_LETTERED]
    return standing[-1] if standing else None


def deadline_of_redrive(job: Job, now: datetime) -> datetime | None:
    """Keep a deadline that still lies ahead; one that has passed would end the new job at once."""
    return job.deadline_at if job.deadline_at is not None and job.deadline_at > now else None


def with_api_key(spec: JobSpec) -> JobSpec:
    """Say that a key came for the spec's chat model, if it has one."""
    if isinstance(spec, Media) or spec.options.chat_model is None:
        return spec
    model = replace(spec.options.chat_model, has_api_key=True)
    return replace(spec, options=replace(spec.options, chat_model=model))


def _narrowed(spec: JobSpec, keys: set[str]) -> JobSpec:
    """Leave targets out, where they are of no use to the others.

    A media job has one. A localized video is to have all its languages; those
    that were done before are remembered.
    """
    if isinstance(spec, Media | LocalizeVideo):
        return spec
    languages = tuple(language for language in spec.target_languages if language in keys)
    return replace(spec, target_languages=languages)
