"""Running real ffmpeg processes: stopped, killed, measured, and never left behind."""

import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from babelmill.kit.wire.failure_reasons import FailureReason
from babelmill.kit.worker.handler import CancellationToken, StepFailure, StepStopped, StopReason
from media_worker.ffmpeg.isolation_trial import find_isolation
from media_worker.ffmpeg.measurement import UsageMeter
from media_worker.ffmpeg.runner import (
    EndedBy,
    FfmpegRunner,
    ProcessLimits,
    RunnerBroken,
    RunResult,
)
from tests.deadlines import eventually
from tests.unit.media_worker.media_clips import (
    FFMPEG,
    GIB,
    QUICK_VIDEO,
    Bench,
    make_clip,
    picture,
    sound,
)

LIMITS = ProcessLimits(8 * GIB, GIB, 600)
# A heavy encode without end, as slow to stop politely as they come.
ENDLESS = [
    *("-nostdin", "-y", "-v", "error", "-progress", "pipe:3", "-stats_period", "0.1"),
    *("-f", "lavfi", "-i", "testsrc2=size=640x360:rate=30", "-c:v", "libx264"),
    *("-preset", "slow", "-threads", "1", "-f", "matroska", "out.mkv"),
]


def run(
    arguments: list[str],
    directory: Path,
    *,
    stop: CancellationToken | None = None,
    meter: UsageMeter | None = None,
    seconds: float = 60,
    limits: ProcessLimits = LIMITS,
    program: Path = FFMPEG,
    **callbacks: object,
) -> RunResult:
    return FfmpegRunner(program, limits, find_isolation(FFMPEG)).run(
        arguments,
        directory=directory,
        stop=stop or CancellationToken(),
        deadline_seconds=time.monotonic() + seconds,
        meter=meter or UsageMeter(),
        **callbacks,  # type: ignore[arg-type]  # the runner's own callbacks
    )


def own_ffmpegs() -> list[psutil.Process]:
    below = psutil.Process().children(recursive=True)
    return [process for process in below if process.name().startswith("ffmpeg")]


def starters(processes: list[psutil.Process]) -> list[psutil.Process]:
    """Those of some processes that start launchers; others' own are left alone."""
    found = []
    for each in processes:
        # One that has ended may not have been waited for yet.
        with suppress(psutil.NoSuchProcess):
            if any("media_worker.ffmpeg.starter" in word for word in each.cmdline()):
                found.append(each)
    return found


def test_group_is_gone_in_half_a_second_when_cancelled(tmp_path: Path) -> None:
    long = make_clip(
        tmp_path / "long.mkv", *picture(60, "640x360"), *sound(60), *QUICK_VIDEO, "-c:a", "flac"
    )
    bench = Bench(tmp_path / "bench")
    stopped_at: list[float] = []

    def cancel_in_the_middle() -> None:
        eventually(lambda: any(r[1] > 0 for r in bench.progress.reports), timeout_seconds=30)
        eventually(lambda: list(bench.scratch.glob("output.*")))
        stopped_at.append(time.monotonic())
        bench.cancellation.request(StopReason.CANCELLED)

    canceller = threading.Thread(target=cancel_in_the_middle)
    canceller.start()
    with pytest.raises(StepStopped) as stop:
        bench.transcode(long, "mp4-h264")
    took_seconds = time.monotonic() - stopped_at[0]
    canceller.join()

    assert stop.value.reason is StopReason.CANCELLED
    assert own_ffmpegs() == []
    assert list(bench.scratch.iterdir()) == []
    assert list(bench.store.keys("staged")) == []
    # The promise is 0.5 s; the rest is for a machine that others use too.
    assert took_seconds < 1.5


def test_nothing_starts_when_the_stop_came_before(tmp_path: Path) -> None:
    token = CancellationToken()
    token.request(StopReason.SHUTDOWN)
    result = run(ENDLESS, tmp_path, stop=token)
    assert result.ended_by is EndedBy.STOP
    assert own_ffmpegs() == []


