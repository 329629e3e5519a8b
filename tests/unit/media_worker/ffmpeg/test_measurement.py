"""Measurement: one-second windows and the kernel's figures."""

import os
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media_worker.ffmpeg.measurement import ProcessSample, UsageMeter, parse_process, read_process


@pytest.fixture(autouse=True)
def many_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(64)))


def sample(cpu: float, rss: int = 1) -> ProcessSample:
    return ProcessSample(cpu, rss)


def test_peak_is_a_whole_second_when_the_run_is_shorter() -> None:
    meter = UsageMeter()
    meter.begin_run(10.0)
    meter.end_run(10.2, sample(0.4))
    # Twice a core for a fifth of a second is four tenths of a core for a second.
    assert meter.peak_cpu_percent == pytest.approx(40)
    assert meter.cpu_seconds == pytest.approx(0.4)


def test_peak_is_the_fullest_second_when_use_changes() -> None:
    meter = UsageMeter()
    meter.begin_run(0.0)
    for tenth in range(2, 52, 2):
        now = tenth / 10
        busy = max(0.0, min(now, 3.1) - 2.1)
        meter.sample(now, sample(1.5 * busy + 0.1 * now))
    meter.end_run(5.2, sample(1.5 + 0.52))
    assert meter.peak_cpu_percent == pytest.approx(160, abs=15)


def test_peak_is_steady_when_use_is() -> None:
    meter = UsageMeter()
    meter.begin_run(0.0)
    for fifth in range(1, 50):
        meter.sample(fifth / 5, sample(2 * fifth / 5))
    meter.end_run(10.0, sample(20.0))
    assert meter.peak_cpu_percent == pytest.approx(200)


def test_runs_add_up_when_an_attempt_has_several() -> None:
    meter = UsageMeter()
    for start in (0.0, 5.0):
        meter.begin_run(start)
        meter.sample(start + 0.2, sample(0.1, rss=70 if start else 50))
        meter.end_run(start + 0.4, sample(0.3, rss=60))
    assert meter.cpu_seconds == pytest.approx(0.6)
    assert meter.peak_rss_bytes == 70
    assert meter.peak_cpu_percent == pytest.approx(30)


def test_last_sample_counts_when_the_final_account_is_lost() -> None:
    meter = UsageMeter()
    meter.begin_run(0.0)
    meter.sample(0.5, sample(0.25, rss=9))
    meter.end_run(0.6, None)
    assert (meter.cpu_seconds, meter.peak_rss_bytes) == (0.25, 9)


def test_peak_stays_possible_when_clock_ticks_round_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1})
    meter = UsageMeter()
    meter.begin_run(0.0)
    meter.end_run(1.0, sample(2.02))
    assert meter.peak_cpu_percent == 200


@given(
    st.lists(
        st.tuples(st.floats(min_value=0.01, max_value=0.6), st.floats(min_value=0, max_value=1)),
        min_size=1,
        max_size=30,
    )
)
def test_peak_lies_between_mean_and_steepest_when_use_is_anything(
    steps: list[tuple[float, float]],
) -> None:
    meter = UsageMeter()
    meter.begin_run(0.0)
    now = cpu = steepest = 0.0
    for seconds, used in steps:
        now, cpu = now + seconds, cpu + used
        steepest = max(steepest, used / seconds)
        meter.sample(now, sample(cpu))
    meter.end_run(now, sample(cpu))
    peak = meter.peak_cpu_percent / 100
    assert peak <= steepest + 1e-6
    assert peak >= cpu / max(1.0, now) * 0.5 - 1e-6
    assert peak <= cpu + 1e-6


def test_figures_are_read_when_the_name_is_strange() -> None:
    status = b"Name:\ta) b\nVmPeak:\t  900 kB\nVmHWM:\t  300 kB\nVmRSS:\t  200 kB\n"
    stat = b"7 (a) b) S 1 2 3 4 5 6 7 8 9 10 150 50 0 0 20 0 1 0 100 0 0"
    assert parse_process(status, stat, 100) == ProcessSample(2.0, 300 * 1024)


def test_zombie_has_no_figures_when_read() -> None:
    stat = b"7 (x) Z 1 2 3 4 5 6 7 8 9 10 150 50 0 0 20 0 1 0 100 0 0"
    assert parse_process(b"Name:\tx\nState:\tZ (zombie)\n", stat, 100) is None


def test_process_is_none_when_it_has_ended() -> None:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    assert read_process(process.pid) is None


def test_own_figures_are_plausible_when_read() -> None:
    own = read_process(os.getpid())
    assert own is not None
    assert own.peak_rss_bytes > 5_000_000
    assert own.cpu_seconds > 0
