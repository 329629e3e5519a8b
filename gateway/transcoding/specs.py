"""What a client asks for, in JSON: specs and submissions.

Shapes and names are those of the contract, so that a field violation of the
job service names the JSON field too, and grpcurl's JSON can be sent as it is
but for the enum words. Limits of values are the job service's affair; here
only the shape is checked, and that a oneof has at most one member.
"""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic.config import JsonDict

from babelmill.jobs.v1 import job_pb2, job_service_pb2
from gateway.transcoding.transcodes import (
    TranscodeSpec,
    transcode_from_proto,
    transcode_to_proto,
)
from gateway.transcoding.translations import (
    TranslateDocumentSpec,
    TranslateRecordsSpec,
    TranslateTextSpec,
    TranslateUrlSpec,
    translation_fields,
    translation_to_proto,
)
from gateway.transcoding.videos import (
    LocalizeVideoSpec,
    ProcessSubtitlesSpec,
    localize_from_proto,
    localize_to_proto,
    subtitles_from_proto,
    subtitles_to_proto,
)
from gateway.transcoding.words import PriorityWord, RequestText, RequestTime


def _is_absent(value: object) -> bool:
    return value is None


class JobSpec(BaseModel):
    """The work; exactly one member is set."""

    model_config = ConfigDict(extra="forbid", title="JobSpec")

    translate_text: TranslateTextSpec | None = Field(default=None, exclude_if=_is_absent)
    transcode: TranscodeSpec | None = Field(default=None, exclude_if=_is_absent)
    translate_document: TranslateDocumentSpec | None = Field(default=None, exclude_if=_is_absent)
    translate_url: TranslateUrlSpec | None = Field(default=None, exclude_if=_is_absent)
    translate_records: TranslateRecordsSpec | None = Field(default=None, exclude_if=_is_absent)
    process_subtitles: ProcessSubtitlesSpec | None = Field(default=None, exclude_if=_is_absent)
    localize_video: LocalizeVideoSpec | None = Field(default=None, exclude_if=_is_absent)

    @model_validator(mode="after")
    def _one_kind(self) -> "JobSpec":
        if sum(getattr(self, name) is not None for name in type(self).model_fields) > 1:
            raise ValueError(f"set exactly one of {', '.join(type(self).model_fields)}")
        return self


_TRANSLATE_EXAMPLE: JsonDict = {
    "spec": {
        "translate_text": {
            "text": "Good morning.",
            "source_language": "en",
            "target_languages": ["pt", "es"],
        }
    },
    "priority": "normal",
    "labels": {"project": "greetings"},
}
_TRANSCODE_EXAMPLE: JsonDict = {
    "spec": {
        "transcode": {
            "artifact_id": "01890a5d-ac96-774b-bcce-b302099a8057",
            "preset": "mp4-h264",
            "options": {"max_height": 720, "quality": 60, "start_seconds": 12.5},
        }
    },
    "request_id": "upload-42",
}


_DOCUMENT_EXAMPLE: JsonDict = {
    "spec": {
        "translate_document": {
            "artifact_id": "01890a5d-ac96-774b-bcce-b302099a8057",
            "target_languages": ["pt", "es"],
            "options": {
                "tone": "formal",
                "glossary_terms": [{"source": "mill", "target": "moinho", "target_language": "pt"}],
            },
            "twins": {"bilingual": True, "xliff": True},
        }
    }
}
_URL_EXAMPLE: JsonDict = {
    "spec": {"translate_url": {"url": "https://example.com/guide.html", "target_languages": ["pt"]}}
}
_RECORDS_EXAMPLE: JsonDict = {
    "spec": {
        "translate_records": {
            "records": [{"id": 1, "title": "Good morning", "body": {"text": "Run `make`."}}],
            "target_fields": ["title", "body.text"],
            "code_filter": True,
            "source_language": "en",
            "target_languages": ["pt"],
        }
    }
}
_LOCALIZE_EXAMPLE: JsonDict = {
    "spec": {
        "localize_video": {
            "artifact_id": "01890a5d-ac96-774b-bcce-b302099a8057",
            "target_languages": ["pt", "es", "fr"],
            "burn_in_language": "pt",
        }
    }
}
_SUBTITLES_EXAMPLE: JsonDict = {
    "spec": {
        "process_subtitles": {
            "artifact_id": "01890a5d-ac96-774b-bcce-b302099a8057",
            "extract": {"track": {"language": "en"}, "format": "vtt"},
        }
    }
}
_CHAT_EXAMPLE: JsonDict = {
    "spec": {
        "translate_text": {
            "text": "The parties agree.",
            "source_language": "en",
            "target_languages": ["es"],
            "options": {
                "engines": ["chat", "apertium"],
                "domain": "legal",
                "chat_model": {
                    "base_url": "https://llm.example/v1",
                    "model_name": "small",
                    "api_key": "sk-…",
                },
                "budget": {"max_tokens": 20000},
            },
        }
    }
}


