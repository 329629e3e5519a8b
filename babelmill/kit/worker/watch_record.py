"""What a child lets its parent know: which lease it holds, until when, and that it lives.

A child that is stuck in native code can say nothing, not even with another
thread, if that code never lets go of the interpreter. So what the parent must
know to end it and to report for it is written down beforehand, in a small
file of the worker's scratch directory. Written by the child, read by the
parent; a reading that is torn is none, and the next one comes soon.
"""

import contextlib
import json
import os
import zlib
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

_PREFIX = "child-"
_SIZE_BYTES = 1024


@dataclass(frozen=True, slots=True)
class WatchRecord:
    """A child's state. `kill_at` is on the elapsed clock, None where no clock runs.

    `pulse` grows with every turn of the heartbeat thread. `stop_reason` says
    why the attempt was told to stop, and is empty as long as it was not.
    """

    job_id: str = ""
    step_id: str = ""
    generation: int = 0
    lease_id: str = ""
    ttl_seconds: float = 0.0
    kill_at: float | None = None
    stop_reason: str = ""
    pulse: int = 0

    @property
    def holds_lease(self) -> bool:
        """Whether an attempt runs, or waits for its report to be taken."""
        return bool(self.lease_id)


IDLE = WatchRecord()


class WatchWriter:
    """The child's end."""

    def __init__(self, directory: Path) -> None:
        path = directory / f"{_PREFIX}{os.getpid()}"
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC
        self._file = os.open(path, flags, 0o600)
        self.write(IDLE)

    def write(self, record: WatchRecord) -> None:
        """Say how things are now. Raises OSError."""
        data = json.dumps(asdict(record)).encode()
        framed = b"%08x %s" % (zlib.crc32(data), data)
        # Always as long: the space is taken once, and no rest of an older record shows.
        os.pwrite(self._file, framed.ljust(_SIZE_BYTES), 0)


def read_records(directory: Path) -> Iterator[tuple[int, WatchRecord | None]]:
    """Give the process id and the record of every child that has written one."""
    for path in directory.glob(f"{_PREFIX}*"):
        pid = path.name.removeprefix(_PREFIX)
        if pid.isdecimal():
            with contextlib.suppress(FileNotFoundError):
                yield int(pid), _parse(path.read_bytes())


def remove_record(directory: Path, pid: int) -> None:
    """Forget a child that is gone."""
    (directory / f"{_PREFIX}{pid}").unlink(missing_ok=True)


def _parse(framed: bytes) -> WatchRecord | None:
    checksum, _, data = framed.rstrip().partition(b" ")
    if checksum != b"%08x" % zlib.crc32(data):
        return None
    return WatchRecord(**json.loads(data))
