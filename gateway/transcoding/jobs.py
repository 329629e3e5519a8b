"""Jobs in JSON: job, step, target, progress, usage, and a job's result."""

from datetime import datetime

from pydantic import BaseModel, Field

from babelmill.jobs.v1 import job_pb2, job_service_pb2, progress_pb2, step_pb2, usage_pb2
from gateway.transcoding.artifacts import Artifact, artifact_from_proto
from gateway.transcoding.failures import Failure, failure_from_proto
from gateway.transcoding.specs import JobSpec, spec_from_proto
from gateway.transcoding.words import (
    JobStateWord,
    PriorityWord,
    ProgressUnitWord,
    StepStateWord,
    TargetStateWord,
    time_of,
    word,
)


class Progress(BaseModel):
    """How much is done. It never goes backwards."""

    unit: ProgressUnitWord
    done: float
    total: float = Field(description="0 while it is not known.")
    percent: float = Field(description="0 to 100; 100 only when the job has completed.")
    stage: str
    eta: datetime | None = Field(description="When the work should end, once a rate is known.")
    update_time: datetime | None
    frames_per_second: float | None = Field(
        default=None, description="Of an encoder, on average; null where no frames are counted."
    )
    speed: float | None = Field(
        default=None, description="Seconds of media in one second; null where nothing encodes."
    )


class Usage(BaseModel):
    """What the work cost, measured. A figure that was not measured is null."""

    peak_cpu_percent: float | None = Field(description="In percent of one core.")
    peak_rss_bytes: int | None
    cpu_seconds: float | None
    processing_seconds: float | None
    input_bytes: int | None
    output_bytes: int | None
    engine_characters: int | None = Field(description="Handed to engines; not what memory had.")
    engine_tokens: int | None = Field(description="Taken and given by chat models.")


class Target(BaseModel):
    """One thing that a job makes: a language, or a rendition."""

    key: str = Field(description="A language tag, or a preset's name.")
    state: TargetStateWord
    outputs: list[Artifact]
    text: str | None = Field(description="The text, when it is at most 16 KiB; else see outputs.")
    error: Failure | None


class Step(BaseModel):
    """The unit that is dispatched to a worker."""

    step_id: str
    name: str
    kind: str
    target_key: str | None
    state: StepStateWord
    attempt: int
    progress: Progress | None
    error: Failure | None
    usage: Usage | None
    create_time: datetime | None
    queue_time: datetime | None
    start_time: datetime | None
    finish_time: datetime | None
    depends_on: list[str]
    awaits: list[str] = Field(description="Must have ended, and one of them completed.")
    parts: list[Artifact] = Field(
        description="Made for the steps after it; readable as soon as it has completed."
    )


class Job(BaseModel):
    """A request and all that is known of it."""

    job_id: str
    spec: JobSpec
    state: JobStateWord
    priority: PriorityWord
    progress: Progress | None
    targets: list[Target]
    steps: list[Step]
    error: Failure | None
    attempts: int
    labels: dict[str, str]
    create_time: datetime | None
    queue_time: datetime | None
    start_time: datetime | None
    finish_time: datetime | None
    deadline: datetime | None
    sequence: int = Field(description="The newest event: watch after it to miss nothing.")
    trace_id: str | None
    usage: Usage | None
    request_id: str | None
    parent_job_id: str | None
    reused_job_id: str | None = Field(description="The job whose results this one has.")


class JobPage(BaseModel):
    """A page of jobs, newest first, without texts, steps and outputs."""

    jobs: list[Job]
    next_page_token: str | None = Field(description="Null on the last page.")


class CreatedJob(BaseModel):
    """One answer within a batch."""

    job: Job
    created: bool = Field(description="False when the request_id had made the job before.")


class CreatedJobs(BaseModel):
    """The answers of a batch, in the order of its requests."""

    responses: list[CreatedJob]


class TargetResult(BaseModel):
    """What one target gave."""

    state: TargetStateWord
    text: str | None = Field(description="The text, when it is at most 16 KiB.")
    outputs: list[Artifact] = Field(description="Each with its `content_url`.")
    error: Failure | None


class JobResult(BaseModel):
    """What a job gave so far, by target key."""

    job_id: str
    state: JobStateWord
    final: bool = Field(description="False when more may come.")
    targets: dict[str, TargetResult]
    error: Failure | None


