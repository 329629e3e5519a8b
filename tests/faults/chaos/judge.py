"""The offline check: the history file and SQL against the promises, after all is quiet."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from tests.faults.chaos.record import read_record
from tests.faults.checker import FINAL, Sql, Verdict, check
from tests.faults.history import History, Outcome


@dataclass(frozen=True)
class Judgement:
    """The verdict, and what there was to judge."""

    verdict: Verdict
    ends: Counter[str]
    """Jobs by state."""
    kinds: Counter[str]
    calls: Counter[str]
    """Calls by method and what the caller learnt."""
    watches: int
    resumed: int
    """Watches that were broken and went on."""

    def lines(self) -> list[str]:
        """Say it for people."""
        verdict = self.verdict
        return [
            f"jobs {verdict.jobs}: {_counts(self.ends)} ({_counts(self.kinds)})",
            f"calls: {_counts(self.calls)}",
            f"watches {self.watches}, of which resumed {self.resumed}",
            f"lost {verdict.lost}, double terminal {verdict.double_terminal},"
            f" stale results {verdict.stale_results}, stream gaps {verdict.stream_gaps},"
            f" duplicate executions {verdict.duplicate_executions}",
        ]


def judge(record: Path, sql: Sql, artifacts: Path) -> Judgement:
    """Check I1 to I7 and I9. Nothing is asked of the code under test."""
    history, watched = read_record(record)
    verdict = check(sql, artifacts, history, watched)
    for each in watched:
        if not each.finished:
            verdict.stream_gaps += 1
            verdict.broken.append(
                f"I4: a watcher of {each.job_id} waits after {each.last};"
                f" breaks: {each.breaks[-3:]}"
            )
    _one_end_for_all(sql, history, verdict)
    _keys_stay_valid(history, verdict)
    return Judgement(
        verdict=verdict,
        ends=_count(sql, "SELECT state, count(*) FROM jobs GROUP BY state"),
        kinds=_count(sql, "SELECT kind, count(*) FROM jobs GROUP BY kind"),
        calls=Counter(
            f"{call.method} {call.outcome}" + (f" {call.code}" if call.outcome != "ok" else "")
            for call in history.calls()
        ),
        watches=len(watched),
        resumed=sum(bool(each.broken_at) for each in watched),
    )


def _one_end_for_all(sql: Sql, history: History, verdict: Verdict) -> None:
    """I2: a client that was told of an end was told of the one that the job has."""
    states = {str(job_id): state for job_id, state in sql("SELECT job_id, state FROM jobs")}
    for call in history.calls():
        if call.state in FINAL and states.get(call.job_id) != call.state:
            verdict.double_terminal += 1
            verdict.broken.append(
                f"I2: {call.job_id} was {call.state} to a client, is {states.get(call.job_id)}"
            )


def _keys_stay_valid(history: History, verdict: Verdict) -> None:
    """I7: a request that has made its job is not refused when it is repeated."""
    accepted: dict[str, float] = {}
    for call in history.calls("create"):
        if call.outcome is Outcome.OK:
            accepted[call.key] = min(call.ended_at, accepted.get(call.key, call.ended_at))
    for call in history.calls("create"):
        accepted_at = accepted.get(call.key)
        if call.outcome is Outcome.FAIL and accepted_at and accepted_at < call.started_at:
            verdict.broken.append(f"I7: request {call.key} was accepted, then {call.code}")


def _count(sql: Sql, statement: str) -> Counter[str]:
    return Counter({str(name): int(count) for name, count in sql(statement)})


def _counts(counts: Counter[str]) -> str:
    return ", ".join(f"{count} {name}" for name, count in sorted(counts.items())) or "none"
