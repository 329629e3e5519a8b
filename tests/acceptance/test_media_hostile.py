"""Hostile media through every process, and the slots that dedicated workers keep free."""

import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from babelmill.client import Client, requests
from babelmill.client.errors import InvalidArgument
from babelmill.jobs.v1 import job_pb2
from babelmill.media.v1 import segments_pb2
from babelmill.stack.environment import read_environment
from tests.acceptance.conftest import Stack, make_clip, run_stack, stack_environment
from tests.acceptance.hostile_media import (
    NAMES,
    SUBTITLES,
    Hostile,
    Victims,
    hostile_files,
    run_ffmpeg,
)
from tests.deadlines import eventually

JOB_SECONDS = 120.0
URGENT_SLOTS, LOW_SLOTS = 4, 2
# One step a job, whatever its length.
WHOLE = segments_pb2.Segments(mode=segments_pb2.SEGMENTS_MODE_OFF)


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A stack with dedicated media workers and narrow limits."""
    home = tmp_path_factory.mktemp("stack")
    environment = stack_environment(
        home,
        BABELMILL_MEDIA_WORKERS=f"urgent+normal:{URGENT_SLOTS},low:{LOW_SLOTS}",
        BABELMILL_MEDIA_MAX_DURATION_SECONDS="3600",
        BABELMILL_MEDIA_MAX_OUTPUT_BYTES="20000000",
        BABELMILL_SCRATCH=str(home / "scratch"),
        # A worker that was killed is missed sooner.
        BABELMILL_LEASE_TTL_SECONDS="5",
    )
    try:
        started = run_stack("up", environment)
        assert started.returncode == 0, started.stdout + started.stderr
        yield Stack(home, read_environment(home))
    finally:
        stopped = run_stack("down", environment)
    assert stopped.returncode == 0, stopped.stdout + stopped.stderr


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("media") / "film.mkv"
    make_clip(path, seconds=3, size="320x240")
    return path


@dataclass(frozen=True)
class Trap:
    """A port of this machine that nobody may visit, and who did."""

    port: int
    visitors: list[str]


@pytest.fixture(scope="module")
def trap() -> Iterator[Trap]:
    visitors: list[str] = []
    closing = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.1)

        def listen() -> None:
            while not closing.is_set():
                try:
                    connection, address = server.accept()
                except TimeoutError:
                    continue
                visitors.append(str(address))
                connection.close()

        thread = threading.Thread(target=listen)
        thread.start()
        yield Trap(server.getsockname()[1], visitors)
        closing.set()
        thread.join()


@pytest.fixture(scope="module")
def cases(
    stack: Stack, film: Path, trap: Trap, tmp_path_factory: pytest.TempPathFactory
) -> Mapping[str, Hostile]:
    folder = tmp_path_factory.mktemp("victims")
    secret = folder / "secret.ts"
    run_ffmpeg("-i", film, "-c:v", "copy", "-c:a", "aac", secret)
    stranger = stack.new_token("stranger", folder / "token")
    with Client(stack.grpc, stranger) as client:
        client.upload(secret)
    stored = next(
        path
        for path in (stack.home / "artifacts").rglob("*")
        if path.is_file() and path.stat().st_size == secret.stat().st_size
    )
    return {each.name: each for each in hostile_files(Victims(stored, trap.port, film))}


@pytest.fixture(scope="module")
def ended(
    stack: Stack, cases: Mapping[str, Hostile], tmp_path_factory: pytest.TempPathFactory
) -> Mapping[str, job_pb2.Job]:
    """Every case's job, all of them submitted at once."""
    folder = tmp_path_factory.mktemp("hostile")
    with Client(stack.grpc, stack.token) as client:
        jobs = {}
        for number, (name, case) in enumerate(cases.items()):
            path = folder / str(number)
            case.write(path)
            source = client.upload(path, filename=case.filename)
            path.unlink()
            if case.preset == SUBTITLES:
                jobs[name] = client.convert_subtitles(source, "vtt")
            else:
                jobs[name] = client.transcode(source, preset=case.preset)
        return {
            name: client.wait(job.job_id, timeout_seconds=JOB_SECONDS) for name, job in jobs.items()
        }


