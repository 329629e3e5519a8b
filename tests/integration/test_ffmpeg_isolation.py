"""ffmpeg is kept from all that is not its own: other files, the network, other processes."""

import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from babelmill.kit.worker.handler import CancellationToken
from media_worker.ffmpeg.isolation import Isolation, IsolationLevel, possible_levels
from media_worker.ffmpeg.isolation_trial import IsolationUnavailable, find_isolation
from media_worker.ffmpeg.measurement import UsageMeter
from media_worker.ffmpeg.runner import EndedBy, FfmpegRunner, ProcessLimits, RunResult
from tests.unit.media_worker.media_clips import FFMPEG, GIB, QUICK_VIDEO, make_clip, picture

LEVELS = [each for each in possible_levels() if each.level is not IsolationLevel.LIMITS]


def found(level: IsolationLevel) -> Isolation:
    try:
        return find_isolation(FFMPEG, level)
    except IsolationUnavailable:
        pytest.skip(f"{level} does not work on this host")


@pytest.fixture(params=LEVELS, ids=lambda isolation: isolation.level)
def isolation(request: pytest.FixtureRequest) -> Isolation:
    return found(request.param.level)


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    directory = tmp_path / "attempt"
    directory.mkdir()
    return directory


def run(
    isolation: Isolation,
    directory: Path,
    *arguments: str,
    program: Path = FFMPEG,
    meter: UsageMeter | None = None,
    limits: ProcessLimits | None = None,
) -> RunResult:
    """Run with no whitelist: only the isolation stands between ffmpeg and the rest."""
    return FfmpegRunner(program, limits or ProcessLimits(8 * GIB, GIB, 60), isolation).run(
        ["-nostdin", "-y", "-v", "error", *arguments] if program == FFMPEG else arguments,
        directory=directory,
        stop=CancellationToken(),
        deadline_seconds=time.monotonic() + 30,
        meter=meter or UsageMeter(),
    )


def test_input_and_own_files_are_there_when_isolated(
    isolation: Isolation, directory: Path, tmp_path: Path
) -> None:
    clip = make_clip(tmp_path / "store.mkv", *picture(0.2), *QUICK_VIDEO)
    (directory / "input").symlink_to(clip)
    result = run(isolation, directory, "-i", "file:input", "-c", "copy", "-f", "mov", "file:out")
    assert result.succeeded, result.stderr
    assert (directory / "out").stat().st_size > 1000


def test_another_file_cannot_be_read_when_isolated(
    isolation: Isolation, directory: Path, tmp_path: Path
) -> None:
    clip = make_clip(tmp_path / "another.mkv", *picture(0.2), *QUICK_VIDEO)
    # Beside the input, as another tenant's object is in the store.
    (directory / "input").symlink_to(make_clip(tmp_path / "own.mkv", *picture(0.2), *QUICK_VIDEO))
    for stolen in (clip, Path("/etc/passwd"), Path("/proc/1/environ")):
        copied = ("-f", "data", "-i", f"file:{stolen}", "-map", "0", "-c", "copy", "-f", "data")
        result = run(isolation, directory, *copied, "file:out")
        assert not result.succeeded
        assert "No such file" in result.stderr or "Permission denied" in result.stderr
        assert not (directory / "out").exists()


@pytest.mark.parametrize("place", ["beside", "input"])
def test_nothing_can_be_written_when_it_is_not_in_the_own_directory(
    isolation: Isolation, directory: Path, tmp_path: Path, place: str
) -> None:
    clip = make_clip(tmp_path / "own.mkv", *picture(0.2), *QUICK_VIDEO)
    (directory / "input").symlink_to(clip)
    before = clip.read_bytes()
    target = tmp_path / "beside.mkv" if place == "beside" else Path("input")
    source = ("-f", "lavfi", "-t", "0.2", "-i", "testsrc2=size=64x64")
    run(isolation, directory, *source, *QUICK_VIDEO, "-f", "matroska", f"file:{target}")
    assert not (tmp_path / "beside.mkv").exists()
    assert clip.read_bytes() == before


@pytest.fixture
def visitors() -> Iterator[tuple[int, list[str]]]:
    """A port of this machine, and who has connected to it."""
    came: list[str] = []
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.1)
        closing = threading.Event()

        def listen() -> None:
            while not closing.is_set():
                try:
                    connection, address = server.accept()
                except TimeoutError:
                    continue
                connection.close()
                came.append(address[0])

        thread = threading.Thread(target=listen)
        thread.start()
        yield server.getsockname()[1], came
        closing.set()
        thread.join()


def test_network_is_not_there_when_isolated(
    isolation: Isolation, directory: Path, visitors: tuple[int, list[str]]
) -> None:
    port, came = visitors
    for scheme in ("http", "tcp"):
        result = run(isolation, directory, "-i", f"{scheme}://127.0.0.1:{port}/x", "out.mkv")
        assert not result.succeeded
    assert came == []


@pytest.mark.parametrize(
    "escape",
    [
        "/bin/true && echo got >forked",
        "exec /usr/bin/ln -s /etc/passwd link",
        "read -r line </etc/shadow && echo got >seen",
        "echo got >/dev/tcp/127.0.0.1/9 && echo got >connected",
    ],
)
def test_shell_gets_nowhere_when_it_runs_in_the_place_of_ffmpeg(
    isolation: Isolation, directory: Path, escape: str
) -> None:
    run(isolation, directory, "-c", f"echo own >own; {escape}", program=Path("/bin/bash"))
    assert [path.name for path in directory.iterdir()] == ["own"]


@pytest.mark.parametrize("level", [*LEVELS, Isolation()], ids=lambda isolation: isolation.level)
def test_death_by_a_limit_is_known_when_isolated(level: Isolation, directory: Path) -> None:
    isolation = found(level.level)
    meter = UsageMeter()
    endless = ("-f", "lavfi", "-i", "testsrc2=size=640x360", *QUICK_VIDEO, "-f", "matroska", "out")
    limits = ProcessLimits(8 * GIB, 100_000, 60)
    result = run(isolation, directory, *endless, meter=meter, limits=limits)
    assert (result.ended_by, result.signal_number) == (EndedBy.ITSELF, 25)  # SIGXFSZ
    # Counted by the kernel at the end, whoever was between.
    assert meter.cpu_seconds > 0.01
    assert meter.peak_rss_bytes > 20 << 20


def test_level_is_refused_when_it_does_not_work(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    find_isolation.cache_clear()
    try:
        with pytest.raises(IsolationUnavailable):
            find_isolation(FFMPEG, IsolationLevel.BUBBLEWRAP)
        assert find_isolation(FFMPEG).level is not IsolationLevel.BUBBLEWRAP
    finally:
        find_isolation.cache_clear()
