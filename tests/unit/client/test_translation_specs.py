"""Specs of translations say what was asked, and refuse what the contract cannot carry."""

import pytest

from babelmill.client import translations
from babelmill.client.errors import InvalidArgument
from babelmill.client.jobs import parts_of
from babelmill.client.requests import text_spec
from babelmill.jobs.v1 import artifact_pb2, job_pb2, step_pb2
from babelmill.translation.v1 import translation_pb2


def test_options_say_all_when_all_is_given() -> None:
    made = translations.options(
        engines=["chat", "apertium"],
        tone="formal",
        domain="legal",
        chat=translations.chat_model("https://llm.example/v1", "small", "key"),
        glossary_ids=["g"],
        terms=[translations.term("mill", "moinho", "pt", case_sensitive=True)],
        max_characters=5,
        without_memory=True,
    )
    assert list(made.engines) == ["chat", "apertium"]
    assert made.tone == translation_pb2.TONE_FORMAL
    assert made.chat_model.api_key == "key"
    assert made.glossary_terms[0].target == "moinho"
    assert (made.budget.max_characters, made.budget.max_tokens) == (5, 0)
    assert made.without_memory


def test_options_are_empty_when_nothing_is_given() -> None:
    assert translations.options() == translation_pb2.TranslationOptions()


def test_tone_is_refused_when_it_does_not_exist() -> None:
    with pytest.raises(InvalidArgument, match="neutral, formal, informal"):
        translations.parse_tone("rude")


def test_specs_hold_what_they_are_of_when_made() -> None:
    how = translations.options(tone="informal")
    artifact = artifact_pb2.Artifact(artifact_id="a")
    document = translations.document_spec(
        artifact, "", "pt", document_format="md", how=how, bilingual=True
    ).translate_document
    assert (document.artifact_id, document.format) == ("a", "md")
    assert list(document.target_languages) == ["pt"]
    assert document.twins.bilingual
    assert not document.twins.xliff
    assert document.options.tone == translation_pb2.TONE_INFORMAL
    url = translations.url_spec("https://example.com", "en", ["pt"], xliff=True).translate_url
    assert url.url == "https://example.com"
    assert url.twins.xliff
    assert not url.HasField("options")
    text = text_spec("x", "en", "pt", "", how).translate_text
    assert text.options.tone == translation_pb2.TONE_INFORMAL


def test_records_are_carried_when_they_are_json() -> None:
    records = [{"id": 2**53, "title": "Good", "tags": ["a", None, True, 1.5], "in": {"x": "y"}}]
    spec = translations.records_spec(
        records, ["title", "in.x"], "en", ["pt"], code_filter=True, output_prefix="out/"
    ).translate_records
    record = spec.records[0]
    assert record["title"] == "Good"
    assert record["id"] == 2**53
    assert list(spec.target_fields) == ["title", "in.x"]
    assert spec.code_filter
    assert spec.output_prefix == "out/"


def _nested(levels: int) -> dict[str, object]:
    value: dict[str, object] = {}
    for _ in range(levels - 1):
        value = {"in": value}
    return value


def test_record_comes_through_when_it_is_as_deep_as_may_be() -> None:
    spec = translations.records_spec([_nested(24)], ["in"], "en", "pt")
    assert job_pb2.JobSpec.FromString(spec.SerializeToString()) == spec


@pytest.mark.parametrize(
    "record",
    [
        {"a": 2**53 + 1},
        {"a": [{"b": float("nan")}]},
        {"a": object()},
        {"a": "\ud800"},
        5,
        _nested(25),
    ],
)
def test_record_is_refused_when_it_would_not_come_back_the_same(record: dict[str, object]) -> None:
    with pytest.raises(InvalidArgument):
        translations.records_spec([record], ["a"], "en", ["pt"])


def test_parts_are_listed_by_target_when_asked() -> None:
    job = job_pb2.Job(
        steps=[
            step_pb2.Step(name="extract", parts=[artifact_pb2.Artifact(artifact_id="1")]),
            step_pb2.Step(target_key="pt", parts=[artifact_pb2.Artifact(artifact_id="2")]),
        ]
    )
    assert [part.artifact_id for part in parts_of(job)] == ["1", "2"]
    assert [part.artifact_id for part in parts_of(job, "PT")] == ["2"]
