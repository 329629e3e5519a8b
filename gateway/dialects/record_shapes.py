"""What requests and answers of the records dialect look like."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from babelmill.jobs.v1 import job_pb2, step_pb2
from gateway.dialects.words import (
    Phase,
    changed_at,
    error_of,
    percent_of,
    phase_of,
    step_phase_of,
)
from gateway.transcoding.translations import Record
from gateway.transcoding.words import RequestText, time_of

_OWN_FIELDS = ("title", "description", "content")
_MOST_JOBS = 500
_JOB_EXAMPLE: dict[str, JsonValue] = {
    "id": "01890a5d-ac96-774b-bcce-b302099a8057",
    "job_id": "01890a5d-ac96-774b-bcce-b302099a8057",
    "novel_id": "01890a5d-ac96-774b-bcce-b302099a8057",
    "status": "IN_PROGRESS",
    "progress": 50,
    "target_lang": "en",
    "from_lang": "",
    "error": None,
    "subtasks": [
        {
            "id": "01890a5d-ac96-774b-bcce-b302099a8057",
            "name": "extract",
            "status": "COMPLETED",
            "progress": 100,
            "error": None,
        }
    ],
    "created_at": "2030-01-31T12:00:00Z",
    "updated_at": "2030-01-31T12:00:01Z",
}
STATUS = {
    Phase.PENDING: "PENDING",
    Phase.QUEUED: "PENDING",
    Phase.RUNNING: "IN_PROGRESS",
    Phase.COMPLETED: "COMPLETED",
    Phase.FAILED: "FAILED",
    Phase.CANCELLED: "CANCELLED",
}


class RecordsJobRequest(BaseModel):
    """Which records to translate into what.

    Give `records`, or one record by its `title`, `description` and `content`, or
    a `novel_id`: the artifact id of an uploaded JSON file of records.
    """

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [{"novel_id": "01890a5d-ac96-774b-bcce-b302099a8057", "target_lang": "en"}]
        },
    )

    novel_id: RequestText = Field(
        default="", max_length=255, description="Beside records, a label to find the job by."
    )
    records: list[Record] = Field(default_factory=list, description="1 to 10,000, up to 1 MiB.")
    title: RequestText = ""
    description: RequestText = ""
    content: RequestText = ""
    target_lang: RequestText = Field(description="By BCP 47.")
    source_lang: RequestText = Field(default="", description="Empty: it is detected.")
    from_lang: RequestText = Field(default="", description="The same thing as `source_lang`.")
    target_fields: list[RequestText] = Field(
        default_factory=lambda: list(_OWN_FIELDS),
        description="`a.b` reaches into nested records, `*` is every element of a list.",
    )
    enable_code_filter: bool = Field(
        default=False, description="Leave code in the fields as it is."
    )
    output_dir: RequestText = Field(
        default="", description="Stands before the names of the files that the job makes."
    )
    job_id: RequestText = Field(
        default="",
        description="Makes the request idempotent: the same one and body give the same job. "
        "The job's own id is the answer's.",
    )

    def own_records(self) -> list[dict[str, JsonValue]]:
        """Give the records that came within the request."""
        own: dict[str, JsonValue] = {
            name: value for name in _OWN_FIELDS if (value := getattr(self, name))
        }
        return [*([own] if own else []), *self.records]


class RecordsJobRequests(BaseModel):
    """Jobs to create together."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [{"jobs": [{"title": "The mill", "target_lang": "pt"}]}],
        },
    )

    jobs: list[RecordsJobRequest] = Field(min_length=1, max_length=_MOST_JOBS)


class RecordsSubtask(BaseModel):
    """A step of a job."""

    id: str
    name: str
    status: str
    progress: int = Field(description="In percent.")
    error: str | None


class RecordsJob(BaseModel):
    """A job as it is now."""

    model_config = ConfigDict(json_schema_extra={"examples": [_JOB_EXAMPLE]})

    id: str
    job_id: str = Field(description="The same id.")
    novel_id: str | None
    status: str = Field(description="PENDING, IN_PROGRESS, COMPLETED, FAILED or CANCELLED.")
    progress: int = Field(description="In percent.")
    target_lang: str
    from_lang: str = Field(description="Empty: it is detected.")
    error: str | None
    subtasks: list[RecordsSubtask]
    created_at: datetime | None
    updated_at: datetime | None


class RecordsJobPage(BaseModel):
    """A page of jobs."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"jobs": [_JOB_EXAMPLE], "next_page_token": None}]}
    )

    jobs: list[RecordsJob]
    next_page_token: str | None = Field(description="Null on the last page.")


class RecordsBatch(BaseModel):
    """The created jobs, in the order of the request."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"jobs": [_JOB_EXAMPLE]}]})

    jobs: list[RecordsJob]


class RecordsQueue(BaseModel):
    """How much waits."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"queue": "translation_jobs", "length": 12}]}
    )

    queue: str = "translation_jobs"
    length: int


class RecordsResult(BaseModel):
    """What a job gave."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "job_id": "01890a5d-ac96-774b-bcce-b302099a8057",
                    "target_lang": "en",
                    "records": [{"title": "The mill"}],
                    "entities": [],
                    "terms": [],
                    "files": ["outputs/novel_jobs/records.en.json", "report.json"],
                }
            ]
        }
    )

    job_id: str
    target_lang: str
    records: JsonValue
    entities: JsonValue = Field(description="Named entities that were met.")
    terms: JsonValue = Field(description="Terms of the glossary, if there is one.")
    files: list[str] = Field(description="Names of the files that hold it.")


def records_job(job: job_pb2.Job) -> RecordsJob:
    """Write a job."""
    spec = job.spec.translate_records
    return RecordsJob(
        id=job.job_id,
        job_id=job.job_id,
        novel_id=job.labels.get("novel_id") or None,
        status=STATUS[phase_of(job.state)],
        progress=percent_of(job),
        target_lang=next(iter(spec.target_languages), ""),
        from_lang=spec.source_language,
        error=error_of(job),
        subtasks=[_subtask(step) for step in job.steps],
        created_at=time_of(job, "create_time"),
        updated_at=changed_at(job),
    )


def job_status(state: job_pb2.JobState.ValueType) -> str:
    """Write a job's state."""
    return STATUS[phase_of(state)]


def step_status(state: step_pb2.StepState.ValueType) -> str:
    """Write a step's state."""
    return STATUS[step_phase_of(state)]


def _subtask(step: step_pb2.Step) -> RecordsSubtask:
    phase = step_phase_of(step.state)
    done = phase is Phase.COMPLETED
    return RecordsSubtask(
        id=step.step_id,
        name=step.name,
        status=STATUS[phase],
        progress=100 if done else int(step.progress.percent),
        error=f"{step.error.reason}: {step.error.message}"
        if phase is Phase.FAILED and step.HasField("error")
        else None,
    )
