"""What the split step tells the later steps: a JSON file of its own making.

It carries all that must be the same in every segment, whichever worker encodes
it, such as the number of threads: that is what makes a segment that is encoded
again the same to the byte.
"""

from dataclasses import dataclass

from pydantic import TypeAdapter, ValidationError

from babelmill.jobs.v1 import lease_pb2
from babelmill.kit.wire.failure_reasons import FailureReason
from babelmill.kit.worker.handler import Attempt, StepFailure
from media_worker.ffmpeg.media_info import StreamInfo
from media_worker.segments.cutting import Segment

FILENAME = "segments.json"
MEDIA_TYPE = "application/json"

_VERSION = 1
_LIMIT_BYTES = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentPlan:
    """How a video is cut and joined."""

    version: int = _VERSION
    threads: int
    """Of each encoder."""
    formats: tuple[str, ...]
    """The containers that the file to read may have."""
    strict: bool
    """Whether the first damaged packet or frame is a fault."""
    video: StreamInfo
    audio: StreamInfo | None
    start_microseconds: int
    """When the first frame is shown, counted from the file's beginning."""
    segments: tuple[Segment, ...]

    @property
    def frames(self) -> int:
        """Frames of all segments."""
        return sum(segment.frames for segment in self.segments)

    @property
    def seconds(self) -> float:
        """How long the video lasts."""
        return sum(segment.seconds for segment in self.segments)


_ADAPTER = TypeAdapter(SegmentPlan)


def write_plan(plan: SegmentPlan) -> bytes:
    """Write a plan down."""
    return _ADAPTER.dump_json(plan)


def read_plan(attempt: Attempt, content: lease_pb2.StoredContent) -> SegmentPlan:
    """Read a plan. Raises StepFailure: INPUT_DAMAGED for one that this worker cannot read."""
    data = attempt.read_input(content, _LIMIT_BYTES)
    try:
        plan = _ADAPTER.validate_json(data)
    except ValidationError as error:
        raise StepFailure(FailureReason.INPUT_DAMAGED) from error
    if plan.version != _VERSION:
        raise StepFailure(FailureReason.INPUT_DAMAGED)
    return plan
