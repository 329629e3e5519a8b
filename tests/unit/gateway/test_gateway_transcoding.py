"""Submissions and jobs keep their meaning between JSON and the contract."""

import pytest

from babelmill.client.updates import Event, ProgressTick, Snapshot
from babelmill.jobs.v1 import artifact_pb2, job_event_pb2, job_pb2, progress_pb2
from gateway.transcoding.artifacts import artifact_from_proto
from gateway.transcoding.events import update_to_event
from gateway.transcoding.jobs import job_from_proto
from gateway.transcoding.specs import CreateJob, create_to_proto, spec_from_proto


@pytest.mark.parametrize(
    "spec",
    [
        {"translate_text": {"text": "", "source_language": "en", "target_languages": ["pt"]}},
        {"translate_text": {"artifact_id": "a", "target_languages": [], "engine": "bergamot"}},
        {"transcode": {"artifact_id": "a", "preset": "mp3"}},
        {},
    ],
)
def test_spec_is_the_same_when_it_went_there_and_back(spec: dict[str, dict[str, object]]) -> None:
    given = CreateJob.model_validate({"spec": spec})
    message = create_to_proto(given).spec
    assert message.WhichOneof("kind") == next(iter(spec), None)
    assert spec_from_proto(message) == given.spec


def test_empty_text_stays_set_when_transcoded() -> None:
    """The job service tells an empty text from no source at all."""
    given = CreateJob.model_validate({"spec": {"translate_text": {"text": ""}}})
    assert create_to_proto(given).spec.translate_text.WhichOneof("source") == "text"


def test_header_replaces_request_id_when_given() -> None:
    given = CreateJob.model_validate({"spec": {}})
    assert create_to_proto(given, "key").request_id == "key"


def test_unknown_figures_are_null_when_written() -> None:
    job = job_pb2.Job(job_id="j", state=job_pb2.JOB_STATE_COMPLETED)
    job.usage.cpu_seconds = 0.0
    written = job_from_proto(job).model_dump(mode="json")
    assert written["usage"]["cpu_seconds"] == 0.0
    assert written["usage"]["peak_rss_bytes"] is None
    assert written["start_time"] is None
    assert written["parent_job_id"] is None
    assert written["spec"] == {}


def test_artifact_has_no_content_url_when_not_ready() -> None:
    artifact = artifact_pb2.Artifact(
        artifact_id="a", state=artifact_pb2.ARTIFACT_STATE_UPLOADING, received_bytes=5
    )
    written = artifact_from_proto(artifact)
    assert written.content_url is None
    assert written.sha256 is None
    assert written.received_bytes == 5


def test_updates_are_named_when_written() -> None:
    event = job_event_pb2.JobEvent(job_id="j", sequence=4)
    event.target_finished.key = "pt"
    event.target_finished.state = job_pb2.TARGET_STATE_FAILED
    event.target_finished.error.reason = "ENGINE_FAILED"
    name, event_id, data = update_to_event(Event(4, event))
    assert (name, event_id) == ("target", 4)
    assert data.model_dump()["error"]["reason"] == "ENGINE_FAILED"

    step = job_event_pb2.JobEvent(job_id="j", sequence=5)
    step.step_state_changed.name = "translate[pt]"
    assert update_to_event(Event(5, step))[:2] == ("step_state", 5)
    assert update_to_event(Event(6, job_event_pb2.JobEvent(sequence=6)))[:2] == ("other", 6)
    assert update_to_event(Snapshot(3, job_pb2.Job()))[:2] == ("snapshot", 3)
    assert update_to_event(ProgressTick(3, progress_pb2.Progress()))[:2] == ("progress", None)
