"""Resident memory of each process over a run, by quarters.

Processes of one role are added up, so that one that was restarted in between
can be compared. PostgreSQL's is counted without what its backends share:
that grows to the size of its cache, once, by being touched.
"""

import statistics
from collections.abc import Iterable
from dataclasses import dataclass, field

import psutil

GROWTH_LIMIT = 0.10


@dataclass
class Memory:
    """Samples by role: when, and how many bytes."""

    samples: dict[str, list[tuple[float, int]]] = field(default_factory=dict)

    def sample(self, at_seconds: float, role: str, pids: Iterable[int]) -> None:
        """Add up what processes of a role use now. Those that have just ended count nothing."""
        total = 0
        for pid in pids:
            try:
                used = psutil.Process(pid).memory_info()
            except psutil.NoSuchProcess:
                continue
            total += used.rss - (used.shared if role == "postgres" else 0)
        if total:
            self.samples.setdefault(role, []).append((at_seconds, total))

    def quarters(self, role: str, seconds: float) -> list[float | None]:
        """The median of each quarter in bytes, None where there is no sample."""
        found: list[list[int]] = [[], [], [], []]
        for at_seconds, used in self.samples[role]:
            found[min(3, int(4 * at_seconds / seconds))].append(used)
        return [statistics.median(each) if each else None for each in found]

    def growth(self, role: str, seconds: float) -> float | None:
        """The last quarter against the second: 0.1 is 10 % more."""
        _, second, _, last = self.quarters(role, seconds)
        return None if second is None or last is None else last / second - 1

    def too_much(self, seconds: float) -> list[str]:
        """Name the roles that have grown by more than the limit."""
        return [role for role in self.samples if (self.growth(role, seconds) or 0.0) > GROWTH_LIMIT]

    def lines(self, seconds: float) -> list[str]:
        """Say it for people."""
        lines = [f"{'memory in MiB by quarter':<32}" + "".join(f"{n:>9}" for n in "1234")]
        for role in sorted(self.samples):
            figures = "".join(
                f"{'-' if each is None else format(each / 2**20, '.1f'):>9}"
                for each in self.quarters(role, seconds)
            )
            growth = self.growth(role, seconds)
            lines.append(f"{role:<32}{figures}  {'-' if growth is None else f'{growth:+.1%}'}")
        return lines