def test_run_ends_at_its_deadline_when_it_would_go_on(tmp_path: Path) -> None:
    result = run(ENDLESS, tmp_path, seconds=0.5)
    assert result.ended_by is EndedBy.DEADLINE
    assert result.signal_number == signal.SIGKILL
    assert own_ffmpegs() == []


def test_attempt_times_out_when_work_takes_too_long(tmp_path: Path) -> None:
    long = make_clip(tmp_path / "long.mkv", *picture(60, "640x360"), *QUICK_VIDEO)
    bench = Bench(tmp_path / "bench")
    with pytest.raises(StepFailure) as failure:
        bench.transcode(long, "mp4-h264", max_processing_seconds=1.0)
    assert failure.value.reason is FailureReason.STEP_TIMEOUT
    assert failure.value.retryable
    assert list(bench.scratch.iterdir()) == []


def test_ffmpeg_is_killed_when_a_callback_raises(tmp_path: Path) -> None:
    def refuse(_: bytes) -> None:
        raise ValueError("enough")

    with pytest.raises(ValueError, match="enough"):
        run(ENDLESS, tmp_path, on_progress=refuse)
    eventually(lambda: not own_ffmpegs(), timeout_seconds=2)


WORKER = """
import sys, time
from pathlib import Path
from babelmill.kit.worker.handler import CancellationToken
from media_worker.ffmpeg.isolation_trial import find_isolation
from media_worker.ffmpeg.measurement import UsageMeter
from media_worker.ffmpeg.runner import FfmpegRunner, ProcessLimits
FfmpegRunner(Path(sys.argv[1]), ProcessLimits(8 << 30, 1 << 30, 600)).run(
    sys.argv[3:], directory=Path(sys.argv[2]), stop=CancellationToken(),
    deadline_seconds=time.monotonic() + 120, meter=UsageMeter())
"""


@pytest.mark.parametrize("victim", ["worker", "starter", "launcher"])
@pytest.mark.parametrize("frozen", [False, True])
def test_no_ffmpeg_is_left_when_what_watches_it_is_killed(
    tmp_path: Path, victim: str, frozen: bool
) -> None:
    worker = subprocess.Popen(
        [sys.executable, "-c", WORKER, str(FFMPEG), str(tmp_path), *ENDLESS],
        stderr=subprocess.DEVNULL,
    )
    try:
        watched = psutil.Process(worker.pid)

        def started() -> list[psutil.Process]:
            below = watched.children(recursive=True)
            return below if any(p.name().startswith("ffmpeg") for p in below) else []

        processes = eventually(started)
        starter = next(p for p in processes if p.ppid() == worker.pid)
        launcher = next(p for p in processes if p.ppid() == starter.pid)
        if frozen:
            for each in (launcher, starter):
                each.suspend()
        {"worker": watched, "starter": starter, "launcher": launcher}[victim].kill()
        _, alive = psutil.wait_procs(processes, timeout=2)
        assert [p for p in alive if p.is_running() and p.status() != psutil.STATUS_ZOMBIE] == []
    finally:
        worker.kill()
        worker.wait()


def test_run_is_broken_and_the_next_one_good_when_the_starter_is_killed(tmp_path: Path) -> None:
    def kill_the_starter(_: bytes) -> None:
        for each in starters(psutil.Process().children()):
            each.kill()

    with pytest.raises(RunnerBroken):
        run(ENDLESS, tmp_path, on_progress=kill_the_starter)
    assert own_ffmpegs() == []
    assert run([*ENDLESS[:-1], "-t", "0.1", "out.mkv"], tmp_path).succeeded


def test_run_ends_at_its_deadline_when_the_launcher_is_frozen(tmp_path: Path) -> None:
    def freeze(_: bytes) -> None:
        (ffmpeg,) = own_ffmpegs()
        # The launcher is a copy of it, and looks like one.
        for each in starters(ffmpeg.parents()):
            each.suspend()

    result = run(ENDLESS, tmp_path, seconds=2, on_progress=freeze)
    assert result.ended_by is EndedBy.DEADLINE
    assert own_ffmpegs() == []