class CreateJob(BaseModel):
    """One job to accept."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                _TRANSLATE_EXAMPLE,
                _DOCUMENT_EXAMPLE,
                _URL_EXAMPLE,
                _RECORDS_EXAMPLE,
                _CHAT_EXAMPLE,
                _TRANSCODE_EXAMPLE,
                _LOCALIZE_EXAMPLE,
                _SUBTITLES_EXAMPLE,
            ]
        },
    )

    spec: JobSpec
    priority: PriorityWord = Field(default=PriorityWord.NORMAL)
    request_id: RequestText = Field(
        default="",
        description="Makes the request idempotent: the same id and body give the same job. "
        "1 to 128 printable ASCII characters. The header `Idempotency-Key` is the same thing.",
    )
    labels: dict[RequestText, RequestText] = Field(
        default_factory=dict,
        description="At most 32; keys of 1 to 63, values of up to 255 characters.",
    )
    deadline: RequestTime | None = Field(
        default=None, description="When unfinished work becomes expired; in the future."
    )
    reuse_results: bool = Field(
        default=False,
        description="Take the kept results of a job of the same input and spec, if there is "
        "one: then this one has completed at once, and names that one in `reused_job_id`.",
    )


class BatchCreateJobs(BaseModel):
    """Several jobs to accept together, all or none."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"requests": [_TRANSLATE_EXAMPLE]}]}
    )

    requests: Annotated[list[CreateJob], Field(description="1 to 500.")]


def create_to_proto(
    given: CreateJob, request_id: str | None = None
) -> job_service_pb2.CreateJobRequest:
    """Read a submission; `request_id` replaces the body's own."""
    message = job_service_pb2.CreateJobRequest(
        spec=_spec_to_proto(given.spec),
        priority=job_pb2.Priority.Value(f"PRIORITY_{given.priority.upper()}"),
        request_id=given.request_id if request_id is None else request_id,
        labels=given.labels,
        reuse_results=given.reuse_results,
    )
    if given.deadline is not None:
        message.deadline.FromDatetime(given.deadline)
    return message


def batch_to_proto(given: BatchCreateJobs) -> job_service_pb2.BatchCreateJobsRequest:
    """Read a batch of submissions."""
    return job_service_pb2.BatchCreateJobsRequest(
        requests=[create_to_proto(each) for each in given.requests]
    )


def spec_from_proto(message: job_pb2.JobSpec) -> JobSpec:
    """Write a spec; a kind that this edge does not know is left out."""
    kind = message.WhichOneof("kind")
    if kind == "translate_text":
        text = message.translate_text
        # An empty text is set all the same, which JSON's mapping of the contract leaves out.
        source = {"text": text.text} if text.WhichOneof("source") == "text" else {}
        return JobSpec(
            translate_text=TranslateTextSpec.model_validate({**translation_fields(text), **source})
        )
    if kind == "translate_document":
        return JobSpec(
            translate_document=TranslateDocumentSpec.model_validate(
                translation_fields(message.translate_document)
            )
        )
    if kind == "translate_url":
        return JobSpec(
            translate_url=TranslateUrlSpec.model_validate(translation_fields(message.translate_url))
        )
    if kind == "translate_records":
        return JobSpec(
            translate_records=TranslateRecordsSpec.model_validate(
                translation_fields(message.translate_records)
            )
        )
    return _media_from_proto(message)


def _media_from_proto(message: job_pb2.JobSpec) -> JobSpec:
    match message.WhichOneof("kind"):
        case "transcode":
            return JobSpec(transcode=transcode_from_proto(message.transcode))
        case "process_subtitles":
            return JobSpec(process_subtitles=subtitles_from_proto(message.process_subtitles))
        case "localize_video":
            return JobSpec(localize_video=localize_from_proto(message.localize_video))
        case _:
            return JobSpec()


def _spec_to_proto(given: JobSpec) -> job_pb2.JobSpec:
    message = job_pb2.JobSpec()
    if given.translate_text is not None:
        message.translate_text.SetInParent()
        translation_to_proto(given.translate_text, message.translate_text)
    if given.translate_document is not None:
        message.translate_document.SetInParent()
        translation_to_proto(given.translate_document, message.translate_document)
    if given.translate_url is not None:
        message.translate_url.SetInParent()
        translation_to_proto(given.translate_url, message.translate_url)
    if given.translate_records is not None:
        message.translate_records.SetInParent()
        translation_to_proto(given.translate_records, message.translate_records)
    if given.process_subtitles is not None:
        message.process_subtitles.CopyFrom(subtitles_to_proto(given.process_subtitles))
    if given.localize_video is not None:
        message.localize_video.CopyFrom(localize_to_proto(given.localize_video))
    if given.transcode is not None:
        message.transcode.CopyFrom(transcode_to_proto(given.transcode))
    return message
