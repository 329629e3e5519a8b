"""The results of one job serve another that asks for the same, and outlive the first."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from job_service.application.submission import NewJob
from job_service.domain.errors import IdempotencyMismatch
from job_service.domain.events import JobStateChanged, TargetFinished
from job_service.domain.job import Artifact, Job, JobState, Priority
from job_service.domain.spec import JobSpec, Transcode, TranslateText, TranslateUrl
from tests.integration.core import HOPELESS, Core
from tests.integration.upkeep import CONTENT, LONG_AGO, Upkeep, open_upkeep


@pytest.fixture
def upkeep(database_url: str, tmp_path: Path) -> Iterator[Upkeep]:
    with open_upkeep(database_url, tmp_path / "artifacts") as opened:
        yield opened


@pytest.fixture
def core(upkeep: Upkeep) -> Core:
    return upkeep.core


def ask(core: Core, spec: JobSpec, *, reuse: bool = True, request_id: str = "") -> Job:
    new = NewJob(spec=spec, reuse_results=reuse, request_id=request_id, priority=Priority.LOW)
    return core.submission.create(core.tenant, new).job


def transcode(artifact: Artifact, preset: str = "mp3") -> Transcode:
    return Transcode(artifact_id=artifact.artifact_id, preset=preset)


def done(upkeep: Upkeep) -> Job:
    job = upkeep.transcode(upkeep.upload())
    upkeep.complete_in_store(upkeep.core.start(job), job)
    return upkeep.core.job(job)


def output(core: Core, job: Job) -> bytes:
    (made,) = core.job(job).targets[0].outputs
    return b"".join(core.uploads.open(core.tenant, made.artifact_id)[1])


def test_job_is_completed_at_once_when_another_has_done_the_same(
    upkeep: Upkeep, core: Core
) -> None:
    first = done(upkeep)
    # The same bytes under the same name, uploaded once more.
    made = ask(core, transcode(upkeep.upload()))
    job = core.job(made)

    assert (made.state, job.state) == (JobState.COMPLETED, JobState.COMPLETED)
    assert job.reused_job_id == first.job_id
    assert (job.steps, job.attempts, job.usage) == ((), 0, None)
    assert job.progress is not None
    assert job.progress.percent == 100
    (old,), (new,) = first.targets[0].outputs, job.targets[0].outputs
    assert new.artifact_id != old.artifact_id
    assert (new.digest, new.filename, new.job_id) == (old.digest, old.filename, job.job_id)
    assert output(core, job) == CONTENT
    assert core.publish() == 0
    events = core.events(job)
    assert [event.sequence for event in events] == [1, 2, 3]
    assert isinstance(events[1].fact, TargetFinished)
    assert events[2].fact == JobStateChanged(JobState.PENDING, JobState.COMPLETED)
    assert job.sequence == 3


def test_results_stay_when_the_job_that_made_them_is_deleted(upkeep: Upkeep, core: Core) -> None:
    first = done(upkeep)
    second = ask(core, transcode(upkeep.upload()))
    upkeep.delete(first)
    upkeep.sweep()
    assert output(core, second) == CONTENT

    third = ask(core, transcode(upkeep.upload()))
    assert third.reused_job_id == second.job_id
    upkeep.delete(second)
    upkeep.delete(third)
    upkeep.sweep()
    assert not [key for key in upkeep.stored_keys() if key.startswith("jobs/")]


def test_results_stay_when_those_of_the_first_job_expire(upkeep: Upkeep, core: Core) -> None:
    first = done(upkeep)
    second = ask(core, transcode(upkeep.upload()))
    core.execute(
        "UPDATE jobs SET finished_at = finished_at - :age WHERE job_id = :job_id",
        age=core.limits.result_ttl * 2,
        job_id=first.job_id,
    )
    core.execute(
        "UPDATE artifacts SET created_at = created_at - :age WHERE job_id = :job_id",
        age=core.limits.result_ttl * 2,
        job_id=first.job_id,
    )
    assert upkeep.retain().results_expired == 1
    assert core.job(first).targets[0].outputs == ()
    assert output(core, second) == CONTENT
    assert ask(core, transcode(upkeep.upload())).reused_job_id == second.job_id


def test_inline_results_serve_when_a_text_is_asked_for_again(core: Core) -> None:
    spec = TranslateText("en", ("pt", "es"), text="hello")
    first = ask(core, spec)
    assert first.state is JobState.PENDING
    core.complete(core.start(first, 0))
    # One language is not all that was asked for.
    assert ask(core, spec).reused_job_id is None
    core.complete(core.start(first, 1))
    second = ask(core, spec)
    assert second.reused_job_id == first.job_id
    assert [len(target.outputs) for target in core.job(second).targets] == [1, 1]
    assert output(core, second) == b"ola"


@pytest.mark.parametrize(
    "other",
    [
        TranslateText("en", ("pt",), text="hello!"),
        TranslateText("en", ("es",), text="hello"),
        TranslateText("en", ("pt",), text="hello", engine="copy"),
    ],
)
def test_work_is_done_when_something_else_is_asked_for(core: Core, other: TranslateText) -> None:
    core.complete(core.start(core.create("pt")))
    assert ask(core, other).state is JobState.PENDING


def test_work_is_done_when_nobody_allowed_to_reuse_or_nothing_fits(
    upkeep: Upkeep, core: Core
) -> None:
    first = done(upkeep)
    for spec in (
        transcode(upkeep.upload(CONTENT[1:])),
        transcode(upkeep.upload(), "mp4-h264"),
        TranslateUrl(source_language="en", target_languages=("pt",), url="https://example.org/"),
    ):
        assert ask(core, spec).state is JobState.PENDING
    assert ask(core, transcode(upkeep.upload()), reuse=False).state is JobState.PENDING
    upkeep.age(first, LONG_AGO)
    upkeep.retain()
    assert ask(core, transcode(upkeep.upload())).state is JobState.PENDING


def test_another_tenants_results_are_not_seen(upkeep: Upkeep, core: Core) -> None:
    spec = TranslateText("en", ("pt",), text="hello")
    core.complete(core.start(ask(core, spec)))
    stranger = core.tokens.create_tenant("two")
    new = NewJob(spec=spec, reuse_results=True)
    assert core.submission.create(stranger, new).job.reused_job_id is None


def test_failed_job_serves_nobody(core: Core) -> None:
    spec = TranslateText("en", ("pt",), text="hello")
    core.fail(core.start(ask(core, spec)), HOPELESS)
    assert ask(core, spec).state is JobState.PENDING


def test_request_makes_one_job_when_it_is_repeated(upkeep: Upkeep, core: Core) -> None:
    done(upkeep)
    spec = transcode(upkeep.upload())
    first = ask(core, spec, request_id="one")
    assert first.reused_job_id
    new = NewJob(spec=spec, reuse_results=True, request_id="one", priority=Priority.LOW)
    again = core.submission.create(core.tenant, new)
    assert (again.created, again.job.job_id) == (False, first.job_id)
    with pytest.raises(IdempotencyMismatch):
        core.submission.create(core.tenant, replace(new, reuse_results=False))


def test_batch_is_served_in_part_when_part_was_done(core: Core) -> None:
    done_before, fresh = (TranslateText("en", ("pt",), text=text) for text in ("hello", "new"))
    core.complete(core.start(ask(core, done_before)))
    made = core.submission.create_batch(
        core.tenant,
        [NewJob(spec=spec, reuse_results=True) for spec in (fresh, done_before, done_before)],
    )
    states = [each.job.state for each in made]
    assert states == [JobState.PENDING, JobState.COMPLETED, JobState.COMPLETED]
