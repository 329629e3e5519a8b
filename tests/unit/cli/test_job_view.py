"""The picture of a watched job, and the lines that tell it."""

from google.protobuf.timestamp_pb2 import Timestamp

from babelmill.cli.job_view import (
    JobView,
    amount,
    describe_event,
    describe_progress,
    seconds_left,
    sum_of_steps,
)
from babelmill.client import Event, ProgressTick, Snapshot
from babelmill.jobs.v1 import failure_pb2, job_event_pb2, job_pb2, progress_pb2, step_pb2

CHARACTERS = progress_pb2.PROGRESS_UNIT_CHARACTERS


def a_step(target: str, done: float, total: float) -> step_pb2.Step:
    progress = progress_pb2.Progress(unit=CHARACTERS, done=done, total=total, stage="translate")
    return step_pb2.Step(target_key=target, progress=progress)


def a_job() -> job_pb2.Job:
    return job_pb2.Job(
        state=job_pb2.JOB_STATE_IN_PROGRESS,
        targets=[
            job_pb2.Target(key="pt", state=job_pb2.TARGET_STATE_ACTIVE),
            job_pb2.Target(key="es", state=job_pb2.TARGET_STATE_ACTIVE),
        ],
        steps=[a_step("pt", 10, 40), a_step("pt", 10, 40), a_step("es", 1, 80)],
    )


def test_a_target_is_the_sum_of_its_steps_when_a_snapshot_comes() -> None:
    view = JobView()
    view.apply(Snapshot(3, a_job()))
    assert view.targets["pt"].progress.percent == 25
    assert amount(view.targets["es"].progress) == "1/80 characters"


def test_a_target_has_ended_when_its_event_comes() -> None:
    view = JobView()
    view.apply(Snapshot(3, a_job()))
    finished = job_event_pb2.TargetFinished(key="pt", state=job_pb2.TARGET_STATE_COMPLETED)
    view.apply(Event(4, job_event_pb2.JobEvent(target_finished=finished)))
    changed = job_event_pb2.JobStateChanged(state=job_pb2.JOB_STATE_COMPLETED)
    view.apply(Event(5, job_event_pb2.JobEvent(job_state_changed=changed)))
    assert view.targets["pt"].state == job_pb2.TARGET_STATE_COMPLETED
    assert view.targets["es"].state == job_pb2.TARGET_STATE_ACTIVE
    assert view.state == job_pb2.JOB_STATE_COMPLETED


def test_a_tick_is_the_targets_own_when_there_is_only_one() -> None:
    view = JobView()
    view.apply(Snapshot(1, job_pb2.Job(targets=[job_pb2.Target(key="mp3")])))
    view.apply(ProgressTick(1, progress_pb2.Progress(percent=12.5)))
    assert view.targets["mp3"].progress.percent == 12.5
    assert view.progress.percent == 12.5


def test_the_bar_is_full_when_the_job_completed_after_its_last_tick() -> None:
    view = JobView()
    view.apply(Snapshot(1, job_pb2.Job(targets=[job_pb2.Target(key="pt")])))
    view.apply(ProgressTick(1, progress_pb2.Progress(unit=CHARACTERS, done=3, total=9, percent=33)))
    changed = job_event_pb2.JobStateChanged(state=job_pb2.JOB_STATE_COMPLETED)
    view.apply(Event(2, job_event_pb2.JobEvent(job_state_changed=changed)))
    assert (view.progress.percent, amount(view.progress)) == (100, "9/9 characters")


def test_other_units_are_left_out_when_steps_are_added() -> None:
    pages = step_pb2.Step(
        progress=progress_pb2.Progress(unit=progress_pb2.PROGRESS_UNIT_PAGES, done=3, total=3)
    )
    assert sum_of_steps([a_step("pt", 1, 4), pages]).percent == 25
    assert sum_of_steps([]).percent == 0


def test_the_time_left_is_by_the_services_clock_when_there_is_an_eta() -> None:
    progress = progress_pb2.Progress(
        unit=progress_pb2.PROGRESS_UNIT_MEDIA_SECONDS,
        done=5,
        total=20.25,
        percent=25,
        stage="encode",
        update_time=Timestamp(seconds=1000),
        eta=Timestamp(seconds=1030),
    )
    assert seconds_left(progress) == 30
    assert describe_progress(progress) == ("25.0 %  5.0/20.2 s of media  encode  about 30 s left")
    progress.ClearField("eta")
    assert seconds_left(progress) is None


def test_nothing_is_made_up_when_little_is_known() -> None:
    assert describe_progress(progress_pb2.Progress()) == "0.0 %"
    assert amount(progress_pb2.Progress(unit=CHARACTERS, done=5)) == ""


def test_an_event_is_one_line_when_told() -> None:
    error = failure_pb2.Failure(reason="ENGINE_FAILED", message="it broke")
    step = job_event_pb2.StepStateChanged(
        name="translate[pt]", state=step_pb2.STEP_STATE_RETRY_WAIT, attempt=2, error=error
    )
    assert describe_event(job_event_pb2.JobEvent(step_state_changed=step)) == (
        "step translate[pt] RETRY_WAIT, attempt 2 (ENGINE_FAILED: it broke)"
    )
    assert "does not know" in describe_event(job_event_pb2.JobEvent())


def test_a_newer_state_is_a_number_when_it_has_no_name_here() -> None:
    event = job_event_pb2.JobEvent.FromString(
        # job_state_changed { state: 99 }
        bytes([0x22, 0x02, 0x10, 99])
    )
    assert describe_event(event) == "job STATE_99"
