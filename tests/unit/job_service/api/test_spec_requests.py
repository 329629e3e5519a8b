"""Specs of documents, addresses and records: what is taken, and what is refused."""

from collections.abc import Mapping
from uuid import UUID

import pytest
from google.protobuf.struct_pb2 import Struct

from babelmill.jobs.v1 import job_pb2, job_service_pb2
from babelmill.translation.v1 import glossary_pb2, translation_pb2
from job_service.api.job_requests import new_job
from job_service.api.spec_answers import spec as spec_message
from job_service.domain.errors import InvalidRequest
from job_service.domain.spec import TranslateDocument, TranslateRecords, TranslateUrl
from job_service.domain.translation import (
    Budget,
    ChatModel,
    DocumentTwins,
    GlossaryTerm,
    Tone,
    TranslationOptions,
)

ARTIFACT = "018f2c3e-7b1a-7cc0-8000-0123456789ab"
KEY = "sk-canary-4b1d"


def _document(**fields: object) -> job_pb2.JobSpec:
    given = {"artifact_id": ARTIFACT, "target_languages": ["pt"], **fields}
    return job_pb2.JobSpec(
        translate_document=translation_pb2.TranslateDocumentSpec(**given)  # type: ignore[arg-type] # the test's fields
    )


def _url(url: str) -> job_pb2.JobSpec:
    return job_pb2.JobSpec(
        translate_url=translation_pb2.TranslateUrlSpec(url=url, target_languages=["pt"])
    )


def _records(*records: Mapping[str, object], **fields: object) -> job_pb2.JobSpec:
    given = {"target_fields": ["a"], "target_languages": ["pt"], **fields}
    message = translation_pb2.TranslateRecordsSpec(**given)  # type: ignore[arg-type] # the test's fields
    for each in records:
        struct = Struct()
        struct.update(each)  # type: ignore[arg-type] # what JSON can hold
        message.records.append(struct)
    return job_pb2.JobSpec(translate_records=message)


def _read(spec: job_pb2.JobSpec) -> object:
    return new_job(job_service_pb2.CreateJobRequest(spec=spec), "").spec


def _violations(spec: job_pb2.JobSpec) -> dict[str, str]:
    with pytest.raises(InvalidRequest) as caught:
        _read(spec)
    assert KEY not in str(caught.value)
    return {v.field.partition(".")[2]: v.reason for v in caught.value.violations}


def test_document_is_read_with_all_that_it_may_ask_for() -> None:
    options = translation_pb2.TranslationOptions(
        engines=["chat", "bergamot"],
        tone=translation_pb2.TONE_FORMAL,
        domain="legal",
        chat_model=translation_pb2.ChatModel(
            base_url="https://llm.example/v1", model_name="m 1", api_key=KEY
        ),
        glossary_ids=[ARTIFACT],
        glossary_terms=[glossary_pb2.GlossaryTerm(source="mill", target_language="PT-br")],
        budget=translation_pb2.Budget(max_characters=5, max_tokens=6),
        without_memory=True,
    )
    spec = _document(
        format="docx",
        options=options,
        twins=translation_pb2.DocumentTwins(xliff=True),
    )
    job = new_job(job_service_pb2.CreateJobRequest(spec=spec), "")
    assert job.spec == TranslateDocument(
        artifact_id=UUID(ARTIFACT),
        source_language="",
        target_languages=("pt",),
        format="docx",
        options=TranslationOptions(
            engines=("chat", "bergamot"),
            tone=Tone.FORMAL,
            domain="legal",
            chat_model=ChatModel("https://llm.example/v1", "m 1", has_api_key=True),
            glossary_ids=(UUID(ARTIFACT),),
            glossary_terms=(GlossaryTerm("mill", target_language="pt-BR"),),
            budget=Budget(max_characters=5, max_tokens=6),
            without_memory=True,
        ),
        twins=DocumentTwins(xliff=True),
    )
    assert job.chat_api_key == KEY
    assert KEY not in repr(job)
    given_back = spec_message(job.spec)
    spec.translate_document.options.chat_model.api_key = ""
    spec.translate_document.options.glossary_terms[0].target_language = "pt-BR"
    assert given_back == spec


