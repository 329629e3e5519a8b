"""The watch's state machine, against a server that breaks wherever Hypothesis likes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from babelmill.client.errors import (
    BabelmillError,
    DeadlineExceeded,
    Internal,
    InvalidArgument,
    NotFound,
    ResourceExhausted,
    StreamGap,
    Unavailable,
)
from babelmill.client.resumption import ResumePolicy
from babelmill.client.updates import Event, ProgressTick, Snapshot, Update
from babelmill.client.watch_cursor import WatchCursor
from babelmill.jobs.v1 import job_event_pb2, job_pb2, job_service_pb2, progress_pb2
from babelmill.kit.wire.status_details import ErrorDetails

JOB_ID = "0199aa00-0000-7000-8000-000000000001"
FINAL = job_pb2.JOB_STATE_COMPLETED


def a_cursor(after_sequence: int | None = None, policy: ResumePolicy | None = None) -> WatchCursor:
    return WatchCursor(JOB_ID, after_sequence, policy, clock=lambda: 0.0, draw=lambda: 0.5)


def has_finished(cursor: WatchCursor) -> bool:
    """Ask anew: the type checker takes an attribute that it has seen for constant."""
    return cursor.finished


def an_event(sequence: int, last: int) -> job_service_pb2.WatchJobResponse:
    state = FINAL if sequence == last else job_pb2.JOB_STATE_IN_PROGRESS
    return job_service_pb2.WatchJobResponse(
        sequence=sequence,
        event=job_event_pb2.JobEvent(
            job_id=JOB_ID,
            sequence=sequence,
            job_state_changed=job_event_pb2.JobStateChanged(state=state),
        ),
    )


def a_snapshot(sequence: int, last: int) -> job_service_pb2.WatchJobResponse:
    state = FINAL if sequence == last else job_pb2.JOB_STATE_IN_PROGRESS
    return job_service_pb2.WatchJobResponse(
        sequence=sequence, snapshot=job_pb2.Job(job_id=JOB_ID, state=state, sequence=sequence)
    )


def a_tick(sequence: int, percent: float) -> job_service_pb2.WatchJobResponse:
    return job_service_pb2.WatchJobResponse(
        sequence=sequence, progress=progress_pb2.Progress(percent=percent)
    )


def a_keep_alive(sequence: int) -> job_service_pb2.WatchJobResponse:
    return job_service_pb2.WatchJobResponse(
        sequence=sequence, keep_alive=job_service_pb2.KeepAlive()
    )


def slow_watcher() -> BabelmillError:
    details = ErrorDetails(ResourceExhausted.code, "too slow", reason="SLOW_WATCHER")
    return ResourceExhausted(details=details)


BREAKS: tuple[BabelmillError, ...] = (
    Unavailable(),
    DeadlineExceeded(),
    Internal(),
    slow_watcher(),
)


@given(
    last=st.integers(min_value=1, max_value=12),
    start=st.none() | st.integers(min_value=0, max_value=12),
    data=st.data(),
)
def test_every_event_comes_once_when_the_stream_breaks_anywhere(
    last: int, start: int | None, data: st.DataObject
) -> None:
    after = None if start is None else min(start, last)
    cursor = a_cursor(after)
    seen: list[Update] = []
    while not has_finished(cursor):
        request = cursor.request()
        for response in replay(request, last, data):
            update = cursor.accept(response)
            if update is not None:
                seen.append(update)
            if data.draw(st.integers(0, 3)) == 0:  # the stream breaks here
                break
        if has_finished(cursor):
            break
        if data.draw(st.booleans()):
            cursor.broken(data.draw(st.sampled_from(BREAKS)))
        else:  # an early OK: right only when all has been seen
            cursor.ended(job_pb2.Job(state=FINAL, sequence=last))
            if has_finished(cursor):
                assert (cursor.sequence or 0) == last

    snapshots = [u for u in seen if isinstance(u, Snapshot)]
    sequences = [u.sequence for u in seen if isinstance(u, Event)]
    assert len(snapshots) == (1 if after is None else 0)
    first = snapshots[0].sequence if snapshots else after or 0
    assert sequences == list(range(first + 1, last + 1))
    assert cursor.sequence == last
    percents = [u.progress.percent for u in seen if isinstance(u, ProgressTick)]
    assert percents == sorted(percents)


def replay(
    request: job_service_pb2.WatchJobRequest, last: int, data: st.DataObject
) -> list[job_service_pb2.WatchJobResponse]:
    """What a right server may send: it may repeat after a hand-over, and tick at will."""
    responses = []
    if request.HasField("after_sequence"):
        position = request.after_sequence
        position -= data.draw(st.integers(0, min(2, position)))
    else:
        position = data.draw(st.integers(0, last))
        responses.append(a_snapshot(position, last))
    for sequence in range(position + 1, last + 1):
        known = max(sequence - 1, 0)
        responses += data.draw(
            st.lists(
                st.sampled_from([a_tick(known, 10.0), a_tick(known, 60.0), a_keep_alive(known)]),
                max_size=2,
            )
        )
        responses.append(an_event(sequence, last))
    return responses


def test_a_gap_is_raised_when_an_event_is_left_out() -> None:
    cursor = a_cursor(after_sequence=2)
    cursor.accept(an_event(3, 9))
    with pytest.raises(StreamGap, match="at event 3, but 5"):
        cursor.accept(an_event(5, 9))


def test_a_gap_is_raised_when_a_tick_knows_of_more_events() -> None:
    cursor = a_cursor(after_sequence=2)
    with pytest.raises(StreamGap):
        cursor.accept(a_tick(4, 10.0))


def test_a_gap_is_raised_when_a_resumed_watch_skips_by_snapshot() -> None:
    cursor = a_cursor()
    cursor.accept(a_snapshot(2, 9))
    with pytest.raises(StreamGap):
        cursor.accept(a_snapshot(5, 9))


def test_a_second_snapshot_is_hidden_when_it_skips_nothing() -> None:
    cursor = a_cursor()
    assert cursor.accept(a_snapshot(2, 9)) is not None
    assert cursor.accept(a_snapshot(2, 9)) is None


def test_keep_alives_are_hidden_when_they_come() -> None:
    cursor = a_cursor(after_sequence=1)
    assert cursor.accept(a_keep_alive(1)) is None


def test_progress_never_goes_back_when_an_old_tick_comes_late() -> None:
    cursor = a_cursor(after_sequence=1)
    assert cursor.accept(a_tick(1, 50.0)) is not None
    assert cursor.accept(a_tick(1, 40.0)) is None
    assert cursor.accept(a_tick(1, 50.0)) is not None


def test_the_watch_ends_when_the_snapshot_is_final() -> None:
    cursor = a_cursor()
    assert isinstance(cursor.accept(a_snapshot(4, 4)), Snapshot)
    assert cursor.finished


def test_the_watch_ends_when_it_began_after_the_final_event() -> None:
    cursor = a_cursor(after_sequence=4)
    assert cursor.ended(job_pb2.Job(state=FINAL, sequence=4)) == 0.0
    assert cursor.finished


def test_the_watch_resumes_when_the_stream_ends_before_the_job() -> None:
    cursor = a_cursor(after_sequence=4)
    assert cursor.ended(job_pb2.Job(state=job_pb2.JOB_STATE_IN_PROGRESS, sequence=4)) > 0
    assert cursor.ended(job_pb2.Job(state=FINAL, sequence=5)) > 0
    assert not cursor.finished
    assert cursor.request().after_sequence == 4


def test_the_error_is_raised_when_resuming_is_no_use() -> None:
    cursor = a_cursor()
    error = NotFound()
    with pytest.raises(NotFound) as raised:
        cursor.broken(error)
    assert raised.value is error


def test_a_limit_is_raised_when_it_is_not_about_the_watch() -> None:
    with pytest.raises(ResourceExhausted):
        a_cursor().broken(ResourceExhausted())


def test_a_fresh_watch_asks_for_a_snapshot_when_nothing_came_yet() -> None:
    cursor = a_cursor()
    cursor.broken(Unavailable())
    assert not cursor.request().HasField("after_sequence")
    assert a_cursor(after_sequence=0).request().HasField("after_sequence")


def test_a_negative_sequence_is_refused_when_a_watch_is_made() -> None:
    with pytest.raises(InvalidArgument):
        a_cursor(after_sequence=-1)
