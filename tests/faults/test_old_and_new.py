"""Versions side by side, as in an upgrade that goes from one machine to the next."""

import signal
import time
from collections.abc import Callable

import pytest

from babelmill.jobs.v1 import job_pb2
from babelmill.translation.v1 import translation_pb2
from tests.faults.house import FaultHouse
from tests.faults.load import Load
from tests.faults.old_code import OldCode, old_code
from tests.faults.servers import job_service
from tests.faults.table import FaultRow
from tests.faults.workloads import ClipMaker, long_text, text_spec, transcode_spec

__all__ = ["old_code"]

NewHouse = Callable[..., FaultHouse]


def _document(house: FaultHouse) -> job_pb2.JobSpec:
    """A job that the old code has never heard of."""
    artifact = house.client().client.upload(
        b"# Good morning\n\nThe harbour opens early today.\n", filename="letter.md"
    )
    return job_pb2.JobSpec(
        translate_document=translation_pb2.TranslateDocumentSpec(
            artifact_id=artifact.artifact_id, source_language="en", target_languages=["pt"]
        )
    )


@pytest.mark.fault(37)
@pytest.mark.slow
@pytest.mark.timeout(600)
def test_all_jobs_end_when_services_and_workers_are_renewed_under_load(
    old_code: OldCode, new_house: NewHouse, row: FaultRow, clips: ClipMaker
) -> None:
    """I1, I2, I4: migrated under load, old and new at once, then the old ones leave."""
    house = new_house(template=old_code.template, pace={})
    was = old_code.environment
    old_service = house.job_service(environment=was)
    old_workers = [house.translation_worker(environment=was), house.media_worker(environment=was)]
    client = house.client()
    watchers = house.watchers()
    watchers.watch(client.submit(long_text(300)))
    artifact = client.client.upload(clips())
    with Load(client) as load:
        load.wait_for(10)
        migrated_at = time.monotonic()
        job_service(
            {
                "PATH": old_service.environment["PATH"],
                "BABELMILL_DATABASE_URL": house.postgres.url(),
            },
            "migrate",
        )
        row.recovered(load.wait_for(3))
        row.note(f"migrated under load in {time.monotonic() - migrated_at:.1f} s")
        new_service = house.job_service()
        both = house.client(new_service)
        # The old workers work for both services, and know nothing of it.
        jobs = [
            both.submit(text_spec("Old and new.")),
            both.submit(transcode_spec(artifact.artifact_id)),
        ]
        for job_id in jobs:
            house.wait_for_state(job_id, "COMPLETED", timeout_seconds=60)
        there = {"worker_grpc": new_service.environment["BABELMILL_WORKER_GRPC_LISTEN"]}
        new_worker = house.translation_worker(settings=there)
        # An old worker may take a step of it, and drop it: it is sent again to the others.
        document = both.submit(_document(house))
        for worker in old_workers:
            worker.signal(signal.SIGTERM)
        house.media_worker(settings=there)
        load.wait_for(5)
        for worker in old_workers:
            assert worker.wait(60) == 0
    old_service.signal(signal.SIGTERM)
    assert old_service.wait(60) == 0
    house.settle(300)
    assert house.state(document) == "COMPLETED"
    assert new_service.alive
    assert new_worker.alive
    assert house.sql("SELECT DISTINCT state FROM jobs") == [("COMPLETED",)]
    row.note(f"{len(load.job_ids)} jobs on the way")
    row.judge(house)