def media_workers(stack: Stack) -> list[psutil.Process]:
    return [psutil.Process(stack.pid(f"media_worker_{name}")) for name in ("urgent_normal", "low")]


def ffmpegs(worker: psutil.Process) -> list[psutil.Process]:
    found = []
    for process in worker.children(recursive=True):
        with suppress(psutil.NoSuchProcess):
            if process.name().startswith("ffmpeg"):
                found.append(process)
    return found


def encoding(worker: psutil.Process) -> list[list[str]]:
    """The commands of those that encode; others look at an input first."""
    commands = []
    for process in ffmpegs(worker):
        with suppress(psutil.NoSuchProcess):
            commands.append(process.cmdline())
    return [command for command in commands if "-progress" in command]


@pytest.mark.matrix(39, 47, 48, 49)
def test_every_hostile_file_has_its_typed_reason_when_transcoded(
    cases: Mapping[str, Hostile], ended: Mapping[str, job_pb2.Job]
) -> None:
    wrong = {}
    for name, case in cases.items():
        job = ended[name]
        if case.expected:
            found = (job.error.reason, job.error.metadata.get("verdict", ""))
            good = job.state == job_pb2.JOB_STATE_FAILED and found in case.expected
            good = good and not job.error.retryable and job.attempts == 1
        else:
            good = job.state == job_pb2.JOB_STATE_COMPLETED
        if not good:
            wrong[name] = (job_pb2.JobState.Name(job.state), job.error, job.attempts)
    assert wrong == {}


@pytest.mark.matrix(47)
def test_nothing_else_is_reached_when_a_file_names_it(
    stack: Stack, ended: Mapping[str, job_pb2.Job], trap: Trap
) -> None:
    assert ended
    assert trap.visitors == []
    for job in ended.values():
        said = f"{job.error.message} {dict(job.error.metadata)}"
        assert str(stack.home) not in said
        assert "passwd" not in said


@pytest.mark.matrix(48)
def test_names_stay_labels_when_they_look_like_arguments(
    stack: Stack, ended: Mapping[str, job_pb2.Job]
) -> None:
    for name in NAMES:
        (output,) = ended[f"named {name}"].targets[0].outputs
        assert output.filename.endswith(".mp3")
        assert not set(output.filename) & set('/\\:|$%"')
        assert not output.filename.startswith("-")
    assert not list(stack.home.rglob("pwned*"))


@pytest.mark.matrix(48)
@pytest.mark.parametrize("filename", ["../../../etc/passwd", "/etc/passwd", "..", "a\0b"])
def test_name_is_refused_when_it_is_a_path(client: Client, film: Path, filename: str) -> None:
    with pytest.raises(InvalidArgument):
        client.upload(film, filename=filename)


@pytest.mark.matrix(48)
@pytest.mark.parametrize(
    "preset", ["mp3 -i /etc/passwd", "-f", "../mp3", "mp3;ls", "mp3\0", "MP3", "x" * 5000]
)
def test_preset_is_refused_when_it_is_none_of_the_catalogue(
    client: Client, film: Path, preset: str
) -> None:
    source = client.upload(film)
    with pytest.raises(InvalidArgument):
        client.transcode(source, preset=preset)


def test_nothing_is_left_when_all_has_been_refused(
    stack: Stack, ended: Mapping[str, job_pb2.Job]
) -> None:
    assert ended
    workers = media_workers(stack)
    assert [ffmpegs(worker) for worker in workers] == [[], []]
    assert [p for p in (stack.home / "scratch").rglob("input*") if p.exists()] == []
    assert [p for p in (stack.home / "artifacts").rglob("*") if "staging" in p.parts] == []
    logs = "".join(path.read_text() for path in (stack.home / "logs").glob("media_worker*.log"))
    assert '"level"' in logs
    assert "Traceback" not in logs
    assert "child_died" not in logs


