"""From a job's events to messages."""

from babelmill.jobs.v1 import job_event_pb2, job_pb2, step_pb2
from job_service.api.job_answers import failure, timestamp
from job_service.domain.events import JobEvent, JobStateChanged, StepStateChanged
from job_service.domain.job import JobState


def event(found: JobEvent) -> job_event_pb2.JobEvent:
    """Write an event."""
    message = job_event_pb2.JobEvent(
        job_id=str(found.job_id),
        sequence=found.sequence,
        event_time=timestamp(found.occurred_at),
    )
    fact = found.fact
    if isinstance(fact, JobStateChanged):
        message.job_state_changed.CopyFrom(
            job_event_pb2.JobStateChanged(
                previous=_job_state(fact.previous),
                state=_job_state(fact.state),
                error=failure(fact.error),
            )
        )
    elif isinstance(fact, StepStateChanged):
        message.step_state_changed.CopyFrom(
            job_event_pb2.StepStateChanged(
                step_id=str(fact.step_id),
                name=fact.name,
                previous=step_pb2.StepState.Value(f"STEP_STATE_{fact.previous}"),
                state=step_pb2.StepState.Value(f"STEP_STATE_{fact.state}"),
                attempt=fact.attempt,
                error=failure(fact.error),
            )
        )
    else:
        message.target_finished.CopyFrom(
            job_event_pb2.TargetFinished(
                key=fact.key,
                state=job_pb2.TargetState.Value(f"TARGET_STATE_{fact.state}"),
                error=failure(fact.error),
            )
        )
    return message


def _job_state(state: JobState | None) -> job_pb2.JobState.ValueType:
    if state is None:
        return job_pb2.JOB_STATE_UNSPECIFIED
    return job_pb2.JobState.Value(f"JOB_STATE_{state}")
