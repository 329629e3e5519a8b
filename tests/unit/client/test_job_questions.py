"""Questions about a Job message."""

import pytest

from babelmill.client.errors import (
    NoSuchTarget,
    ResultExpired,
    TargetFailed,
    TargetNotFinished,
)
from babelmill.client.jobs import has_succeeded, is_final, locate_text, state_name
from babelmill.jobs.v1 import artifact_pb2, failure_pb2, job_pb2, step_pb2

FINAL = {"COMPLETED", "PARTIALLY_COMPLETED", "FAILED", "DEAD_LETTERED", "CANCELLED", "EXPIRED"}


@pytest.mark.parametrize("state", job_pb2.JobState.values())
def test_a_job_is_final_when_its_state_says_so(state: job_pb2.JobState.ValueType) -> None:
    job = job_pb2.Job(state=state)
    assert is_final(job) == (state_name(state) in FINAL)
    assert has_succeeded(job) == (state_name(state) == "COMPLETED")


def a_job(target: job_pb2.Target) -> job_pb2.Job:
    return job_pb2.Job(targets=[target])


def test_the_text_is_found_when_it_is_inline() -> None:
    target = job_pb2.Target(key="pt-BR", state=job_pb2.TARGET_STATE_COMPLETED, text="")
    assert locate_text(a_job(target), "PT-br") == ""


def test_the_artifact_is_found_when_the_text_is_long() -> None:
    target = job_pb2.Target(
        key="pt",
        state=job_pb2.TARGET_STATE_COMPLETED,
        outputs=[artifact_pb2.Artifact(artifact_id="a1")],
    )
    found = locate_text(a_job(target), "pt")
    assert isinstance(found, artifact_pb2.Artifact)
    assert found.artifact_id == "a1"


def test_the_targets_are_listed_when_there_is_no_such_one() -> None:
    with pytest.raises(NoSuchTarget, match="pt"):
        locate_text(a_job(job_pb2.Target(key="pt")), "es")


def test_the_failure_is_told_when_the_target_failed() -> None:
    target = job_pb2.Target(
        key="pt",
        state=job_pb2.TARGET_STATE_FAILED,
        error=failure_pb2.Failure(reason="ENGINE_FAILED", message="broke"),
    )
    with pytest.raises(TargetFailed) as raised:
        locate_text(a_job(target), "pt")
    assert raised.value.failure.reason == "ENGINE_FAILED"


def test_the_target_counts_as_failed_when_it_was_cancelled() -> None:
    target = job_pb2.Target(key="pt", state=job_pb2.TARGET_STATE_CANCELLED)
    with pytest.raises(TargetFailed) as raised:
        locate_text(a_job(target), "pt")
    assert raised.value.reason == "CANCELLED"


def test_there_is_no_text_yet_when_the_target_is_active() -> None:
    with pytest.raises(TargetNotFinished):
        locate_text(a_job(job_pb2.Target(key="pt", state=job_pb2.TARGET_STATE_ACTIVE)), "pt")


def test_the_result_has_expired_when_a_whole_job_is_without_it() -> None:
    done = job_pb2.Target(key="pt", state=job_pb2.TARGET_STATE_COMPLETED)
    with pytest.raises(ResultExpired):
        locate_text(job_pb2.Job(targets=[done], steps=[step_pb2.Step()]), "pt")
    # A job of a list comes without outputs, whether they are there or not.
    with pytest.raises(TargetNotFinished):
        locate_text(a_job(done), "pt")