def job_from_proto(message: job_pb2.Job) -> Job:
    """Write a job."""
    return Job(
        job_id=message.job_id,
        spec=spec_from_proto(message.spec),
        state=job_state(message.state),
        priority=word(PriorityWord, job_pb2.Priority.Name, "PRIORITY_", message.priority),
        progress=progress_from_proto(message.progress) if message.HasField("progress") else None,
        targets=[_target(each) for each in message.targets],
        steps=[_step(each) for each in message.steps],
        error=failure_from_proto(message.error) if message.HasField("error") else None,
        attempts=message.attempts,
        labels=dict(message.labels),
        create_time=time_of(message, "create_time"),
        queue_time=time_of(message, "queue_time"),
        start_time=time_of(message, "start_time"),
        finish_time=time_of(message, "finish_time"),
        deadline=time_of(message, "deadline"),
        sequence=message.sequence,
        trace_id=message.trace_id or None,
        usage=_usage(message.usage) if message.HasField("usage") else None,
        request_id=message.request_id or None,
        parent_job_id=message.parent_job_id or None,
        reused_job_id=message.reused_job_id or None,
    )


def page_from_proto(message: job_service_pb2.ListJobsResponse) -> JobPage:
    """Write a page of jobs."""
    return JobPage(
        jobs=[job_from_proto(each) for each in message.jobs],
        next_page_token=message.next_page_token or None,
    )


def batch_from_proto(message: job_service_pb2.BatchCreateJobsResponse) -> CreatedJobs:
    """Write the answers of a batch."""
    return CreatedJobs(
        responses=[
            CreatedJob(job=job_from_proto(each.job), created=each.created)
            for each in message.responses
        ]
    )


def result_from_proto(message: job_pb2.Job, *, final: bool) -> JobResult:
    """Write what a job gave so far."""
    targets = [_target(each) for each in message.targets]
    return JobResult(
        job_id=message.job_id,
        state=job_state(message.state),
        final=final,
        targets={
            each.key: TargetResult(
                state=each.state, text=each.text, outputs=each.outputs, error=each.error
            )
            for each in targets
        },
        error=failure_from_proto(message.error) if message.HasField("error") else None,
    )


def progress_from_proto(message: progress_pb2.Progress) -> Progress:
    """Write progress."""
    return Progress(
        unit=word(ProgressUnitWord, progress_pb2.ProgressUnit.Name, "PROGRESS_UNIT_", message.unit),
        done=message.done,
        total=message.total,
        percent=message.percent,
        stage=message.stage,
        eta=time_of(message, "eta"),
        update_time=time_of(message, "update_time"),
        frames_per_second=(
            message.frames_per_second if message.HasField("frames_per_second") else None
        ),
        speed=message.speed if message.HasField("speed") else None,
    )


def job_state(value: job_pb2.JobState.ValueType) -> JobStateWord:
    """Write a job's state."""
    return word(JobStateWord, job_pb2.JobState.Name, "JOB_STATE_", value)


def step_state(value: step_pb2.StepState.ValueType) -> StepStateWord:
    """Write a step's state."""
    return word(StepStateWord, step_pb2.StepState.Name, "STEP_STATE_", value)


def target_state(value: job_pb2.TargetState.ValueType) -> TargetStateWord:
    """Write a target's state."""
    return word(TargetStateWord, job_pb2.TargetState.Name, "TARGET_STATE_", value)


def _target(message: job_pb2.Target) -> Target:
    return Target(
        key=message.key,
        state=target_state(message.state),
        outputs=[artifact_from_proto(each) for each in message.outputs],
        text=message.text if message.HasField("text") else None,
        error=failure_from_proto(message.error) if message.HasField("error") else None,
    )


def _step(message: step_pb2.Step) -> Step:
    return Step(
        step_id=message.step_id,
        name=message.name,
        kind=message.kind,
        target_key=message.target_key or None,
        state=step_state(message.state),
        attempt=message.attempt,
        progress=progress_from_proto(message.progress) if message.HasField("progress") else None,
        error=failure_from_proto(message.error) if message.HasField("error") else None,
        usage=_usage(message.usage) if message.HasField("usage") else None,
        create_time=time_of(message, "create_time"),
        queue_time=time_of(message, "queue_time"),
        start_time=time_of(message, "start_time"),
        finish_time=time_of(message, "finish_time"),
        depends_on=list(message.depends_on),
        awaits=list(message.awaits),
        parts=[artifact_from_proto(each) for each in message.parts],
    )


def _usage(message: usage_pb2.Usage) -> Usage:
    return Usage(
        peak_cpu_percent=message.peak_cpu_percent if message.HasField("peak_cpu_percent") else None,
        peak_rss_bytes=message.peak_rss_bytes if message.HasField("peak_rss_bytes") else None,
        cpu_seconds=message.cpu_seconds if message.HasField("cpu_seconds") else None,
        processing_seconds=message.processing_seconds
        if message.HasField("processing_seconds")
        else None,
        input_bytes=message.input_bytes if message.HasField("input_bytes") else None,
        output_bytes=message.output_bytes if message.HasField("output_bytes") else None,
        engine_characters=message.engine_characters
        if message.HasField("engine_characters")
        else None,
        engine_tokens=message.engine_tokens if message.HasField("engine_tokens") else None,
    )
