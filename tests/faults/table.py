"""The table of faults: what was injected, and the figures that came out.

`docs/reliability.md` holds it between two markers. A run replaces the rows
of the tests that ran and keeps the others, so the table can be renewed in parts.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.faults.checker import Verdict
from tests.faults.house import FaultHouse

BEGIN = "<!-- fault table: written by `make faults` -->"
END = "<!-- end of fault table -->"
_COLUMNS = (
    "#",
    "Fault",
    "Injected by",
    "Jobs",
    "Lost",
    "Double terminal",
    "Stale results",
    "Stream gaps",
    "Duplicate executions",
    "Recovery s",
    "Also",
)

FAULTS: Mapping[int, tuple[str, str]] = {
    1: ("Gateway killed in mid-upload", "SIGKILL at 50 %"),
    2: ("Gateway killed before its reply", "failpoint"),
    3: ("Job service killed under load", "SIGKILL, again and again"),
    4: ("Published, not marked", "failpoint"),
    5: ("Committed, client sees an error", "failpoint"),
    6: ("Job service stopped with 1,000 watchers", "SIGTERM"),
    7: ("Worker's child killed", "SIGKILL"),
    8: ("Worker's parent killed", "SIGKILL"),
    9: ("Worker's parent frozen, then killed", "SIGSTOP, publish, SIGKILL"),
    10: ("Zombie worker", "SIGSTOP past the lease, SIGCONT"),
    11: ("Warm stop of a worker", "SIGTERM"),
    12: ("Cold or double stop of a worker", "SIGQUIT; SIGTERM twice"),
    13: ("Poison job that eats memory", "memory limit"),
    14: ("Handler that hangs", "past its time limit"),
    15: ("Redis down at the start", "not started"),
    16: ("Redis restarted without its data", "SIGKILL"),
    17: ("Redis restarted with its log", "SIGKILL"),
    18: ("Redis flushed", "FLUSHALL"),
    19: ("Redis frozen", "SIGSTOP"),
    20: ("Redis full", "maxmemory"),
    21: ("Redis that evicts", "maxmemory-policy"),
    22: ("Garbage in a queue", "LPUSH"),
    23: ("Redis flapping", "kill and restart, 5 times"),
    24: ("PostgreSQL crashes", "immediate stop"),
    25: ("PostgreSQL connections terminated", "pg_terminate_backend"),
    26: ("PostgreSQL fails over", "synchronous standby, promoted"),
    27: ("PostgreSQL lock stall", "LOCK TABLE"),
    28: ("PostgreSQL's disk full", "small tmpfs"),
    29: ("Scratch or artifact disk full", "small tmpfs"),
    30: ("No file descriptors left", "RLIMIT_NOFILE"),
    31: ("Network split, worker and job service", "packets dropped"),
    32: ("Half-open connection to Redis or PostgreSQL", "proxy"),
    33: ("Watcher that does not read", "a stalled connection"),
    34: ("Clock leaps by an hour", "faked time"),
    35: ("Engine fails, hangs, answers garbage", "a stub of its server"),
    36: ("Trace collector down", "killed"),
    37: ("Old and new side by side", "one contract version back"),
    38: ("Two of each loop", "two job services"),
}
"""Every fault of the matrix, and how it is injected."""


@dataclass
class FaultRow:
    """What one test found out about its fault."""

    number: int
    verdict: Verdict | None = None
    recovery_seconds: float | None = None
    notes: list[str] = field(default_factory=list)
    not_injected: str = ""
    """Why this fault cannot be injected here, if so."""
    broken: bool = False

    def judge(self, house: FaultHouse) -> Verdict:
        """Check all invariants in a house that is quiet, keep the figures, and insist on zeros."""
        found = house.check()
        if self.verdict is not None:
            for name in (
                "lost",
                "double_terminal",
                "stale_results",
                "stream_gaps",
                "duplicate_executions",
                "jobs",
            ):
                setattr(found, name, getattr(found, name) + getattr(self.verdict, name))
        self.verdict = found
        found.insist()
        return found

    def recovered(self, seconds: float) -> None:
        """Keep the longest time that it took until work went on."""
        self.recovery_seconds = max(seconds, self.recovery_seconds or 0.0)

    def note(self, text: str) -> None:
        """Keep a figure that only this fault has."""
        if text not in self.notes:
            self.notes.append(text)

    def skip(self, why: str) -> None:
        """Say why the fault cannot be injected on this machine."""
        self.not_injected = why

    def line(self) -> str:
        """Render the row."""
        fault, injection = FAULTS[self.number]
        if self.not_injected:
            return _line(
                [
                    str(self.number),
                    fault,
                    injection,
                    *["-"] * 7,
                    f"not injected: {self.not_injected}",
                ]
            )
        found = self.verdict
        figures = (
            ["-"] * 6
            if found is None
            else [
                str(value)
                for value in (
                    found.jobs,
                    found.lost,
                    found.double_terminal,
                    found.stale_results,
                    found.stream_gaps,
                    found.duplicate_executions,
                )
            ]
        )
        seconds = "-" if self.recovery_seconds is None else f"{self.recovery_seconds:.1f}"
        also = ("BROKEN; " if self.broken else "") + "; ".join(self.notes)
        return _line([str(self.number), fault, injection, *figures, seconds, also or "-"])


def render(rows: Mapping[int, FaultRow], earlier: str = "") -> str:
    """Render the table: rows of this run, else those of an earlier table, else empty ones."""
    kept = {
        int(found[1]): found[0]
        for found in re.finditer(r"^\| (\d+) \|.*\|$", earlier, re.MULTILINE)
    }
    lines = [_line(_COLUMNS), _line(["---"] * len(_COLUMNS))]
    for number, (fault, injection) in FAULTS.items():
        if number in rows:
            lines.append(rows[number].line())
        elif number in kept:
            lines.append(kept[number])
        else:
            lines.append(_line([str(number), fault, injection, *["-"] * 7, "not run yet"]))
    return "\n".join(lines)


def update_page(page: Path, rows: Mapping[int, FaultRow]) -> None:
    """Write the table between the markers of a page."""
    text = page.read_text()
    before, _, rest = text.partition(BEGIN)
    earlier, marker, after = rest.partition(END)
    assert marker, f"{page} has no place for the table"
    page.write_text(f"{before}{BEGIN}\n\n{render(rows, earlier)}\n\n{END}{after}")


def _line(cells: list[str] | tuple[str, ...]) -> str:
    return "| " + " | ".join(cells) + " |"
