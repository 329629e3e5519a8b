"""From the domain to messages: what a list leaves out, and that every state has its name."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

from babelmill.jobs.v1 import job_pb2, step_pb2
from job_service.api.event_answers import event
from job_service.api.job_answers import job
from job_service.domain.events import JobEvent, JobStateChanged, StepStateChanged, TargetFinished
from job_service.domain.job import (
    Artifact,
    ArtifactState,
    Digest,
    Failure,
    Job,
    JobState,
    Priority,
    Progress,
    Step,
    StepState,
    Target,
    TargetState,
    Usage,
)
from job_service.domain.spec import TranslateText

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


def output(data: bytes, media_type: str = "text/plain; charset=utf-8") -> Artifact:
    return Artifact(
        uuid4(), uuid4(), ArtifactState.READY, "a.txt", media_type, NOW,
        digest=Digest("0" * 64, len(data)), inline=data,
    )  # fmt: skip


def a_job(state: JobState = JobState.COMPLETED, *outputs: Artifact) -> Job:
    job_id = uuid4()
    step = Step(
        uuid4(), job_id, "translate[pt]", "translate_text", "pt", StepState.COMPLETED, {},
        timedelta(minutes=5), attempt=2,
    )  # fmt: skip
    return Job(
        job_id=job_id,
        tenant_id=uuid4(),
        spec=TranslateText("en", ("pt",), text="Hello"),
        state=state,
        priority=Priority.LOW,
        created_at=NOW,
        traceparent=f"00-{'a' * 32}-{'b' * 16}-01",
        sequence=7,
        labels={"k": "v"},
        progress=Progress("CHARACTERS", 5, 5, 100.0, "translate", updated_at=NOW),
        targets=(Target("pt", TargetState.COMPLETED, outputs=outputs),),
        steps=(step,),
        usage=Usage(peak_rss_bytes=1),
    )


def test_job_is_whole_when_asked_for_alone() -> None:
    message = job(a_job(JobState.COMPLETED, output("Olá".encode())))
    assert message.spec.translate_text.text == "Hello"
    assert message.state == job_pb2.JOB_STATE_COMPLETED
    assert message.priority == job_pb2.PRIORITY_LOW
    assert message.targets[0].text == "Olá"
    assert message.targets[0].outputs[0].digest.size_bytes == 4
    assert (message.attempts, message.sequence, message.trace_id) == (2, 7, "a" * 32)
    assert message.usage.HasField("peak_rss_bytes")
    assert not message.usage.HasField("cpu_seconds")
    assert not message.HasField("start_time")


def test_job_is_without_texts_steps_and_outputs_when_listed() -> None:
    message = job(a_job(JobState.COMPLETED, output(b"x")), listed=True)
    assert message.spec.translate_text.source_language == "en"
    assert not message.spec.translate_text.HasField("source")
    assert not message.steps
    assert not message.targets[0].outputs
    assert not message.targets[0].HasField("text")


def test_text_is_left_out_when_long_or_no_text() -> None:
    for data in (output(b"x" * (16 * 1024 + 1)), output(b"x", "video/mp4")):
        assert not job(a_job(JobState.COMPLETED, data)).targets[0].HasField("text")
    assert job(a_job(JobState.COMPLETED, output(b"\xff"))).targets[0].text == "\ufffd"


def test_every_state_has_a_name_when_written() -> None:
    for state in JobState:
        assert job_pb2.JobState.Name(job(a_job(state)).state) == f"JOB_STATE_{state}"
    for step_state in StepState:
        fact = StepStateChanged(uuid4(), "s", StepState.PENDING, step_state, 1)
        message = event(JobEvent(uuid4(), 2, NOW, fact)).step_state_changed
        assert step_pb2.StepState.Name(message.state) == f"STEP_STATE_{step_state}"
    for target_state in TargetState:
        message_2 = event(JobEvent(uuid4(), 3, NOW, TargetFinished("pt", target_state)))
        assert job_pb2.TargetState.Name(message_2.target_finished.state).endswith(target_state)


def test_first_event_has_no_previous_state_when_written() -> None:
    error = Failure("INTERNAL", "It broke.", retry_after=timedelta(seconds=1.5))
    first = event(JobEvent(uuid4(), 1, NOW, JobStateChanged(None, JobState.PENDING, error)))
    assert first.job_state_changed.previous == job_pb2.JOB_STATE_UNSPECIFIED
    assert first.job_state_changed.error.retry_after.ToTimedelta() == timedelta(seconds=1.5)
    assert first.event_time.ToDatetime(tzinfo=UTC) == NOW