@pytest.mark.alone
@pytest.mark.row("S4.5")
def test_urgent_jobs_have_their_slots_when_low_ones_fill_theirs(
    stack: Stack, client: Client, tmp_path: Path
) -> None:
    make_clip(tmp_path / "long.mkv", seconds=60, size="640x360")
    source = client.upload(tmp_path / "long.mkv")
    high, low = media_workers(stack)

    def submit(priority: requests.PriorityName, count: int) -> list[str]:
        return [
            client.transcode(source, preset="mp4-h264", segments=WHOLE, priority=priority).job_id
            for _ in range(count)
        ]

    def running(job_ids: list[str]) -> int:
        states = [client.get_job(job_id).state for job_id in job_ids]
        return states.count(job_pb2.JOB_STATE_IN_PROGRESS)

    low_jobs = submit("low", LOW_SLOTS + 2)
    try:
        eventually(lambda: running(low_jobs) == LOW_SLOTS, timeout_seconds=60)
        urgent_jobs = submit("urgent", URGENT_SLOTS + 2)
        low_jobs += urgent_jobs
        # The low ones that wait came first, and wait on.
        eventually(lambda: running(urgent_jobs) == URGENT_SLOTS, timeout_seconds=60)
        commands = eventually(
            lambda: (
                [*encoding(high), *encoding(low)]
                if (len(encoding(high)), len(encoding(low))) == (URGENT_SLOTS, LOW_SLOTS)
                else None
            ),
            timeout_seconds=60,
        )
        assert running(low_jobs) == URGENT_SLOTS + LOW_SLOTS
        cores = len(psutil.Process().cpu_affinity() or [1])
        threads = max(1, cores // (URGENT_SLOTS + LOW_SLOTS))
        for command in commands:
            given = {command[at + 1] for at, word in enumerate(command) if word == "-threads"}
            assert given == {str(threads)}
    finally:
        for job_id in reversed(low_jobs):
            client.cancel_job(job_id)
    for job_id in low_jobs:
        assert client.wait(job_id, timeout_seconds=60).state == job_pb2.JOB_STATE_CANCELLED
    assert ffmpegs(high) == ffmpegs(low) == []


def memory_peak(process: psutil.Process) -> int:
    """The kernel's own high-water mark, 0 once the process has ended."""
    with suppress(FileNotFoundError, ProcessLookupError):
        for line in Path(f"/proc/{process.pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    return 0


@pytest.mark.alone
@pytest.mark.row("S4.4")
def test_memory_is_the_kernels_high_water_mark_when_measured(
    stack: Stack, client: Client, tmp_path: Path
) -> None:
    make_clip(tmp_path / "clip.mkv", seconds=6, size="640x360")
    job = client.transcode(tmp_path / "clip.mkv", preset="mp4-h264", segments=WHOLE)
    high, _ = media_workers(stack)
    seen = 0
    while not client.get_job(job.job_id).HasField("finish_time"):
        seen = max([seen, *(memory_peak(process) for process in ffmpegs(high))])
    done = client.get_job(job.job_id)
    assert done.state == job_pb2.JOB_STATE_COMPLETED
    assert done.usage.peak_rss_bytes == pytest.approx(seen, rel=0.02)
    assert done.usage.cpu_seconds > 0.5
    assert 0 < done.usage.peak_cpu_percent <= 100 * len(psutil.Process().cpu_affinity() or [1])


@pytest.mark.row("S2.8")
def test_no_encoder_is_left_and_the_job_completes_when_its_worker_is_killed(
    stack: Stack, client: Client, tmp_path: Path
) -> None:
    make_clip(tmp_path / "clip.mkv", seconds=10, size="640x360")
    job = client.transcode(
        tmp_path / "clip.mkv", preset="mp4-h264", segments=WHOLE, priority="urgent"
    )
    high, _ = media_workers(stack)
    encoders = eventually(lambda: ffmpegs(high), timeout_seconds=60)
    eventually(lambda: client.get_job(job.job_id).progress.done > 0, timeout_seconds=60)
    encoders = ffmpegs(high)
    assert encoders
    high.kill()
    _, alive = psutil.wait_procs(encoders, timeout=2)
    assert [each for each in alive if each.status() != psutil.STATUS_ZOMBIE] == []
    done = client.wait(job.job_id, timeout_seconds=90)
    assert (done.state, done.attempts) == (job_pb2.JOB_STATE_COMPLETED, 2)