@pytest.mark.parametrize(
    ("options", "field", "reason"),
    [
        ({"engines": ["a"] * 9}, "engines", "INVALID"),
        ({"engines": ["a", "a"]}, "engines[1]", "DUPLICATE"),
        ({"engines": ["a b"]}, "engines[0]", "INVALID"),
        ({"domain": "x" * 101}, "domain", "INVALID"),
        ({"domain": "le\u202egal"}, "domain", "INVALID"),
        ({"domain": "a\x00b"}, "domain", "INVALID"),
        ({"glossary_ids": ["no"]}, "glossary_ids[0]", "INVALID"),
        ({"budget": translation_pb2.Budget(max_tokens=-1)}, "budget.max_tokens", "INVALID"),
        (
            {"glossary_terms": [glossary_pb2.GlossaryTerm(source=" ")]},
            "glossary_terms[0].source",
            "REQUIRED",
        ),
        (
            {"glossary_terms": [glossary_pb2.GlossaryTerm(source="a")] * 1001},
            "glossary_terms",
            "TOO_MANY",
        ),
        (
            {
                "chat_model": translation_pb2.ChatModel(
                    base_url="file:///x", model_name="m", api_key=KEY
                )
            },
            "chat_model.base_url",
            "UNSUPPORTED_SCHEME",
        ),
        (
            {
                "chat_model": translation_pb2.ChatModel(
                    base_url="https://a.example", model_name="m", api_key=KEY + "\n"
                )
            },
            "chat_model.api_key",
            "INVALID",
        ),
    ],
)
def test_document_is_refused_when_an_option_is_wrong(
    options: dict[str, object], field: str, reason: str
) -> None:
    message = translation_pb2.TranslationOptions(**options)  # type: ignore[arg-type] # the test's fields
    found = _violations(_document(options=message))
    assert found == {f"translate_document.options.{field}": reason}


@pytest.mark.parametrize(
    "url",
    ["http://a.example", "https://a.example:8443/x?y=1#z", "https://[2001:db8::1]/", "HTTPS://A.B"],
)
def test_address_is_taken_when_it_is_of_the_web(url: str) -> None:
    spec = _read(_url(url))
    assert isinstance(spec, TranslateUrl)
    assert spec.url == url


@pytest.mark.matrix(40, 45)
@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("", "REQUIRED"),
        ("ftp://a.example", "UNSUPPORTED_SCHEME"),
        ("file:///etc/passwd", "UNSUPPORTED_SCHEME"),
        ("gopher://a.example", "UNSUPPORTED_SCHEME"),
        ("//a.example", "UNSUPPORTED_SCHEME"),
        ("https://user:pass@a.example", "CREDENTIALS_IN_URL"),
        ("https://user@a.example", "CREDENTIALS_IN_URL"),
        ("https://", "INVALID"),
        ("https:///path", "INVALID"),
        ("https://a.example:99999", "INVALID"),
        ("https://a.example:0", "INVALID"),
        ("https://[::1", "INVALID"),
        ("https://a.example/\x00", "INVALID"),
        ("https://a.example/ b", "INVALID"),
        ("https://a.example\\@b.example", "INVALID"),
        ("https://a.example/" + "x" * 2048, "TOO_LONG"),
    ],
)
def test_address_is_refused_when_its_form_is_wrong(url: str, reason: str) -> None:
    assert _violations(_url(url)) == {"translate_url.url": reason}


def test_records_are_written_the_same_whatever_their_order() -> None:
    first = _read(_records({"b": 1.0, "a": {"c": ["é", True, None, 1.5]}}))
    second = _read(_records({"a": {"c": ["é", True, None, 1.5]}, "b": 1}))
    assert isinstance(first, TranslateRecords)
    assert first == second
    assert first.records == '[{"a":{"c":["é",true,null,1.5]},"b":1}]'


def test_records_are_refused_when_they_are_too_much_or_no_json() -> None:
    field = "translate_records.records"
    assert _violations(_records()) == {field: "INVALID"}
    assert _violations(_records({"a": "x" * 1_048_577})) == {field: "TOO_LONG"}
    assert _violations(_records({"a": "x\x00"})) == {field: "NUL_CHARACTER"}
    assert _violations(_records({"a": float("nan")})) == {field: "INVALID"}
    assert _violations(_records(*[{"a": "b"}] * 10_001)) == {field: "INVALID"}


@pytest.mark.parametrize("name", ["", ".", "a.", ".a", "a..b", "*", "*.*", "a\x00", "x" * 201])
def test_field_is_refused_when_it_is_no_name(name: str) -> None:
    reason = "INVALID" if name else "REQUIRED"
    found = _violations(_records({"a": "b"}, target_fields=[name]))
    assert found == {"translate_records.target_fields[0]": reason}


@pytest.mark.parametrize("name", ["a", "a.b", "items.*.title", "*.title", "with space", "日本"])
def test_field_is_taken_when_it_is_a_name_or_a_path(name: str) -> None:
    spec = _read(_records({"a": "b"}, target_fields=[name]))
    assert isinstance(spec, TranslateRecords)
    assert spec.target_fields == (name,)


@pytest.mark.parametrize("prefix", ["../x", "/x", "a//b", "a/./b", "..", "é", "a b", "x" * 201])
def test_prefix_is_refused_when_it_could_lead_elsewhere(prefix: str) -> None:
    found = _violations(_records({"a": "b"}, output_prefix=prefix))
    assert list(found) == ["translate_records.output_prefix"]


@pytest.mark.parametrize("prefix", ["", "out-", "2026/11/", "a.b_c"])
def test_prefix_is_taken_when_it_leads_into_folders(prefix: str) -> None:
    spec = _read(_records({"a": "b"}, output_prefix=prefix))
    assert isinstance(spec, TranslateRecords)
    assert spec.output_prefix == prefix
