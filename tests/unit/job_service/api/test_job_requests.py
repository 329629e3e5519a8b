"""From a client's message to what the use cases take, with every wrong field named."""

from collections.abc import Sequence

import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from babelmill.jobs.v1 import job_pb2, job_service_pb2, worker_service_pb2
from babelmill.media.v1 import media_pb2
from babelmill.translation.v1 import translation_pb2
from job_service.api.enums import unknown_enum_values
from job_service.api.job_requests import job_query, new_job, new_jobs
from job_service.domain.errors import InvalidRequest
from job_service.domain.job import JobState, Priority
from job_service.domain.spec import Transcode, TranslateText

ARTIFACT = "018f2c3e-7b1a-7cc0-8000-0123456789ab"


def text_request(
    text: str = "Hello", source_language: str = "en", target_languages: Sequence[str] = ("pt",)
) -> job_service_pb2.CreateJobRequest:
    spec = translation_pb2.TranslateTextSpec(
        text=text, source_language=source_language, target_languages=target_languages
    )
    return job_service_pb2.CreateJobRequest(spec=job_pb2.JobSpec(translate_text=spec))


def violations_of(request: job_service_pb2.CreateJobRequest) -> dict[str, str]:
    with pytest.raises(InvalidRequest) as caught:
        new_job(request, "")
    return {v.field: v.reason for v in caught.value.violations}


def test_new_job_has_canonical_tags_when_they_are_well_formed() -> None:
    job = new_job(text_request(source_language="EN", target_languages=["PT-br", "zh-hans"]), "tp")
    assert job.spec == TranslateText("en", ("pt-BR", "zh-Hans"), text="Hello")
    assert (job.priority, job.request_id, job.traceparent) == (Priority.NORMAL, "", "tp")


def test_new_job_is_a_transcode_when_that_kind_is_set() -> None:
    request = job_service_pb2.CreateJobRequest(
        spec=job_pb2.JobSpec(
            transcode=media_pb2.TranscodeSpec(artifact_id=ARTIFACT, preset="mp4-h264")
        ),
        priority=job_pb2.PRIORITY_URGENT,
    )
    job = new_job(request, "")
    assert isinstance(job.spec, Transcode)
    assert (job.spec.preset, job.priority) == ("mp4-h264", Priority.URGENT)


def test_new_job_names_all_wrong_fields_when_there_are_several() -> None:
    request = text_request(text=" ", source_language="e", target_languages=["pt", "", "pt"])
    request.request_id = " "
    request.labels["k"] = "\x00"
    request.deadline.CopyFrom(Timestamp(seconds=2**60))
    assert violations_of(request) == {
        "spec.translate_text.text": "EMPTY_TEXT",
        "spec.translate_text.source_language": "INVALID",
        "spec.translate_text.target_languages[1]": "REQUIRED",
        "spec.translate_text.target_languages[2]": "DUPLICATE",
        "request_id": "INVALID",
        "labels": "INVALID",
        "deadline": "INVALID",
    }


def test_new_job_is_refused_when_a_target_is_the_source_in_another_case() -> None:
    request = text_request(source_language="en-us", target_languages=["EN-US"])
    assert violations_of(request) == {"spec.translate_text.target_languages[0]": "SAME_AS_SOURCE"}


@pytest.mark.matrix(15)
@pytest.mark.parametrize("count", [0, 33])
def test_new_job_is_refused_when_it_has_too_few_or_many_targets(count: int) -> None:
    request = text_request(target_languages=["pt"] * count)
    assert list(violations_of(request)) == ["spec.translate_text.target_languages"]


def test_new_job_is_refused_when_nothing_is_asked_for() -> None:
    assert violations_of(job_service_pb2.CreateJobRequest()) == {"spec": "REQUIRED"}
    no_source = text_request()
    no_source.spec.translate_text.ClearField("text")
    assert violations_of(no_source) == {"spec.translate_text.text": "REQUIRED"}


def test_new_jobs_name_the_request_when_one_is_wrong() -> None:
    batch = job_service_pb2.BatchCreateJobsRequest(requests=[text_request(), text_request(text="")])
    with pytest.raises(InvalidRequest) as caught:
        new_jobs(batch, "")
    assert [v.field for v in caught.value.violations] == ["requests[1].spec.translate_text.text"]


@pytest.mark.parametrize("count", [0, 501])
def test_new_jobs_are_refused_when_too_few_or_many(count: int) -> None:
    batch = job_service_pb2.BatchCreateJobsRequest(requests=[text_request()] * count)
    with pytest.raises(InvalidRequest):
        new_jobs(batch, "")


def test_job_query_is_read_when_all_is_set() -> None:
    query = job_query(
        job_service_pb2.JobFilter(
            states=[job_pb2.JOB_STATE_COMPLETED, job_pb2.JOB_STATE_FAILED],
            kinds=["transcode"],
            priorities=[job_pb2.PRIORITY_LOW],
            labels={"a": "b"},
            created_after=Timestamp(seconds=1),
        )
    )
    assert query.states == (JobState.COMPLETED, JobState.FAILED)
    assert (query.kinds, query.priorities) == (("transcode",), (Priority.LOW,))
    assert query.created_after is not None
    assert query.created_before is None


def test_job_query_is_refused_when_it_asks_for_nothing_that_exists() -> None:
    with pytest.raises(InvalidRequest) as caught:
        job_query(
            job_service_pb2.JobFilter(
                states=[job_pb2.JOB_STATE_UNSPECIFIED], kinds=["'; DROP TABLE jobs; --"]
            )
        )
    assert {v.field for v in caught.value.violations} == {"filter.states[0]", "filter.kinds[0]"}


@pytest.mark.matrix(4)
def test_unknown_enums_are_named_when_nested() -> None:
    assert [v.field for v in unknown_enum_values(text_request())] == []
    heartbeat = worker_service_pb2.HeartbeatRequest()
    heartbeat.reports.add()
    heartbeat.reports.add().progress.unit = 99  # type: ignore[assignment]  # no such value
    found = list(unknown_enum_values(heartbeat))
    assert [v.field for v in found] == ["reports[1].progress.unit"]
    listing = job_service_pb2.ListJobsRequest()
    listing.filter.states.extend([1, 77])  # type: ignore[list-item]  # no such value
    assert [v.field for v in unknown_enum_values(listing)] == ["filter.states[1]"]