def test_each_thread_has_its_own_starter_and_none_is_left_when_it_ends(tmp_path: Path) -> None:
    before = len(starters(psutil.Process().children()))
    results = []

    def run_once() -> None:
        results.append(run([*ENDLESS[:-1], "-t", "0.1", "out.mkv"], tmp_path))

    for _ in range(2):
        thread = threading.Thread(target=run_once)
        thread.start()
        thread.join()
    assert [each.succeeded for each in results] == [True, True]
    eventually(lambda: len(starters(psutil.Process().children())) == before, timeout_seconds=10)


def test_output_without_end_does_not_block_when_read(tmp_path: Path) -> None:
    received = 0

    def count(chunk: bytes) -> None:
        nonlocal received
        received += len(chunk)

    noise = [
        *("-nostdin", "-v", "debug", "-progress", "pipe:3", "-stats_period", "0.01"),
        *("-f", "lavfi", "-i", "testsrc2=size=64x64:rate=25:d=400", "-f", "framecrc", "pipe:1"),
    ]
    result = run(noise, tmp_path, on_stdout=count)
    assert result.succeeded
    assert received > 500_000
    assert 0 < len(result.stderr) < 200_000


@pytest.mark.alone
def test_peak_memory_is_the_kernels_when_the_parent_is_larger(tmp_path: Path) -> None:
    ballast = bytearray(os.urandom(1) * (300 << 20))
    meter = UsageMeter()
    encode = [*ENDLESS[:-1], "-t", "2", "out.mkv"]
    started = time.monotonic()
    result = run(encode, tmp_path, meter=meter)
    wall_seconds = time.monotonic() - started
    assert result.succeeded
    # A second witness: the kernel's own account to a shell's child, started by a small process.
    script = (
        "import os,sys;p=os.posix_spawn(sys.argv[1],sys.argv[1:],os.environ);"
        "print(os.wait4(p,0)[2].ru_maxrss)"
    )
    direct = [word if word != "pipe:3" else os.devnull for word in encode]
    said = subprocess.run(
        [sys.executable, "-I", "-S", "-c", script, str(FFMPEG), *direct],
        cwd=tmp_path,
        capture_output=True,
        check=True,
        timeout=60,
    )
    assert meter.peak_rss_bytes == pytest.approx(int(said.stdout) * 1024, rel=0.1)
    assert meter.peak_rss_bytes < len(ballast)
    # The fullest second is no emptier than the mean one, however busy the machine is.
    assert meter.peak_cpu_percent > 90 * meter.cpu_seconds / max(1.0, wall_seconds)
    assert 50 < meter.peak_cpu_percent <= 100 * len(os.sched_getaffinity(0))
    assert meter.cpu_seconds > 0.3


def test_environment_is_not_inherited_when_it_holds_secrets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BABELMILL_WORKER_TOKEN", "hidden")
    received = bytearray()
    result = run([], tmp_path, program=Path("/usr/bin/env"), on_stdout=received.extend)
    assert result.succeeded
    assert b"LC_ALL=C" in received
    assert b"hidden" not in received


def test_limits_hold_when_the_program_runs(tmp_path: Path) -> None:
    received = bytearray()
    script = "ulimit -v; ulimit -f; ulimit -c; ulimit -n; ulimit -t"
    limits = ProcessLimits(4 * GIB, 1 << 20, 77, open_files=99)
    run(
        ["-c", script],
        tmp_path,
        program=Path("/bin/bash"),
        limits=limits,
        on_stdout=received.extend,
    )
    assert received.split() == [str(4 << 20).encode(), b"1024", b"0", b"99", b"77"]


@pytest.mark.parametrize("program", ["/nowhere/ffmpeg", "/etc/hostname"])
def test_run_is_broken_when_the_program_cannot_be_executed(tmp_path: Path, program: str) -> None:
    with pytest.raises(RunnerBroken):
        run(["-version"], tmp_path, program=Path(program))


def test_attempt_can_be_repeated_when_the_encoder_is_missing(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "clip.wav", *sound(0.2))
    bench = Bench(tmp_path / "bench", program=Path("/nowhere/ffmpeg"))
    with pytest.raises(StepFailure) as failure:
        bench.transcode(clip, "mp3")
    assert failure.value.reason is FailureReason.ENGINE_UNAVAILABLE
    assert failure.value.retryable
