"""What has been kept for its time goes; what is still needed stays."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest

from job_service.application.limits import Limits
from job_service.application.retention import JOBS_PER_TRANSACTION, interval_of
from job_service.application.uploads import UploadRequest
from job_service.domain.errors import ArtifactExpired, ArtifactNotFound, JobNotFound
from job_service.domain.job import Artifact, Job, JobState, TargetState
from tests.integration.core import HOPELESS, Core
from tests.integration.upkeep import CONTENT, LONG_AGO, Upkeep, open_upkeep

DAY = timedelta(days=1)


@pytest.fixture
def upkeep(database_url: str, tmp_path: Path) -> Iterator[Upkeep]:
    with open_upkeep(database_url, tmp_path / "artifacts") as opened:
        yield opened


@pytest.fixture
def core(upkeep: Upkeep) -> Core:
    return upkeep.core


def _read(core: Core, artifact: Artifact) -> bytes:
    return b"".join(core.uploads.open(core.tenant, artifact.artifact_id)[1])


def _done(core: Core, text: bytes = b"ola") -> Job:
    job = core.create()
    core.complete(core.start(job), text)
    return core.job(job)


def test_job_goes_when_its_time_is_over(upkeep: Upkeep, core: Core) -> None:
    old, young, running = _done(core), _done(core), core.create()
    upkeep.age(old, timedelta(days=7, seconds=1))
    upkeep.age(young, timedelta(days=7, seconds=-60))
    core.execute(
        "UPDATE jobs SET created_at = created_at - :age WHERE job_id = :job_id",
        age=LONG_AGO,
        job_id=running.job_id,
    )
    assert upkeep.retain().jobs_deleted == 1
    with pytest.raises(JobNotFound):
        core.job(old)
    assert core.job(young).state is JobState.COMPLETED
    assert core.job(running).state is JobState.PENDING


@pytest.mark.parametrize("ending", ["failed", "cancelled", "dead"])
def test_job_goes_however_it_ended(upkeep: Upkeep, core: Core, ending: str) -> None:
    job = upkeep.dead() if ending == "dead" else core.create()
    if ending == "failed":
        core.fail(core.start(job), HOPELESS)
    if ending == "cancelled":
        core.cancellation.cancel(core.tenant, job.job_id)
    upkeep.age(job)
    assert upkeep.retain().jobs_deleted == 1


def test_results_expire_before_their_job(upkeep: Upkeep, core: Core) -> None:
    upload = upkeep.upload()
    stored, inline = upkeep.transcode(upload), _done(core)
    made = upkeep.complete_in_store(core.start(stored), stored)
    text = inline.targets[0].outputs[0]
    for job in (stored, inline):
        upkeep.age(job, DAY - timedelta(seconds=60))
    assert upkeep.retain().results_expired == 0
    assert (_read(core, made), _read(core, text)) == (CONTENT, b"ola")
    for job in (stored, inline):
        upkeep.age(job, timedelta(seconds=61))
    report = upkeep.retain()
    assert (report.results_expired, report.files_dropped, report.jobs_deleted) == (2, 1, 0)
    assert upkeep.stored_keys() == {upload.storage_key}
    for artifact in (made, text):
        with pytest.raises(ArtifactExpired):
            _read(core, artifact)
        with pytest.raises(ArtifactExpired):
            core.uploads.get(core.tenant, artifact.artifact_id)
    for job in (stored, inline):
        target = core.job(job).targets[0]
        assert (target.state, target.outputs) == (TargetState.COMPLETED, ())
    assert upkeep.retain().results_expired == 0


def test_results_stay_while_their_job_goes_on(upkeep: Upkeep, core: Core) -> None:
    job = core.create("pt", "es")
    core.complete(core.start(job, 0))
    core.execute(
        "UPDATE artifacts SET created_at = created_at - :age WHERE job_id = :job_id",
        age=LONG_AGO,
        job_id=job.job_id,
    )
    assert upkeep.retain().results_expired == 0
    assert len(core.job(job).targets[0].outputs) == 1


def test_retry_makes_an_expired_result_anew_when_all_is_wanted(upkeep: Upkeep, core: Core) -> None:
    job = core.create("pt", "es")
    core.complete(core.start(job, 0))
    core.fail(core.start(job, 1), HOPELESS)
    upkeep.age(job, DAY * 2)
    assert upkeep.retain().results_expired == 1
    again = upkeep.retry(job, all_targets=True)
    core.complete(core.start(again, 0), b"ola de novo")
    assert _read(core, core.job(again).targets[0].outputs[0]) == b"ola de novo"


def test_result_stays_while_another_job_needs_it(upkeep: Upkeep, core: Core) -> None:
    first = upkeep.transcode(upkeep.upload())
    made = upkeep.complete_in_store(core.start(first), first)
    second = upkeep.transcode(made)
    upkeep.age(first, DAY * 2)
    assert upkeep.retain().results_expired == 0
    assert _read(core, made) == CONTENT
    core.fail(core.start(second), HOPELESS)
    assert upkeep.retain().results_expired == 1
    with pytest.raises(ArtifactNotFound):
        upkeep.retry(second)


def test_new_job_is_refused_when_its_input_has_expired(upkeep: Upkeep, core: Core) -> None:
    job = _done(core)
    upkeep.age(job, DAY * 2)
    upkeep.retain()
    with pytest.raises(ArtifactNotFound):
        upkeep.translate(job.targets[0].outputs[0])


def test_upload_goes_when_no_job_names_it_any_more(upkeep: Upkeep, core: Core) -> None:
    used, unused, young = upkeep.upload(), upkeep.upload(), upkeep.upload()
    job = upkeep.translate(used)
    core.fail(core.start(job), HOPELESS)
    for artifact in (used, unused):
        upkeep.age_upload(artifact)
    report = upkeep.retain()
    assert (report.uploads_deleted, report.files_dropped) == (1, 1)
    with pytest.raises(ArtifactNotFound):
        core.uploads.get(core.tenant, unused.artifact_id)
    assert upkeep.stored_keys() == {used.storage_key, young.storage_key}
    upkeep.age(job)
    assert upkeep.retain().uploads_deleted == 1
    assert upkeep.stored_keys() == {young.storage_key}


def test_adopted_output_goes_when_nobody_needs_it_any_more(upkeep: Upkeep, core: Core) -> None:
    first = upkeep.transcode(upkeep.upload())
    made = upkeep.complete_in_store(core.start(first), first)
    second = upkeep.transcode(made)
    upkeep.delete(first)
    core.fail(core.start(second), HOPELESS)
    upkeep.age(second)
    upkeep.age_upload(made)
    assert upkeep.retain().uploads_deleted == 1
    assert made.storage_key not in upkeep.stored_keys()


def test_unfinished_upload_goes_when_nothing_has_arrived_for_long(
    database_url: str, tmp_path: Path
) -> None:
    now = [0.0]
    with open_upkeep(database_url, tmp_path / "artifacts") as upkeep:
        core = upkeep.core
        begun = [core.uploads.begin(core.tenant, UploadRequest(filename="a", media_type="a/b"))]
        begun += [core.uploads.begin(core.tenant, UploadRequest(filename="b", media_type="a/b"))]
        for artifact in begun:
            core.uploads.append(core.tenant, artifact.artifact_id, 0, b"begin")
        (changed_at,) = {int(at) for _, at in core.store.keys("uploads")} or {0}
        upkeep.retention._wall_clock = lambda: now[0]  # a store whose clock the test turns
        now[0] = changed_at + 3600.0
        for artifact in begun:
            upkeep.age_upload(artifact)
        assert upkeep.retain().uploads_deleted == 0
        assert len(upkeep.stored_keys()) == 2
        now[0] = changed_at + 25 * 3600.0
        assert upkeep.retain().uploads_deleted == 2
        assert upkeep.stored_keys() == set()
        with pytest.raises(ArtifactNotFound):
            core.uploads.append(core.tenant, begun[0].artifact_id, 5, b" end")


def test_each_job_is_deleted_once_when_replicas_run_together(upkeep: Upkeep, core: Core) -> None:
    jobs = [_done(core) for _ in range(JOBS_PER_TRANSACTION + 10)]
    for job in jobs:
        upkeep.age(job)
    first = upkeep.retain()
    assert (first.jobs_deleted, first.more) == (JOBS_PER_TRANSACTION, True)
    for job in [_done(core) for _ in range(20)]:
        upkeep.age(job)
    with ThreadPoolExecutor(4) as pool:
        reports = [call.result() for call in [pool.submit(upkeep.retain) for _ in range(4)]]
    assert sum(report.jobs_deleted for report in reports) == 30
    assert upkeep.retain().more is False


def test_locked_job_is_left_for_later(upkeep: Upkeep, core: Core) -> None:
    job = _done(core)
    upkeep.age(job)
    with core.units.write() as uow:
        uow.jobs.lock([job.job_id])
        assert upkeep.retain().jobs_deleted == 0
    assert upkeep.retain().jobs_deleted == 1


def test_looks_come_often_enough_for_the_shortest_time() -> None:
    minute = timedelta(minutes=1)
    assert interval_of(Limits(), minute) == minute
    assert interval_of(Limits(result_ttl=timedelta(seconds=4)), minute) == timedelta(seconds=0.2)
