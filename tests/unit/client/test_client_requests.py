"""Requests say what the user said, and refuse what cannot be said."""

from datetime import UTC, datetime, timedelta

import pytest

from babelmill.client import requests
from babelmill.client.errors import InvalidArgument
from babelmill.jobs.v1 import artifact_pb2, job_pb2


def test_a_text_is_inline_when_given_as_str() -> None:
    spec = requests.text_spec("Olá", "pt", ["en", "es"], "bergamot").translate_text
    assert (spec.text, spec.source_language, spec.engine) == ("Olá", "pt", "bergamot")
    assert list(spec.target_languages) == ["en", "es"]


def test_one_target_may_be_a_word_when_there_is_only_one() -> None:
    assert list(requests.text_spec("x", "en", "pt").translate_text.target_languages) == ["pt"]


def test_an_artifact_is_named_when_given_instead_of_text() -> None:
    spec = requests.text_spec(artifact_pb2.Artifact(artifact_id="a1"), "en", ["pt"])
    assert spec.translate_text.artifact_id == "a1"
    assert spec.translate_text.WhichOneof("source") == "artifact_id"


def test_a_lone_surrogate_is_refused_when_it_is_in_the_text() -> None:
    with pytest.raises(InvalidArgument, match="position 1"):
        requests.text_spec("a\ud800", "en", ["pt"])


def test_the_limit_counts_bytes_when_a_text_is_measured() -> None:
    assert requests.fits_inline("a" * requests.LARGEST_INLINE_TEXT_BYTES)
    assert not requests.fits_inline("é" * (requests.LARGEST_INLINE_TEXT_BYTES // 2 + 1))


def test_each_job_gets_a_fresh_request_id_when_none_is_given() -> None:
    spec = requests.transcode_spec("a1", "mp3")
    first, second = requests.job_request(spec), requests.job_request(spec)
    assert first.request_id
    assert first.request_id != second.request_id
    assert requests.job_request(spec, request_id="mine").request_id == "mine"
    assert not requests.job_request(spec, request_id="").request_id


def test_an_upload_has_the_same_id_when_its_request_is_repeated() -> None:
    same = requests.artifact_id_for("r1", "ab")
    assert same == requests.artifact_id_for("r1", "ab")
    assert same != requests.artifact_id_for("r2", "ab")
    assert same != requests.artifact_id_for("r1", "cd")


def test_a_deadline_counts_from_now_when_it_is_a_span() -> None:
    before = datetime.now(UTC)
    request = requests.job_request(job_pb2.JobSpec(), deadline=timedelta(minutes=5))
    moment = request.deadline.ToDatetime(tzinfo=UTC)
    assert before + timedelta(minutes=5) <= moment <= datetime.now(UTC) + timedelta(minutes=5)


def test_a_deadline_is_refused_when_it_has_no_time_zone() -> None:
    with pytest.raises(InvalidArgument, match="time zone"):
        requests.job_request(job_pb2.JobSpec(), deadline=datetime(2030, 1, 1))  # noqa: DTZ001


def test_no_deadline_is_sent_when_none_is_given() -> None:
    assert not requests.job_request(job_pb2.JobSpec()).HasField("deadline")


def test_words_are_read_in_any_case_when_filtering() -> None:
    found = requests.job_filter(
        states=["completed", "In-Progress", job_pb2.JOB_STATE_FAILED], priorities=["urgent"]
    )
    assert list(found.states) == [
        job_pb2.JOB_STATE_COMPLETED,
        job_pb2.JOB_STATE_IN_PROGRESS,
        job_pb2.JOB_STATE_FAILED,
    ]
    assert list(found.priorities) == [job_pb2.PRIORITY_URGENT]


@pytest.mark.parametrize("word", ["done", "unspecified", ""])
def test_the_words_are_listed_when_a_state_is_unknown(word: str) -> None:
    with pytest.raises(InvalidArgument, match="dead_lettered"):
        requests.parse_state(word)


@pytest.mark.parametrize("word", ["asap", "unspecified", ""])
def test_the_words_are_listed_when_a_priority_is_unknown(word: str) -> None:
    with pytest.raises(InvalidArgument, match="urgent, normal, low"):
        requests.parse_priority(word)
