"""From which length on segments pay, by what was measured."""

import pytest

from babelmill.jobs.v1 import job_pb2
from bench.segments import CONTESTANTS, SEGMENTS, WHOLE, Plan, Samples, break_even

PLAN = Plan(lengths_seconds=(10, 20, 40), size="320x180", rounds=1)


def a_job(seconds: int, size: int = 1000) -> job_pb2.Job:
    job = job_pb2.Job(state=job_pb2.JOB_STATE_COMPLETED)
    job.create_time.FromSeconds(1000)
    job.finish_time.FromSeconds(1000 + seconds)
    job.usage.cpu_seconds = 2.0
    job.targets.add().outputs.add().digest.size_bytes = size
    return job


def measured(in_segments: dict[int, int]) -> Samples:
    """One piece takes as long as the video; segments as given."""
    samples = Samples()
    for length, seconds in in_segments.items():
        samples.add(1, length, WHOLE, a_job(length))
        samples.add(1, length, SEGMENTS, a_job(seconds, 1010))
    return samples


@pytest.mark.parametrize(
    ("in_segments", "even"),
    [
        ({10: 8, 20: 12, 40: 20}, 10),
        ({10: 12, 20: 15, 40: 22}, 20),
        # Faster once by chance, and not for longer ones.
        ({10: 5, 20: 20, 40: 30}, 40),
        ({10: 12, 20: 20, 40: 39}, None),
    ],
)
def test_break_even_is_the_shortest_length_from_which_all_gain(
    in_segments: dict[int, int], even: int | None
) -> None:
    assert break_even(PLAN, 1, measured(in_segments)) == even


def test_figures_are_ratios_to_one_piece_when_measured() -> None:
    samples = measured({10: 8, 20: 10, 40: 20})
    assert samples.gain(1, 40).median == 2.0
    assert samples.cost(1, 40).median == 1.0
    assert samples.growth(1, 40).median == pytest.approx(1.01)


def test_failure_is_kept_and_not_measured_when_a_job_fails() -> None:
    samples = Samples()
    job = job_pb2.Job(state=job_pb2.JOB_STATE_FAILED)
    job.error.reason = "DAMAGED"
    samples.add(1, 10, CONTESTANTS[0], job)
    assert samples.failures == ["one piece, 10 s: DAMAGED"]
    assert samples.seconds == {}
