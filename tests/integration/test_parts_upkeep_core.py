"""Parts of documents go with their job's results, and stay while somebody needs them."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from job_service.application.submission import NewJob
from job_service.domain.errors import ArtifactExpired
from job_service.domain.job import Artifact, Job
from job_service.domain.spec import TranslateDocument
from tests.integration.pipeline_core import PipelineCore
from tests.integration.upkeep import Upkeep, open_upkeep

DAY = timedelta(days=1)


@pytest.fixture
def upkeep(database_url: str, tmp_path: Path) -> Iterator[Upkeep]:
    with open_upkeep(database_url, tmp_path / "artifacts") as opened:
        yield opened


def _document(artifact: Artifact) -> TranslateDocument:
    return TranslateDocument(
        artifact_id=artifact.artifact_id, source_language="en", target_languages=("pt",)
    )


def _done(upkeep: Upkeep) -> Job:
    pipeline = PipelineCore(upkeep.core)
    job = pipeline.submit(_document(upkeep.upload()))
    pipeline.extract(job, 10)
    pipeline.complete(job, "translate[pt,1]")
    pipeline.complete(job, "reconstruct[pt]")
    return upkeep.core.job(job)


def test_parts_expire_with_the_results_of_their_job(upkeep: Upkeep) -> None:
    job = _done(upkeep)
    (part,) = job.steps[0].parts
    assert part.storage_key in upkeep.stored_keys()
    upkeep.age(job, DAY + timedelta(seconds=1))
    assert upkeep.retain().results_expired == 3
    assert part.storage_key not in upkeep.stored_keys()
    with pytest.raises(ArtifactExpired):
        upkeep.core.uploads.open(upkeep.core.tenant, part.artifact_id, 0)


def test_parts_stay_while_their_job_runs_however_old_they_are(upkeep: Upkeep) -> None:
    pipeline = PipelineCore(upkeep.core)
    job = pipeline.submit(_document(upkeep.upload()))
    pipeline.extract(job, 10)
    upkeep.core.execute("UPDATE artifacts SET created_at = created_at - interval '9 years'")
    assert upkeep.retain().results_expired == 0
    assert upkeep.sweep() == 0
    pipeline.complete(job, "translate[pt,1]")


def test_parts_go_with_their_job_when_it_is_deleted(upkeep: Upkeep) -> None:
    job = _done(upkeep)
    source = upkeep.stored_keys() - {part.storage_key for part in job.steps[0].parts}
    upkeep.delete(job)
    assert upkeep.stored_keys() == source


def test_part_becomes_the_clients_when_another_job_needs_it(upkeep: Upkeep) -> None:
    core, job = upkeep.core, _done(upkeep)
    (part,) = job.steps[0].parts
    core.submission.create(core.tenant, NewJob(spec=_document(part)))
    upkeep.delete(job)
    kept = core.uploads.get(core.tenant, part.artifact_id)
    assert (kept.job_id, kept.step_id) == (None, None)
    assert part.storage_key in upkeep.stored_keys()
