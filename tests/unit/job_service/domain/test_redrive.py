"""What a redrive is made of, purely."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from job_service.domain.errors import JobActive, JobSucceeded, NotADeadLetter
from job_service.domain.job import FINAL_JOB_STATES, Job, JobState, Target, TargetState
from job_service.domain.redrive import (
    Redone,
    deadline_of_redrive,
    spec_to_replay,
    spec_to_retry,
    standing_replay,
)
from job_service.domain.spec import Transcode, TranslateText
from job_service.domain.subtitles import LocalizeVideo
from tests.unit.job_service.domain.jobs_to_test import NOON, a_job


def ended(state: JobState, **targets: TargetState) -> Job:
    job = a_job(*targets)
    return replace(
        job,
        state=state,
        spec=TranslateText("en", tuple(targets), text="0123456789"),
        targets=tuple(Target(key, target) for key, target in targets.items()),
    )


def languages_of(job: Job, *, all_targets: bool = False) -> Sequence[str]:
    spec = spec_to_retry(job, all_targets=all_targets)
    assert isinstance(spec, TranslateText)
    return spec.target_languages


@given(
    st.lists(
        st.sampled_from([TargetState.COMPLETED, TargetState.FAILED, TargetState.CANCELLED]),
        min_size=1,
        max_size=6,
    ).filter(lambda states: set(states) != {TargetState.COMPLETED})
)
def test_retry_has_exactly_what_is_missing_when_planned(states: list[TargetState]) -> None:
    targets = {f"l{number}": state for number, state in enumerate(states)}
    job = ended(JobState.PARTIALLY_COMPLETED, **targets)
    missing = [key for key, state in targets.items() if state is not TargetState.COMPLETED]
    assert list(languages_of(job)) == missing
    assert list(languages_of(job, all_targets=True)) == list(targets)


def test_rest_of_the_spec_is_kept_when_targets_are_left_out() -> None:
    job = ended(JobState.FAILED, pt=TargetState.COMPLETED, es=TargetState.FAILED)
    spec = TranslateText("en", ("pt", "es"), text="0123456789", engine="bergamot")
    assert spec_to_retry(replace(job, spec=spec), all_targets=False) == replace(
        spec, target_languages=("es",)
    )


@pytest.mark.parametrize("all_targets", [False, True])
@pytest.mark.parametrize("state", sorted(set(JobState) - FINAL_JOB_STATES))
def test_job_is_not_retried_when_it_has_not_ended(state: JobState, all_targets: bool) -> None:
    with pytest.raises(JobActive) as refusal:
        spec_to_retry(ended(state, pt=TargetState.ACTIVE), all_targets=all_targets)
    assert refusal.value.metadata == {"state": state.value}


@pytest.mark.parametrize("all_targets", [False, True])
def test_job_is_not_retried_when_it_has_succeeded(all_targets: bool) -> None:
    with pytest.raises(JobSucceeded):
        spec_to_retry(ended(JobState.COMPLETED, pt=TargetState.COMPLETED), all_targets=all_targets)


def test_cancelled_job_is_retried_whole_only_when_asked_and_all_was_done() -> None:
    job = ended(JobState.CANCELLED, pt=TargetState.COMPLETED)
    with pytest.raises(JobSucceeded):
        spec_to_retry(job, all_targets=False)
    assert languages_of(job, all_targets=True) == ("pt",)


def test_transcode_is_retried_as_it_was_when_it_failed() -> None:
    spec = Transcode(artifact_id=uuid4(), preset="mp3")
    job = replace(ended(JobState.FAILED, mp3=TargetState.FAILED), spec=spec)
    assert spec_to_retry(job, all_targets=False) == spec


@pytest.mark.parametrize("state", sorted(set(JobState) - {JobState.DEAD_LETTERED}))
def test_job_is_not_replayed_when_it_is_no_dead_letter(state: JobState) -> None:
    job = ended(state, pt=TargetState.FAILED)
    with pytest.raises(NotADeadLetter) as refusal:
        spec_to_replay(job)
    assert refusal.value.metadata == {"job_id": str(job.job_id), "state": state.value}


def test_dead_letter_is_replayed_whole() -> None:
    job = ended(JobState.DEAD_LETTERED, pt=TargetState.FAILED, es=TargetState.FAILED)
    assert spec_to_replay(job) == job.spec


@pytest.mark.parametrize(
    ("states", "standing"),
    [
        ([], None),
        ([JobState.DEAD_LETTERED], None),
        ([JobState.DEAD_LETTERED, JobState.DEAD_LETTERED], None),
        ([JobState.PENDING], 0),
        ([JobState.FAILED], 0),
        ([JobState.DEAD_LETTERED, JobState.COMPLETED], 1),
        ([JobState.COMPLETED, JobState.DEAD_LETTERED], 0),
        ([JobState.CANCELLED, JobState.QUEUED], 1),
    ],
)
def test_newest_replay_stands_that_is_no_dead_letter(
    states: list[JobState], standing: int | None
) -> None:
    redone = [Redone(uuid4(), state) for state in states]
    expected: UUID | None = None if standing is None else redone[standing].job_id
    assert standing_replay(redone) == expected


def test_deadline_is_kept_only_when_it_lies_ahead() -> None:
    job = replace(a_job("pt"), deadline_at=NOON)
    assert deadline_of_redrive(job, NOON - timedelta(seconds=1)) == NOON
    assert deadline_of_redrive(job, NOON) is None
    assert deadline_of_redrive(replace(job, deadline_at=None), NOON) is None


def test_localized_video_is_done_whole_when_retried() -> None:
    """Else its video would lack the languages that had completed."""
    spec = LocalizeVideo(artifact_id=uuid4(), source_language="", target_languages=("pt", "es"))
    failed = ended(JobState.PARTIALLY_COMPLETED, pt=TargetState.COMPLETED, es=TargetState.FAILED)
    assert spec_to_retry(replace(failed, spec=spec), all_targets=False) == spec
