"""Jobs that eat memory or hang, and processes that run out of descriptors."""

import resource
import signal
import socket
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from os import kill
from pathlib import Path

import psutil
import pytest

from babelmill.client import BabelmillError, requests
from babelmill.stack.ports import split_address
from tests.deadlines import eventually
from tests.faults.house import FaultHouse
from tests.faults.service import Service
from tests.faults.table import FaultRow
from tests.faults.workloads import ClipMaker, sentences, short_texts, text_spec, transcode_spec

_CGROUPS = Path("/sys/fs/cgroup/memory")
_ROOM_BYTES = 24 * 1024 * 1024
"""What a warm worker may take beyond what it has; the poison takes several times that."""
_ROOM_OF_ADDRESSES_BYTES = 80 * 1024 * 1024
_POISON_SENTENCES = 850_000


@pytest.fixture
def cgroup() -> Iterator[Path]:
    """A memory cgroup of the test's own."""
    path = _CGROUPS / f"babelmill-{uuid.uuid4().hex}"
    try:
        path.mkdir()
        (path / "memory.limit_in_bytes").read_text()
    except OSError:
        pytest.skip("there is no memory cgroup that may be used")
    yield path

    def gone() -> bool:
        with suppress(OSError):
            path.rmdir()
        return not path.exists()

    eventually(gone)


def _poison(house: FaultHouse, tmp_path: Path) -> str:
    """Submit a text of the largest size that is accepted."""
    text = tmp_path / "poison.txt"
    text.write_text(sentences(_POISON_SENTENCES))
    client = house.client(call_seconds=60)
    artifact = client.client.upload(text)
    return client.submit(requests.text_spec(artifact, "en", ["pt"], "bergamot"))


@pytest.mark.fault(13)
@pytest.mark.slow
def test_the_poison_is_put_aside_and_others_proceed_when_a_job_exhausts_memory(
    cgroup: Path, house: FaultHouse, row: FaultRow, tmp_path: Path
) -> None:
    """I1, I2: killed three times by the kernel, dead-lettered; no other job suffers."""
    house.job_service()
    # One child: a second, put in the place of a warm one, would leave its room to the poison.
    worker = house.translation_worker(
        settings={"worker_concurrency": 1}, limits={"cgroup": str(cgroup)}
    )
    client = house.client()
    for job_id in client.submit_many(short_texts(8)):
        house.wait_for_state(job_id, "COMPLETED")
    # What it has read of files could be forgotten to make room, and is no need of its own.
    (cgroup / "memory.force_empty").write_text("0")
    used = int((cgroup / "memory.usage_in_bytes").read_text())
    (cgroup / "memory.limit_in_bytes").write_text(str(used + _ROOM_BYTES))
    poisoned_at = time.monotonic()
    poison = _poison(house, tmp_path)
    house.wait_for_attempt(poison, 1)
    others = client.submit_many(short_texts(20))
    house.wait_for_state(poison, "DEAD_LETTERED", timeout_seconds=90)
    row.recovered(time.monotonic() - poisoned_at)
    ((crashes, reason),) = house.sql(
        "SELECT crashes, error->>'reason' FROM steps WHERE job_id = %s", [poison]
    )
    assert (crashes, reason) == (3, "WORKER_CRASHED")
    house.settle()
    assert {house.state(job_id) for job_id in others} == {"COMPLETED"}
    assert worker.alive
    row.note("dead-lettered after 3 kills by the kernel")
    row.judge(house)


@pytest.mark.fault(13)
@pytest.mark.slow
@pytest.mark.timeout(300)
def test_the_poison_is_put_aside_when_memory_is_refused_instead_of_the_process_killed(
    house: FaultHouse, row: FaultRow, tmp_path: Path
) -> None:
    """I1, I2: the same with a limit of address space, where the allocation itself fails."""
    house.job_service()
    worker = house.translation_worker(settings={"worker_concurrency": 1})
    client = house.client()
    for job_id in client.submit_many(short_texts(3)):
        house.wait_for_state(job_id, "COMPLETED")
    (child,) = worker.children()
    most = psutil.Process(child).memory_info().vms + _ROOM_OF_ADDRESSES_BYTES
    for pid in (worker.pid, child):
        resource.prlimit(pid, resource.RLIMIT_AS, (most, most))
    poison = _poison(house, tmp_path)
    others = client.submit_many(short_texts(5))
    house.wait_for_state(poison, "DEAD_LETTERED", timeout_seconds=200)
    house.settle()
    assert {house.state(job_id) for job_id in others} == {"COMPLETED"}
    row.note("and when allocations fail")
    row.judge(house)


