"""Keys of the artifact store tell whose files they name."""

from uuid import UUID

import pytest

from babelmill.kit.worker.checkpoints import checkpoint_prefix
from job_service.application.leasing import LeaseRequest, staging_prefix
from job_service.domain.stored_files import (
    CheckpointFile,
    StagedFile,
    UploadedFile,
    places_of_job,
    read_key,
)

# Fixed, as they are parts of the names of tests.
JOB, STEP, LEASE = (UUID(int=number, version=4) for number in (1, 2, 3))
PREFIX = staging_prefix(JOB, LeaseRequest(STEP, 3, LEASE))
CHECKPOINTS = checkpoint_prefix(str(JOB), str(STEP))


@pytest.mark.parametrize("name", ["out.mp4", "deep/out.mp4", "out.mp4.tmp"])
def test_staged_file_names_its_lease_when_read(name: str) -> None:
    assert read_key(f"{PREFIX}/{name}") == StagedFile(STEP, LEASE)


def test_checkpoint_names_its_job_when_read() -> None:
    assert read_key(f"{CHECKPOINTS}/basis/chunk-1") == CheckpointFile(JOB)


def test_upload_names_its_artifact_when_read() -> None:
    assert read_key(f"uploads/{JOB}/{STEP}") == UploadedFile(JOB, STEP)


def test_files_of_a_job_lie_below_its_places() -> None:
    jobs, checkpoints = places_of_job(JOB)
    assert PREFIX.startswith(f"{jobs}/")
    assert CHECKPOINTS.startswith(f"{checkpoints}/")


@pytest.mark.parametrize(
    "key",
    [
        "",
        "notes.txt",
        "uploads",
        f"uploads/{JOB}",
        f"uploads/{JOB}/{STEP}/more",
        "uploads/somebody/something",
        PREFIX,
        f"jobs/{JOB}",
        f"jobs/{JOB}/{STEP}/1/not-a-lease/out.mp4",
        f"checkpoints/{JOB}",
        "checkpoints/not-a-job/file",
        f"other/{UUID(int=0)}/{UUID(int=0)}",
    ],
)
def test_key_is_nobodys_when_it_has_another_form(key: str) -> None:
    assert read_key(key) is None
