"""Questions about a Job message that clients ask again and again.

Jobs are the contract's own messages, `babelmill.jobs.v1.job_pb2.Job`: there is
no second model of them here. Pure functions only.
"""

from babelmill.client.errors import (
    NoSuchTarget,
    ResultExpired,
    TargetFailed,
    TargetNotFinished,
)
from babelmill.jobs.v1 import artifact_pb2, failure_pb2, job_event_pb2, job_pb2

FINAL_STATES = frozenset(
    {
        job_pb2.JOB_STATE_COMPLETED,
        job_pb2.JOB_STATE_PARTIALLY_COMPLETED,
        job_pb2.JOB_STATE_FAILED,
        job_pb2.JOB_STATE_DEAD_LETTERED,
        job_pb2.JOB_STATE_CANCELLED,
        job_pb2.JOB_STATE_EXPIRED,
    }
)


def is_final(job: job_pb2.Job) -> bool:
    """Tell whether the job has ended, well or not."""
    return job.state in FINAL_STATES


def has_succeeded(job: job_pb2.Job) -> bool:
    """Tell whether every target of the job succeeded."""
    return job.state == job_pb2.JOB_STATE_COMPLETED


def ends_job(event: job_event_pb2.JobEvent) -> bool:
    """Tell whether this is a job's last event."""
    return (
        event.WhichOneof("fact") == "job_state_changed"
        and event.job_state_changed.state in FINAL_STATES
    )


def state_name(state: job_pb2.JobState.ValueType) -> str:
    """Return a state's word without its prefix, such as "COMPLETED"."""
    try:
        return job_pb2.JobState.Name(state).removeprefix("JOB_STATE_")
    except ValueError:  # a newer service may know more states
        return f"STATE_{state}"


def target_of(job: job_pb2.Job, key: str) -> job_pb2.Target:
    """Return the target with this key, a language tag or a preset. Raises NoSuchTarget."""
    for target in job.targets:
        if target.key.casefold() == key.casefold():
            return target
    keys = ", ".join(target.key for target in job.targets) or "none"
    raise NoSuchTarget(f"the job has no target {key!r}; it has: {keys}")


def completed_target(job: job_pb2.Job, key: str) -> job_pb2.Target:
    """Return a target that has completed.

    Raises NoSuchTarget, TargetFailed (also when cancelled), TargetNotFinished.
    """
    target = target_of(job, key)
    if target.state == job_pb2.TARGET_STATE_COMPLETED:
        return target
    if target.state == job_pb2.TARGET_STATE_FAILED:
        raise TargetFailed(target.error)
    if target.state == job_pb2.TARGET_STATE_CANCELLED:
        raise TargetFailed(
            failure_pb2.Failure(reason="CANCELLED", message="the target was cancelled")
        )
    raise TargetNotFinished


def locate_text(job: job_pb2.Job, language: str) -> str | artifact_pb2.Artifact:
    """Return a translation, or the artifact that holds it when it is long.

    Raises what `completed_target` raises, and ResultExpired.
    """
    target = completed_target(job, language)
    if target.HasField("text"):
        return target.text
    if not target.outputs:
        if job.steps:  # A job of a list comes without them, and without outputs.
            raise ResultExpired
        raise TargetNotFinished("the target has no output in this message; get the job again")
    return target.outputs[0]


def parts_of(job: job_pb2.Job, target: str = "") -> list[artifact_pb2.Artifact]:
    """List what the job's steps have made for later steps, in the order of the steps.

    A translated chunk is there as soon as its step has completed, while others
    still run. With `target` only the parts for that target, by its key.
    """
    return [
        part
        for step in job.steps
        for part in step.parts
        if not target or step.target_key.casefold() == target.casefold()
    ]
