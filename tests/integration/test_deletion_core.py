"""Deleting ended jobs: all that is theirs goes, and nothing that is another's."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import text

from babelmill.kit.artifacts.store import StoreError
from job_service.domain.errors import ArtifactNotFound, JobActive, JobNotFound
from job_service.domain.job import Artifact, Job, JobState
from tests.integration.core import HOPELESS, Core
from tests.integration.upkeep import CONTENT, Upkeep, open_upkeep


@pytest.fixture
def upkeep(database_url: str, tmp_path: Path) -> Iterator[Upkeep]:
    with open_upkeep(database_url, tmp_path / "artifacts") as opened:
        yield opened


@pytest.fixture
def core(upkeep: Upkeep) -> Core:
    return upkeep.core


def _rows(core: Core, table: str) -> int:
    with core.database.engine.connect() as connection:
        return int(connection.execute(text(f"SELECT count(*) FROM {table}")).scalar_one())


def _read(core: Core, artifact: Artifact) -> bytes:
    return b"".join(core.uploads.open(core.tenant, artifact.artifact_id)[1])


def _done(upkeep: Upkeep, upload: Artifact) -> tuple[Job, Artifact]:
    """Make a job whose output lies in the store."""
    job = upkeep.transcode(upload)
    made = upkeep.complete_in_store(upkeep.core.start(job), job)
    return job, made


def test_nothing_is_left_when_a_job_is_deleted(upkeep: Upkeep, core: Core) -> None:
    upload = upkeep.upload()
    job, made = _done(upkeep, upload)
    texts = core.create("pt", "es")
    core.complete(core.start(texts, 0))
    core.fail(core.start(texts, 1), HOPELESS)
    core.store.write(f"checkpoints/{job.job_id}/{job.steps[0].step_id}/basis/1", [b"part"])
    assert core.events(job)
    upkeep.delete(job)
    upkeep.delete(texts)
    for table in ("jobs", "steps", "targets", "job_events", "lease_outcomes", "job_metrics"):
        assert _rows(core, table) == 0, table
    with pytest.raises(JobNotFound):
        core.job(job)
    with pytest.raises(JobNotFound):
        upkeep.delete(job)
    with pytest.raises(ArtifactNotFound):
        _read(core, made)
    # The input is the client's.
    assert upkeep.stored_keys() == {f"uploads/{core.tenant}/{upload.artifact_id}"}
    assert _read(core, upload) == CONTENT


def test_job_stays_when_it_has_not_ended_or_is_another_tenants(upkeep: Upkeep, core: Core) -> None:
    job = core.create()
    lease = core.start(job)
    with pytest.raises(JobActive) as refusal:
        upkeep.delete(job)
    assert refusal.value.metadata == {"state": "IN_PROGRESS"}
    core.complete(lease)
    stranger = core.tokens.create_tenant("stranger")
    for job_id in (job.job_id, uuid4()):
        with pytest.raises(JobNotFound):
            upkeep.deletion.delete(stranger, job_id)
    assert core.job(job).state is JobState.COMPLETED


def test_request_id_is_free_again_when_its_job_is_deleted(upkeep: Upkeep, core: Core) -> None:
    job = core.create(request_id="mine")
    core.complete(core.start(job))
    assert core.create(request_id="mine").job_id == job.job_id
    upkeep.delete(job)
    assert core.create(request_id="mine").job_id != job.job_id


def test_watchers_are_woken_when_their_job_is_deleted(upkeep: Upkeep, core: Core) -> None:
    job = core.create()
    core.complete(core.start(job))
    before = core.signals.jobs[job.job_id]
    upkeep.delete(job)
    assert core.signals.jobs[job.job_id] == before + 1


def test_output_stays_while_another_job_needs_it(upkeep: Upkeep, core: Core) -> None:
    first, made = _done(upkeep, upkeep.upload())
    second = upkeep.transcode(made)
    upkeep.delete(first)
    assert _read(core, made) == CONTENT
    granted = core.acquire(core.step(second))
    (given,) = granted.inputs.values()
    assert given.storage_key is not None
    with core.store.open(given.storage_key) as stream:
        assert stream.read() == CONTENT
    assert upkeep.sweep() == 0
    output = upkeep.complete_in_store(granted.request, second, b"other bytes")
    assert _read(core, output) == b"other bytes"


def test_inline_output_stays_while_another_job_needs_it(upkeep: Upkeep, core: Core) -> None:
    first = core.create()
    core.complete(core.start(first), b"ola")
    made = core.job(first).targets[0].outputs[0]
    second = upkeep.translate(made)
    upkeep.delete(first)
    (given,) = core.acquire(core.step(second)).inputs.values()
    assert given.inline == b"ola"


def test_output_goes_when_only_an_ended_job_has_used_it(upkeep: Upkeep, core: Core) -> None:
    first, made = _done(upkeep, upkeep.upload())
    second = upkeep.transcode(made)
    core.fail(core.start(second), HOPELESS)
    upkeep.delete(first)
    with pytest.raises(ArtifactNotFound):
        _read(core, made)
    with pytest.raises(ArtifactNotFound):
        upkeep.retry(second)


def test_deletion_waits_for_a_job_that_is_about_to_name_an_output(
    upkeep: Upkeep, core: Core
) -> None:
    """Either the new job is refused, or its input stays; never a job without its input."""
    for _ in range(20):
        first, made = _done(upkeep, upkeep.upload())
        together = threading.Barrier(2)

        def create(made: Artifact = made, together: threading.Barrier = together) -> Job | None:
            together.wait(10)
            try:
                return upkeep.transcode(made)
            except ArtifactNotFound:
                return None

        def delete(first: Job = first, together: threading.Barrier = together) -> None:
            together.wait(10)
            upkeep.delete(first)

        with ThreadPoolExecutor(2) as pool:
            creating, deleting = pool.submit(create), pool.submit(delete)
            deleting.result()
            second = creating.result()
        if second is not None:
            assert _read(core, made) == CONTENT


def test_job_is_deleted_when_the_store_is_away(
    upkeep: Upkeep, core: Core, monkeypatch: pytest.MonkeyPatch
) -> None:
    job, made = _done(upkeep, upkeep.upload())

    def away(key: str) -> None:
        raise StoreError

    with monkeypatch.context() as patched:
        patched.setattr(core.store, "delete", away)
        upkeep.delete(job)
    with pytest.raises(JobNotFound):
        core.job(job)
    with pytest.raises(ArtifactNotFound):
        _read(core, made)
    # What was left is an orphan, and the next sweep finds it.
    assert len(upkeep.stored_keys()) == 2
    assert upkeep.sweep() == 1
    assert len(upkeep.stored_keys()) == 1
