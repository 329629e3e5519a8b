"""Which media workers a stack starts: one for everything, or one for each group of priorities.

Dedicated workers keep slots free for what is urgent, however much else waits.
Written as `urgent:4,normal+low:2`: priorities, and how many jobs at once.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass

from babelmill.kit.wire.step_message import PRIORITIES

_MAX_SLOTS = 256


@dataclass(frozen=True, slots=True)
class MediaWorkers:
    """One worker process: the priorities that it serves, and its slots."""

    priorities: tuple[str, ...]
    slots: int

    @property
    def name(self) -> str:
        """The member's name in the stack."""
        return f"media_worker_{'_'.join(self.priorities)}"


def read_media_workers(text: str) -> tuple[MediaWorkers, ...]:
    """Read the setting; empty for one worker with the settings of every worker.

    Raises ValueError, also where a priority would be served by none.
    """
    workers = tuple(_read_one(part.strip()) for part in text.split(",") if part.strip())
    served = {priority for each in workers for priority in each.priorities}
    if workers and served != set(PRIORITIES):
        raise ValueError(f"must serve {', '.join(PRIORITIES)}, each by one of the workers")
    if len({each.name for each in workers}) < len(workers):
        raise ValueError("must name each group of priorities once")
    return workers


def environment_of(
    worker: MediaWorkers, all_workers: tuple[MediaWorkers, ...]
) -> Mapping[str, str]:
    """Give the variables that make a media worker this one.

    The cores are shared among the slots of all, so that they do not fight.
    """
    cores = len(os.sched_getaffinity(0))
    threads = max(1, cores // sum(each.slots for each in all_workers))
    return {
        "BABELMILL_WORKER_PRIORITIES": ",".join(worker.priorities),
        "BABELMILL_WORKER_CONCURRENCY": str(worker.slots),
        "BABELMILL_MEDIA_THREADS": os.environ.get("BABELMILL_MEDIA_THREADS", str(threads)),
    }


def _read_one(part: str) -> MediaWorkers:
    names, separator, slots = part.partition(":")
    priorities = tuple(name.strip() for name in names.split("+"))
    if not separator or not slots.strip().isdecimal():
        raise ValueError("must be groups such as urgent:4,normal+low:2")
    if set(priorities) - set(PRIORITIES) or len(set(priorities)) < len(priorities):
        raise ValueError(f"must name priorities of {', '.join(PRIORITIES)}, each once a group")
    count = int(slots)
    if not 1 <= count <= _MAX_SLOTS:
        raise ValueError(f"must give each group 1 to {_MAX_SLOTS} slots")
    return MediaWorkers(priorities, count)