@pytest.mark.fault(14)
@pytest.mark.slow
def test_the_slot_is_freed_when_a_program_hangs_past_the_time_limit(
    house: FaultHouse, row: FaultRow, clips: ClipMaker
) -> None:
    """I1, I5: the hung attempt ends, the next job gets its slot, and the step is tried again."""
    limit_seconds = 8
    house.job_service(settings={"transcode_timeout_seconds": limit_seconds})
    worker = house.media_worker(settings={"worker_concurrency": 1})
    client = house.client()
    artifact = client.client.upload(clips(seconds=4, size="640x360"))
    hung = client.submit(transcode_spec(artifact.artifact_id, "mp4-h264"))
    (ffmpeg,) = eventually(worker.programs)
    kill(ffmpeg, signal.SIGSTOP)
    hung_at = time.monotonic()
    other = client.submit(transcode_spec(artifact.artifact_id))
    house.wait_for_attempt(other, 1)
    seconds = time.monotonic() - hung_at
    assert not psutil.pid_exists(ffmpeg)
    row.recovered(seconds)
    row.note(f"slot freed {seconds:.1f} s after a limit of {limit_seconds} s was set")
    assert seconds < limit_seconds + 3
    house.settle()
    assert {house.state(job_id) for job_id in (hung, other)} == {"COMPLETED"}
    row.judge(house)


@pytest.mark.fault(14)
@pytest.mark.slow
def test_the_slot_is_freed_when_a_child_itself_hangs(
    house: FaultHouse, row: FaultRow, clips: ClipMaker
) -> None:
    """I1, I5: nobody in the child answers any more, so its parent ends it."""
    house.job_service()
    worker = house.media_worker(settings={"worker_concurrency": 1, "worker_stop_grace_seconds": 1})
    client = house.client()
    artifact = client.client.upload(clips(seconds=4, size="640x360"))
    job_id = client.submit(transcode_spec(artifact.artifact_id, "mp4-h264"))
    (ffmpeg,) = eventually(worker.programs)
    (child,) = worker.children()
    kill(child, signal.SIGSTOP)
    hung_at = time.monotonic()
    house.wait_for_attempt(job_id, 2)
    seconds = time.monotonic() - hung_at
    assert not psutil.pid_exists(child)
    assert not psutil.pid_exists(ffmpeg)
    row.recovered(seconds)
    house.wait_for_state(job_id, "COMPLETED", timeout_seconds=60)
    row.note(f"a child that did not answer was replaced after {seconds:.1f} s")
    row.judge(house)


def _leave_no_descriptors(pid: int, spare: int) -> None:
    used = len(list(Path(f"/proc/{pid}/fd").iterdir()))
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (used + spare, _MOST_DESCRIPTORS))


_MOST_DESCRIPTORS = resource.getrlimit(resource.RLIMIT_NOFILE)[1]


@pytest.mark.fault(30)
@pytest.mark.slow
def test_calls_are_refused_and_nothing_breaks_when_the_service_has_no_descriptors(
    house: FaultHouse, row: FaultRow, clips: ClipMaker
) -> None:
    """I1, I3, I7: what cannot be done is refused in words; later all goes on."""
    service = house.job_service()
    house.translation_worker()
    client = house.client(call_seconds=5)
    client.submit(text_spec())
    keys = [str(uuid.uuid4()) for _ in range(24)]

    def create(key: str) -> bool:
        try:
            client.create(text_spec(f"Key {key}"), key)
        except BabelmillError:
            return False
        return True

    _leave_no_descriptors(service.pid, spare=2)
    host, port = split_address(house.address())
    with ExitStack() as strangers, ThreadPoolExecutor(len(keys)) as threads:
        for _ in range(10):
            strangers.enter_context(socket.create_connection((host, port), timeout=5))
        # Calls at the same time need database connections that cannot be opened.
        accepted = list(threads.map(create, keys))
        assert not all(accepted), "there were descriptors left"
        with pytest.raises(BabelmillError):
            client.client.upload_stream([clips().read_bytes()], "clip.mkv")
    assert service.alive
    resource.prlimit(service.pid, resource.RLIMIT_NOFILE, (_MOST_DESCRIPTORS,) * 2)
    freed_at = time.monotonic()
    for key in keys:
        client.submit(text_spec(f"Key {key}"), key)
    row.recovered(time.monotonic() - freed_at)
    row.note(f"{accepted.count(False)} of {len(keys)} calls refused")
    house.settle()
    row.judge(house)


@pytest.mark.fault(30)
@pytest.mark.slow
def test_the_step_is_tried_again_when_its_worker_has_no_descriptors(
    house: FaultHouse, row: FaultRow, clips: ClipMaker
) -> None:
    """I1, I3: the attempt fails, and a later one makes the result."""
    house.job_service()
    worker = house.media_worker(settings={"worker_concurrency": 1})
    client = house.client()
    artifact = client.client.upload(clips())
    first = client.submit(transcode_spec(artifact.artifact_id))
    house.wait_for_state(first, "COMPLETED")
    (child,) = worker.children()
    _leave_no_descriptors(child, spare=0)
    job_id = client.submit(transcode_spec(artifact.artifact_id))
    eventually(lambda: _has_failed_once(house, job_id, worker))
    for pid in worker.children():
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (_MOST_DESCRIPTORS,) * 2)
    house.wait_for_state(job_id, "COMPLETED", timeout_seconds=60)
    ((failures, crashes),) = house.sql(
        "SELECT application_failures, crashes FROM steps WHERE job_id = %s", [job_id]
    )
    row.note(f"a worker without any: {failures} failures, {crashes} crashes, then done")
    row.judge(house)


def _has_failed_once(house: FaultHouse, job_id: str, worker: Service) -> bool:
    assert worker.alive
    return bool(
        house.sql(
            "SELECT 1 FROM steps WHERE job_id = %s AND application_failures + crashes > 0", [job_id]
        )
    )
