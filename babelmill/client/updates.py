"""What a watch yields."""

from dataclasses import dataclass
from typing import TypeAlias

from babelmill.jobs.v1 import job_event_pb2, job_pb2, progress_pb2


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The job as it was when the watch began; the first update of a fresh watch."""

    sequence: int
    job: job_pb2.Job


@dataclass(frozen=True, slots=True)
class Event:
    """The next event. Each is yielded once, in order, without a gap."""

    sequence: int
    event: job_event_pb2.JobEvent


@dataclass(frozen=True, slots=True)
class ProgressTick:
    """Newer progress. Ticks have no number; some are left out."""

    sequence: int
    progress: progress_pb2.Progress


Update: TypeAlias = Snapshot | Event | ProgressTick
