"""Which workers run a step: its kind names the family, the job's priority the queue."""

from collections.abc import Mapping

from babelmill.kit.wire.step_message import queue_name
from job_service.domain.job import Priority

FAMILIES: Mapping[str, str] = {
    "extract": "extraction",
    "translate_text": "translation",
    "translate_segments": "translation",
    "adapt_tone": "tone",
    "reconstruct": "reconstruction",
    "transcode": "media",
    "process_subtitles": "media",
    "extract_subtitles": "media",
    "mux_tracks": "media",
    "burn_in_subtitles": "media",
    "split_media": "media",
    "encode_segment": "media",
    "join_segments": "media",
}


class UnroutableStep(Exception):
    """No family of workers runs steps of this kind."""


def queues() -> Mapping[tuple[str, Priority], str]:
    """Name the queue of every kind of step at every priority."""
    return {
        (kind, priority): queue_of(kind, priority) for kind in FAMILIES for priority in Priority
    }


def queue_of(kind: str, priority: Priority) -> str:
    """Name the queue that a step waits in. Raises UnroutableStep."""
    family = FAMILIES.get(kind)
    if family is None:
        raise UnroutableStep(kind)
    return queue_name(family, priority.lower())
