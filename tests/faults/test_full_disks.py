"""PostgreSQL, the artifact store or a worker's scratch directory has no room left."""

import re
import shutil
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from random import Random

import psycopg2
import pytest

from babelmill.client.errors import FailedPrecondition, ResourceExhausted
from babelmill.stack.postgres import EmbeddedPostgres
from tests.deadlines import eventually
from tests.faults.disks import SmallDisk, small_disks
from tests.faults.health import health
from tests.faults.house import FaultHouse
from tests.faults.load import Load
from tests.faults.table import FaultRow
from tests.faults.workloads import ClipMaker, long_text, text_spec, transcode_spec

__all__ = ["small_disks"]

NewHouse = Callable[..., FaultHouse]

# Of so little it is done in a blink, if it can be done at all.
_LONGEST_RECOVERY_SECONDS = 5.0
_KIB = 1024
_MIB = 1024 * _KIB


def _noise(seed: int, size_bytes: int = 60 * _KIB) -> str:
    """Text that no compression makes small."""
    return Random(seed).randbytes(size_bytes // 2).hex()


def _move_database(house: FaultHouse, disk: SmallDisk) -> None:
    """Put a database that is down on a disk of its own."""
    own = disk.path / "postgres"
    subprocess.run(["cp", "-a", house.directory / "postgres", own], check=True)
    house.postgres = EmbeddedPostgres(own)


@pytest.mark.fault(28)
@pytest.mark.slow
def test_jobs_are_refused_and_later_accepted_when_the_database_disk_is_full(
    small_disks: list[SmallDisk], new_house: NewHouse, row: FaultRow
) -> None:
    """I1, I7: RESOURCE_EXHAUSTED, and nothing half is kept; reads go on, space is enough."""
    house = new_house(servers=False, pace={})
    disk, log_disk = SmallDisk(256), SmallDisk(512)
    small_disks += [disk, log_disk]
    _move_database(house, disk)
    # The log of changes lies elsewhere, as it should: without room for that the server stops.
    log = disk.path / "postgres/data/pg_wal"
    subprocess.run(["cp", "-a", log, log_disk.path / "pg_wal"], check=True)
    shutil.rmtree(log)
    log.symlink_to(log_disk.path / "pg_wal")
    house.start_servers()
    service = house.job_service()
    worker = house.translation_worker()
    client = house.client()
    watchers = house.watchers()
    before = client.submit(text_spec())
    house.wait_for_state(before, "COMPLETED")
    running = client.submit(long_text(100))
    watchers.watch(running)
    house.wait_for_attempt(running, 1)
    disk.fill(leave_bytes=4 * _MIB)
    refusals: list[ResourceExhausted] = []
    accepted: list[str] = []

    def until_refused() -> bool:
        try:
            accepted.append(client.create(text_spec(_noise(len(accepted)))))
        except ResourceExhausted as refused:
            refusals.append(refused)
        return len(refusals) >= 3

    eventually(until_refused, timeout_seconds=60, interval_seconds=0)
    assert {refusal.reason for refusal in refusals} == {"OUT_OF_SPACE"}
    assert client.get(before).job_id == before
    assert health(house.address()) == "SERVING"
    disk.empty()
    emptied_at = time.monotonic()
    watchers.watch(client.submit(text_spec("There is room again.")))
    row.recovered(time.monotonic() - emptied_at)
    # What was accepted is noise, and takes long to translate.
    for job_id in accepted:
        with suppress(FailedPrecondition):
            client.cancel(job_id)
    house.settle(90)
    watchers.wait_for_all()
    assert service.alive
    assert worker.alive
    assert house.state(running) == "COMPLETED"
    row.note(f"{len(accepted)} jobs accepted until it was full, then RESOURCE_EXHAUSTED")
    row.judge(house)


class _LogEater:
    """Makes a database begin one file of its log after the other, until it is down for good.

    It keeps some files in store, and may come back once or twice. At last its server ends, or
    stays in a recovery that needs room and lets nobody in.
    """

    def __init__(self, house: FaultHouse) -> None:
        self._house = house
        self._down_since: float | None = None

    def has_starved_it(self) -> bool:
        try:
            psycopg2.connect(self._house.postgres.url()).close()
        except psycopg2.OperationalError:
            self._down_since = self._down_since or time.monotonic()
            gone_seconds = time.monotonic() - self._down_since
            return self._house.postgres.pid is None or gone_seconds > _LONGEST_RECOVERY_SECONDS
        self._down_since = None
        with suppress(psycopg2.Error):
            self._house.sql("SELECT pg_logical_emit_message(true, 'a word', 'to be logged')")
            self._house.sql("SELECT pg_switch_wal()")
        return False


@pytest.mark.fault(28)
def test_nothing_is_lost_when_the_database_stops_for_want_of_room_for_its_log(
    small_disks: list[SmallDisk], new_house: NewHouse, row: FaultRow
) -> None:
    """I1, I2: it crashes by itself and cannot come back; with room and a start, all goes on."""
    house = new_house(servers=False)
    disk = SmallDisk(256)
    small_disks.append(disk)
    _move_database(house, disk)
    # Its last words need room elsewhere.
    words, told = disk.path / "postgres/log", house.directory / "postgres.log"
    words.unlink()
    words.symlink_to(told)
    house.start_servers()
    service = house.job_service()
    house.translation_worker()
    client = house.client()
    watchers = house.watchers()
    watchers.watch(client.submit(long_text(100)))
    disk.fill()
    with Load(client) as load:
        eventually(_LogEater(house).has_starved_it, timeout_seconds=60)
        assert re.search(r"PANIC: .*No space left on device", told.read_text())
        disk.empty()
        house.stop_postgres()
        house.start_postgres()
        row.recovered(load.wait_for(1))
    house.settle()
    watchers.wait_for_all()
    assert service.alive
    row.note("no room for its log: it stops; UNAVAILABLE until it is started again")
    row.judge(house)


@pytest.mark.fault(29)
@pytest.mark.parametrize("place", ["artifacts", pytest.param("scratch", marks=pytest.mark.slow)])
def test_the_step_is_repeated_when_the_disk_of_its_files_was_full(
    small_disks: list[SmallDisk],
    new_house: NewHouse,
    row: FaultRow,
    clips: ClipMaker,
    place: str,
) -> None:
    """I1, I3: the attempt fails with NO_SPACE and leaves nothing; a later one has room."""
    house = new_house(pace={})
    disk = SmallDisk(64)
    small_disks.append(disk)
    directory = disk.path / place
    directory.mkdir()
    setattr(house, place, directory)
    service = house.job_service()
    worker = house.media_worker()
    client = house.client()
    watchers = house.watchers()
    artifact = client.client.upload(clips(seconds=8, size="640x360"))
    # The result takes a few MiB.
    disk.fill(leave_bytes=48 * _KIB)
    if place == "artifacts":
        with pytest.raises(ResourceExhausted) as refused:
            client.client.upload(clips(seconds=8, size="640x360"))
        assert refused.value.reason == "OUT_OF_SPACE"
    job_id = client.submit(transcode_spec(artifact.artifact_id, "mp4-h264"))
    watchers.watch(job_id)
    eventually(
        lambda: house.sql(
            "SELECT 1 FROM steps WHERE job_id = %s AND state = 'RETRY_WAIT'", [job_id]
        ),
        timeout_seconds=30,
    )
    ((failure,),) = house.sql("SELECT error->>'reason' FROM steps WHERE job_id = %s", [job_id])
    assert failure == "NO_SPACE"
    left = {path: path.stat().st_size for path in directory.rglob("*") if path.is_file()}
    disk.empty()
    emptied_at = time.monotonic()
    house.settle()
    row.recovered(time.monotonic() - emptied_at)
    watchers.wait_for_all()
    assert service.alive
    assert worker.alive
    assert house.state(job_id) == "COMPLETED"
    # An upload that was broken off stays, to be resumed; a worker's own records are small.
    large = [path for path, size_bytes in left.items() if size_bytes > 4 * _KIB]
    assert not [path for path in large if "uploads" not in path.parts]
    row.note(f"{place}: NO_SPACE, then done at attempt {_attempts(house, job_id)}")
    row.judge(house)


def _attempts(house: FaultHouse, job_id: str) -> int:
    return int(house.sql("SELECT attempt FROM steps WHERE job_id = %s", [job_id])[0][0])
