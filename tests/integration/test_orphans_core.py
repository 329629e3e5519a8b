"""Files that nothing refers to go; no file that something refers to, or can come to, does."""

import os
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest

from job_service.application.leasing import LeaseRequest, staging_prefix
from job_service.application.orphans import Orphans
from job_service.application.uploads import UploadRequest
from tests.integration.core import HOPELESS, Core
from tests.integration.upkeep import CONTENT, Upkeep, open_upkeep


@pytest.fixture
def upkeep(database_url: str, tmp_path: Path) -> Iterator[Upkeep]:
    with open_upkeep(database_url, tmp_path / "artifacts") as opened:
        yield opened


@pytest.fixture
def core(upkeep: Upkeep) -> Core:
    return upkeep.core


def _put(core: Core, key: str) -> str:
    core.store.write(key, [b"left behind"])
    return key


def test_staged_file_goes_when_its_lease_has_ended(upkeep: Upkeep, core: Core) -> None:
    job = core.create()
    lease = core.start(job)
    kept = _put(core, f"{staging_prefix(job.job_id, lease)}/half.mp4.tmp")
    stale = LeaseRequest(lease.step_id, lease.generation, uuid4())
    _put(core, f"{staging_prefix(job.job_id, stale)}/half.mp4")
    _put(core, f"jobs/{uuid4()}/{uuid4()}/1/{uuid4()}/of-no-job.mp4")
    assert upkeep.sweep() == 2
    assert upkeep.stored_keys() == {kept}
    core.fail(lease)
    assert upkeep.sweep() == 1
    assert upkeep.stored_keys() == set()


def test_output_stays_when_its_neighbours_go(upkeep: Upkeep, core: Core) -> None:
    upload = upkeep.upload()
    job = upkeep.transcode(upload)
    lease = core.start(job)
    _put(core, f"{staging_prefix(job.job_id, lease)}/never-named.mp3")
    made = upkeep.complete_in_store(lease, job)
    assert upkeep.sweep() == 1
    assert upkeep.stored_keys() == {upload.storage_key, made.storage_key}
    assert upkeep.sweep() == 0


def test_checkpoints_go_when_their_job_has_ended(upkeep: Upkeep, core: Core) -> None:
    job, other = core.create(), core.create()
    _put(core, f"checkpoints/{job.job_id}/{job.steps[0].step_id}/basis/1")
    _put(core, f"checkpoints/{job.job_id}/{job.steps[0].step_id}/basis/2")
    kept = _put(core, f"checkpoints/{other.job_id}/{other.steps[0].step_id}/basis/1")
    _put(core, f"checkpoints/{uuid4()}/{uuid4()}/basis/of-no-job")
    core.fail(core.start(other))
    assert sum(upkeep.orphans.sweep_checkpoints()) == 1
    core.fail(core.start(job), HOPELESS)
    assert sum(upkeep.orphans.sweep_checkpoints()) == 2
    assert upkeep.stored_keys() == {kept}


def test_young_files_are_spared_when_a_grace_is_given(upkeep: Upkeep, core: Core) -> None:
    _put(core, f"jobs/{uuid4()}/{uuid4()}/1/{uuid4()}/young.mp4")
    assert upkeep.sweep(timedelta(hours=24)) == 0
    late = Orphans(
        units=core.units,
        store=core.store,
        wall_clock=lambda: max(at for _, at in core.store.keys("")) + 24 * 3600,
    )
    assert sum(late.sweep(timedelta(hours=24))) == 1


def test_other_peoples_files_are_left_alone(upkeep: Upkeep, core: Core) -> None:
    keys = {
        _put(core, "notes.txt"),
        _put(core, "uploads/README"),
        _put(core, f"jobs/{uuid4()}/index.html"),
        _put(core, f"backup/{uuid4()}/{uuid4()}/1/{uuid4()}/x"),
    }
    assert upkeep.sweep() == 0
    assert upkeep.stored_keys() == keys


def test_upload_without_a_row_goes_and_one_with_a_row_stays(upkeep: Upkeep, core: Core) -> None:
    ready = upkeep.upload()
    begun = core.uploads.begin(core.tenant, UploadRequest(filename="a", media_type="a/b"))
    core.uploads.append(core.tenant, begun.artifact_id, 0, b"begin")
    _put(core, f"uploads/{core.tenant}/{uuid4()}")
    _put(core, f"uploads/{uuid4()}/{uuid4()}")
    assert upkeep.sweep() == 2
    assert upkeep.stored_keys() == {ready.storage_key, begun.storage_key}
    core.uploads.append(core.tenant, begun.artifact_id, 5, b" end")
    assert core.uploads.finish(core.tenant, begun.artifact_id).received_bytes == 9


def test_upload_of_that_name_starts_at_zero_when_the_old_bytes_went(
    upkeep: Upkeep, core: Core
) -> None:
    artifact_id = uuid4()
    _put(core, f"uploads/{core.tenant}/{artifact_id}")
    assert upkeep.sweep() == 1
    uploaded = upkeep.upload(artifact_id=artifact_id)
    assert b"".join(core.uploads.open(core.tenant, uploaded.artifact_id)[1]) == CONTENT


def test_half_written_object_goes_when_it_is_old(upkeep: Upkeep, core: Core) -> None:
    piece = core.store.root / ".incoming" / "piece"
    piece.write_bytes(b"half")
    assert sum(upkeep.orphans.sweep_all(timedelta(hours=24))) == 0
    os.utime(piece, (0, 0))
    assert sum(upkeep.orphans.sweep_all(timedelta(hours=24))) == 1
    assert not piece.exists()


def test_store_is_gone_through_in_looks_when_it_is_large(
    upkeep: Upkeep, core: Core, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("job_service.application.orphans._KEYS_PER_LOOK", 10)
    job = core.create()
    lease = core.start(job)
    for number in range(15):
        _put(core, f"{staging_prefix(job.job_id, lease)}/{number}.part")
        _put(core, f"jobs/{uuid4()}/{uuid4()}/1/{uuid4()}/orphan")
    looks = list(upkeep.orphans.sweep(timedelta()))
    assert len(looks) == 3
    assert sum(looks) == 15
    assert len(upkeep.stored_keys()) == 15
