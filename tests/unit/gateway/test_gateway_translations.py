"""Specs of translations keep their meaning between JSON and the contract."""

import pytest
from pydantic import ValidationError

from babelmill.jobs.v1 import job_pb2, step_pb2
from babelmill.translation.v1 import translation_pb2
from gateway.transcoding.jobs import job_from_proto
from gateway.transcoding.specs import CreateJob, create_to_proto, spec_from_proto

_OPTIONS = {
    "engines": ["chat", "apertium"],
    "tone": "formal",
    "domain": "legal",
    "chat_model": {"base_url": "https://llm.example/v1", "model_name": "small", "api_key": ""},
    "glossary_ids": ["g"],
    "glossary_terms": [
        {"source": "mill", "target": "moinho", "target_language": "pt", "case_sensitive": True}
    ],
    "budget": {"max_characters": 2**40, "max_tokens": 5},
    "without_memory": True,
}
_RECORD = {"id": 7, "title": "Good", "tags": ["a", None, True, 1.5], "in": {"x": None}}


def _nested(levels: int) -> dict[str, object]:
    value: dict[str, object] = {}
    for _ in range(levels - 1):
        value = {"in": value}
    return value


@pytest.mark.parametrize(
    "spec",
    [
        {"translate_text": {"text": "x", "target_languages": ["pt"], "options": _OPTIONS}},
        {"translate_text": {"text": "", "options": {}}},
        {
            "translate_document": {
                "artifact_id": "a",
                "format": "docx",
                "source_language": "en",
                "target_languages": ["pt", "es"],
                "options": _OPTIONS,
                "twins": {"bilingual": True, "xliff": False},
            }
        },
        {"translate_url": {"url": "https://example.com", "target_languages": ["pt"]}},
        {
            "translate_records": {
                "records": [_RECORD, {}, _nested(24)],
                "target_fields": ["title", "in.x"],
                "code_filter": True,
                "target_languages": ["pt"],
                "output_prefix": "out/",
            }
        },
        {"translate_document": {}},
        {
            "localize_video": {
                "artifact_id": "a",
                "target_languages": ["pt"],
                "options": _OPTIONS,
                "container": "mkv",
                "track": {"index": 0},
                "burn_in_language": "pt",
            }
        },
        {"localize_video": {"file": {"artifact_id": "b", "charset": "latin-1"}}},
        {"process_subtitles": {"extract": {}}},
        {"process_subtitles": {"extract": {"track": {"language": "en"}, "format": "ass"}}},
        {"process_subtitles": {"convert": {"format": "vtt", "charset": "cp1252"}}},
        {
            "process_subtitles": {
                "mux": {
                    "files": [{"artifact_id": "a", "language": "pt", "title": "T"}],
                    "container": "mp4",
                    "replace": True,
                }
            }
        },
        {"process_subtitles": {"burn_in": {"track": {"index": 1}}}},
    ],
)
def test_spec_is_the_same_when_it_went_there_and_back(spec: dict[str, object]) -> None:
    given = CreateJob.model_validate({"spec": spec})
    message = create_to_proto(given).spec
    assert message.WhichOneof("kind") == next(iter(spec))
    travelled = job_pb2.JobSpec.FromString(message.SerializeToString())
    assert spec_from_proto(travelled) == given.spec


def test_options_are_all_in_the_message_when_given() -> None:
    given = CreateJob.model_validate(
        {"spec": {"translate_url": {"url": "https://example.com", "options": _OPTIONS}}}
    )
    options = create_to_proto(given).spec.translate_url.options
    assert options.tone == translation_pb2.TONE_FORMAL
    assert options.budget.max_characters == 2**40
    assert options.glossary_terms[0].case_sensitive
    assert options.chat_model.model_name == "small"


def test_key_is_sent_and_never_written_back_when_given() -> None:
    key = "sk-canary"
    given = CreateJob.model_validate(
        {"spec": {"translate_text": {"text": "x", "options": {"chat_model": {"api_key": key}}}}}
    )
    message = create_to_proto(given).spec
    assert message.translate_text.options.chat_model.api_key == key
    assert key not in repr(given)
    job = job_from_proto(job_pb2.Job(spec=message))
    assert key not in job.model_dump_json()


@pytest.mark.parametrize(
    "spec",
    [
        {"translate_text": {"text": "x"}, "translate_url": {"url": "x"}},
        {"translate_text": {"text": "x", "options": {"tone": "rude"}}},
        {"translate_text": {"text": "x", "options": {"tones": "formal"}}},
        {"translate_records": {"records": [{"n": 2**53 + 1}]}},
        {"translate_records": {"records": [{"n": "\ud800"}]}},
        {"translate_records": {"records": [5]}},
        {"translate_records": {"records": [_nested(25)]}},
        {"translate_document": {"twins": {"pdf": True}}},
        {"translate_document": {"options": {"budget": {"max_characters": 2**63}}}},
    ],
)
def test_spec_is_refused_when_its_shape_is_wrong(spec: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        CreateJob.model_validate({"spec": spec})


def test_tone_is_unspecified_when_a_newer_service_knows_more() -> None:
    message = job_pb2.JobSpec()
    message.translate_text.options.tone = 77  # type: ignore[assignment]  # a value of the future
    written = spec_from_proto(message)
    assert written.translate_text is not None
    assert written.translate_text.options is not None
    assert written.translate_text.options.tone == "unspecified"


def test_parts_have_addresses_when_a_step_has_made_them() -> None:
    job = job_pb2.Job(steps=[step_pb2.Step(name="translate[pt,1]")])
    job.steps[0].parts.add(artifact_id="a", state=2, filename="translations.json")
    (part,) = job_from_proto(job).steps[0].parts
    assert part.content_url == "/v1/artifacts/a/content"
