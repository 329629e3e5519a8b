"""Every word of the contract has its word in JSON, and back."""

from enum import StrEnum
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from babelmill.jobs.v1 import artifact_pb2, job_pb2, progress_pb2, step_pb2
from babelmill.media.v1 import media_pb2
from gateway.transcoding import words
from gateway.transcoding.words import RequestText, RequestTime, time_of, word


@pytest.mark.parametrize(
    ("enum", "prefix", "words_"),
    [
        (job_pb2.JobState, "JOB_STATE_", words.JobStateWord),
        (job_pb2.TargetState, "TARGET_STATE_", words.TargetStateWord),
        (job_pb2.Priority, "PRIORITY_", words.PriorityWord),
        (step_pb2.StepState, "STEP_STATE_", words.StepStateWord),
        (progress_pb2.ProgressUnit, "PROGRESS_UNIT_", words.ProgressUnitWord),
        (artifact_pb2.ArtifactState, "ARTIFACT_STATE_", words.ArtifactStateWord),
        (media_pb2.PresetKind, "PRESET_KIND_", words.PresetKindWord),
    ],
)
def test_words_are_those_of_the_contract_when_compared(
    enum: Any, prefix: str, words_: type[StrEnum]
) -> None:
    assert [each.value for each in words_] == [
        name.removeprefix(prefix).lower() for name, _ in enum.items()
    ]
    for name, value in enum.items():
        assert word(words_, enum.Name, prefix, value) == name.removeprefix(prefix).lower()


def test_word_is_unspecified_when_value_is_unknown() -> None:
    unknown: Any = 77
    name_of = job_pb2.JobState.Name
    assert word(words.JobStateWord, name_of, "JOB_STATE_", unknown) == "unspecified"


def test_time_is_none_when_absent_or_out_of_range() -> None:
    job = job_pb2.Job()
    assert time_of(job, "create_time") is None
    job.create_time.seconds = 10**14
    assert time_of(job, "create_time") is None
    job.create_time.seconds = 0
    moment = time_of(job, "create_time")
    assert moment is not None
    assert moment.isoformat() == "1970-01-01T00:00:00+00:00"


@pytest.mark.parametrize("text", ["2030-01-31T12:00:00Z", "2030-01-31t12:00:00.123456+02:00"])
def test_time_is_read_when_rfc3339(text: str) -> None:
    assert TypeAdapter(RequestTime).validate_python(text).tzinfo is not None


@pytest.mark.parametrize("value", ["1893456000", "2030-01-31", "2030-01-31T12:00:00", 7, "now", ""])
def test_time_is_refused_when_not_rfc3339(value: object) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(RequestTime).validate_python(value)


def test_text_is_refused_when_it_holds_a_lone_surrogate() -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(RequestText).validate_python("a\ud800")
    assert TypeAdapter(RequestText).validate_python("😀") == "😀"
