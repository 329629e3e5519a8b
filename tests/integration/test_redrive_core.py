"""Doing ended jobs again, on a real database."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from job_service.application.limits import Limits
from job_service.application.submission import NewJob
from job_service.domain.errors import (
    ArtifactNotFound,
    IdempotencyMismatch,
    JobActive,
    JobNotFound,
    JobSucceeded,
    TooManyWaitingJobs,
)
from job_service.domain.job import Job, JobState, Priority, TargetState
from job_service.domain.spec import Transcode, TranslateText
from tests.integration.core import HOPELESS, Core
from tests.integration.upkeep import Upkeep, open_upkeep


@pytest.fixture
def upkeep(database_url: str, tmp_path: Path) -> Iterator[Upkeep]:
    with open_upkeep(database_url, tmp_path / "artifacts") as opened:
        yield opened


@pytest.fixture
def core(upkeep: Upkeep) -> Core:
    return upkeep.core


def _half_done(core: Core, body: str = "hello") -> Job:
    job = core.create("pt", "es", body=body)
    core.complete(core.start(job, 0))
    core.fail(core.start(job, 1), HOPELESS)
    return core.job(job)


def _languages(job: Job) -> tuple[str, ...]:
    assert isinstance(job.spec, TranslateText)
    return job.spec.target_languages


def _input_of(core: Core, job: Job) -> bytes | None:
    granted = core.acquire(core.step(job))
    (artifact,) = granted.inputs.values()
    return artifact.inline


def test_retry_does_what_is_missing_when_the_job_was_half_done(upkeep: Upkeep, core: Core) -> None:
    old = _half_done(core)
    assert old.state is JobState.PARTIALLY_COMPLETED
    new = upkeep.retry(old)
    assert (new.parent_job_id, new.state, _languages(new)) == (
        old.job_id,
        JobState.PENDING,
        ("es",),
    )
    assert core.job(new) == new
    assert core.job(old) == old
    assert core.events(new)[0].sequence == 1
    core.publish()
    core.complete(core.start(new))
    assert core.job(new).state is JobState.COMPLETED
    assert [target.state for target in core.job(old).targets] == [
        TargetState.COMPLETED,
        TargetState.FAILED,
    ]


def test_retry_repeats_everything_when_all_targets_are_wanted(upkeep: Upkeep, core: Core) -> None:
    assert _languages(upkeep.retry(_half_done(core), all_targets=True)) == ("pt", "es")


def test_retry_takes_over_what_the_client_chose(upkeep: Upkeep, core: Core) -> None:
    deadline = datetime.now(UTC) + timedelta(hours=1)
    new = NewJob(
        spec=TranslateText("en", ("pt",), text="hello"),
        priority=Priority.LOW,
        labels={"a": "b"},
        deadline_at=deadline,
        request_id="mine",
        traceparent=f"00-{'a' * 32}-{'b' * 16}-01",
    )
    old = core.submission.create(core.tenant, new).job
    core.fail(core.start(old), HOPELESS)
    trace = f"00-{'c' * 32}-{'d' * 16}-01"
    made = upkeep.retrying.retry(core.tenant, old.job_id, traceparent=trace).job
    assert (made.priority, made.labels, made.deadline_at) == (Priority.LOW, {"a": "b"}, deadline)
    assert (made.request_id, made.traceparent) == ("", trace)


def test_expired_job_comes_back_without_its_deadline(upkeep: Upkeep, core: Core) -> None:
    spec = TranslateText("en", ("pt",), text="hello")
    soon = datetime.now(UTC) + timedelta(hours=1)
    old = core.submission.create(core.tenant, NewJob(spec=spec, deadline_at=soon)).job
    core.execute(
        "UPDATE jobs SET deadline_at = clock_timestamp() - interval '1 s' WHERE job_id = :job_id",
        job_id=old.job_id,
    )
    core.reaper.run_once()
    assert core.job(old).state is JobState.EXPIRED
    assert upkeep.retry(old).deadline_at is None


def test_one_job_is_made_when_a_retry_is_repeated(upkeep: Upkeep, core: Core) -> None:
    old = _half_done(core)
    with ThreadPoolExecutor(8) as pool:
        calls = [
            pool.submit(upkeep.retrying.retry, core.tenant, old.job_id, request_id="again")
            for _ in range(8)
        ]
        made = [call.result() for call in calls]
    assert len({one.job.job_id for one in made}) == 1
    assert sum(one.created for one in made) == 1


def test_repeat_finds_its_job_when_the_parent_is_gone(upkeep: Upkeep, core: Core) -> None:
    old = _half_done(core)
    made = upkeep.retry(old, request_id="again")
    upkeep.delete(old)
    assert upkeep.retry(old, request_id="again").job_id == made.job_id
    with pytest.raises(JobNotFound):
        upkeep.retry(old)


def test_request_id_is_refused_when_it_has_made_another_job(upkeep: Upkeep, core: Core) -> None:
    old, other = _half_done(core), _half_done(core)
    core.create(request_id="taken")
    upkeep.retry(old, request_id="again")
    for job, all_targets, request_id in (
        (old, False, "taken"),
        (old, True, "again"),
        (other, False, "again"),
    ):
        with pytest.raises(IdempotencyMismatch):
            upkeep.retry(job, all_targets=all_targets, request_id=request_id)


def test_each_call_makes_a_job_when_there_is_no_request_id(upkeep: Upkeep, core: Core) -> None:
    old = _half_done(core)
    assert upkeep.retry(old).job_id != upkeep.retry(old).job_id


def test_retry_is_refused_when_there_is_nothing_to_do(upkeep: Upkeep, core: Core) -> None:
    running = core.create()
    lease = core.start(running)
    with pytest.raises(JobActive):
        upkeep.retry(running)
    core.complete(lease)
    with pytest.raises(JobSucceeded):
        upkeep.retry(running)


@pytest.mark.matrix(19)
def test_job_is_not_found_when_it_is_another_tenants(upkeep: Upkeep, core: Core) -> None:
    old = _half_done(core)
    stranger = core.tokens.create_tenant("stranger")
    for job_id in (old.job_id, uuid4()):
        with pytest.raises(JobNotFound):
            upkeep.retrying.retry(stranger, job_id)


def test_text_is_the_childs_own_when_the_parent_is_deleted(upkeep: Upkeep, core: Core) -> None:
    old = _half_done(core, "the very same text")
    child = upkeep.retry(old)
    upkeep.delete(old)
    assert isinstance(child.spec, TranslateText)
    assert core.job(child).spec == child.spec
    assert child.spec.text == "the very same text"
    assert _input_of(core, child) == b"the very same text"
    grandchild = _retry_of_failed(upkeep, core, child)
    assert _input_of(core, grandchild) == b"the very same text"


def _retry_of_failed(upkeep: Upkeep, core: Core, job: Job) -> Job:
    core.execute(
        "UPDATE steps SET lease_expires_at = clock_timestamp() - interval '1 s'"
        " WHERE job_id = :job_id",
        job_id=job.job_id,
    )
    core.reaper.run_once()
    core.fail(core.start(job), HOPELESS)
    return upkeep.retry(job)


def test_retry_is_refused_when_the_input_is_gone(upkeep: Upkeep, core: Core) -> None:
    upload = upkeep.upload()
    old = upkeep.transcode(upload)
    core.fail(core.start(old), HOPELESS)
    assert isinstance(upkeep.retry(old).spec, Transcode)
    core.execute(
        "DELETE FROM artifacts WHERE artifact_id = :artifact_id", artifact_id=upload.artifact_id
    )
    with pytest.raises(ArtifactNotFound) as refusal:
        upkeep.retry(old)
    assert refusal.value.metadata["artifact_id"] == str(upload.artifact_id)


def test_redrives_count_as_waiting_jobs_when_the_limit_is_reached(
    database_url: str, tmp_path: Path
) -> None:
    limits = Limits(max_waiting_jobs=2)
    with open_upkeep(database_url, tmp_path / "artifacts", limits) as upkeep:
        old, dead = _half_done(upkeep.core), upkeep.dead()
        upkeep.retry(old)
        upkeep.retry(old)
        with pytest.raises(TooManyWaitingJobs):
            upkeep.retry(old)
        with pytest.raises(TooManyWaitingJobs) as refusal:
            upkeep.replay(dead)
        # Two jobs ended within the last minute, and one is over the limit.
        assert refusal.value.retry_after == timedelta(seconds=30)
        assert upkeep.dead_letters.list_page(upkeep.core.tenant, 10)[0][0].replay_job_ids == ()


def test_wait_is_the_default_when_no_job_has_ended(database_url: str, tmp_path: Path) -> None:
    limits = Limits(max_waiting_jobs=1)
    with open_upkeep(database_url, tmp_path / "artifacts", limits) as upkeep:
        upkeep.core.create()
        with pytest.raises(TooManyWaitingJobs) as refusal:
            upkeep.core.create()
        assert refusal.value.retry_after == limits.admission_retry_after


def test_children_are_told_apart_by_their_parents(upkeep: Upkeep, core: Core) -> None:
    first, second = _half_done(core), _half_done(core)
    parents: dict[UUID, UUID | None] = {
        child.job_id: core.job(child).parent_job_id
        for child in (upkeep.retry(first), upkeep.retry(second))
    }
    assert set(parents.values()) == {first.job_id, second.job_id}
