"""Holds the promises against what happened, after everything has come to rest.

The invariants are those of docs/reliability.md. Evidence is what clients were
told (history), what watchers got, and what PostgreSQL and the artifact store
hold; nothing is asked of the code under test.
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.faults.history import History, Outcome
from tests.faults.watchers import Watched

# Any: rows of whatever columns were asked for.
Sql = Callable[..., list[tuple[Any, ...]]]

FINAL = ("COMPLETED", "PARTIALLY_COMPLETED", "FAILED", "DEAD_LETTERED", "CANCELLED", "EXPIRED")


@dataclass
class Verdict:
    """The figures of one fault; all but the last must be 0."""

    lost: int = 0
    double_terminal: int = 0
    stale_results: int = 0
    stream_gaps: int = 0
    duplicate_executions: int = 0
    """Attempts beyond the first of each step: allowed, and counted."""
    jobs: int = 0
    broken: list[str] = field(default_factory=list)
    """Each broken invariant in words, by its number."""

    def insist(self) -> None:
        """Fail unless every invariant held."""
        assert not self.broken, "\n".join(self.broken)
        assert (self.lost, self.double_terminal, self.stale_results, self.stream_gaps) == (0,) * 4


def check(sql: Sql, artifacts: Path, history: History, watched: Sequence[Watched] = ()) -> Verdict:
    """Judge a house that is quiet: no job is open, no attempt runs."""
    verdict = Verdict(jobs=int(sql("SELECT count(*) FROM jobs")[0][0]))
    _nothing_lost(sql, history, verdict)
    _one_end(sql, verdict)
    _fenced_results(sql, artifacts, verdict)
    _whole_streams(sql, watched, verdict)
    _counted_executions(sql, verdict)
    _cancelled_stay_so(sql, history, verdict)
    _one_job_a_key(sql, history, verdict)
    _none_forgotten(sql, verdict)
    return verdict


def _nothing_lost(sql: Sql, history: History, verdict: Verdict) -> None:
    """I1: every acknowledged job exists and has ended."""
    states = {str(job_id): state for job_id, state in sql("SELECT job_id, state FROM jobs")}
    for key, job_id in history.accepted().items():
        if states.get(job_id) not in FINAL:
            verdict.lost += 1
            verdict.broken.append(f"I1: {job_id} (request {key}) is {states.get(job_id)}")


def _one_end(sql: Sql, verdict: Verdict) -> None:
    """I2: at most one final event, and it is the last one and says what the job says."""
    for job_id, state, ends, last_end, last in sql(
        """
        SELECT j.job_id, j.state,
               count(*) FILTER (WHERE e.fact->>'state' = ANY(%(final)s)
                                AND e.kind = 'job_state_changed'),
               max(e.sequence) FILTER (WHERE e.fact->>'state' = j.state
                                       AND e.kind = 'job_state_changed'),
               max(e.sequence)
        FROM jobs j JOIN job_events e USING (job_id) GROUP BY j.job_id
        """,
        {"final": list(FINAL)},
    ):
        if ends > 1:
            verdict.double_terminal += 1
            verdict.broken.append(f"I2: {job_id} ended {ends} times")
        if state in FINAL and (ends != 1 or last_end != last):
            verdict.broken.append(f"I2: {job_id} is {state}; its last event says otherwise")


def _fenced_results(sql: Sql, artifacts: Path, verdict: Verdict) -> None:
    """I3: what is published was made under the lease that was live at its commit, once."""
    stale = sql(
        """
        SELECT s.step_id, 'completed without a live lease' FROM steps s
        WHERE s.state = 'COMPLETED' AND NOT EXISTS (
            SELECT FROM lease_outcomes o WHERE o.step_id = s.step_id
            AND o.result = 'COMPLETED' AND o.generation = s.generation)
        UNION ALL
        SELECT o.step_id, 'completed by several leases' FROM lease_outcomes o
        WHERE o.result = 'COMPLETED' GROUP BY o.step_id HAVING count(*) > 1
        UNION ALL
        SELECT s.step_id, 'published though not completed' FROM steps s
        JOIN artifacts a ON a.job_id = s.job_id AND a.role = 'output'
             AND a.target_key = s.target_key
        WHERE s.state <> 'COMPLETED' AND NOT EXISTS (
            SELECT FROM steps other WHERE other.job_id = s.job_id
            AND other.target_key = s.target_key AND other.state = 'COMPLETED')
        UNION ALL
        SELECT a.artifact_id, 'made under another lease' FROM artifacts a
        WHERE a.role = 'output' AND a.storage_key IS NOT NULL AND NOT EXISTS (
            SELECT FROM lease_outcomes o JOIN steps s USING (step_id)
            WHERE s.job_id = a.job_id AND o.result = 'COMPLETED'
            AND a.storage_key LIKE 'jobs/' || s.job_id || '/' || s.step_id || '/'
                || o.generation || '/' || o.lease_id || '/%%')
        UNION ALL
        SELECT a.artifact_id, 'published twice' FROM artifacts a
        JOIN artifacts b USING (job_id, target_key, filename)
        WHERE a.role = 'output' AND b.role = 'output' AND a.artifact_id < b.artifact_id
        """,
        {},
    )
    for what, why in stale:
        verdict.stale_results += 1
        verdict.broken.append(f"I3: {what} {why}")
    for artifact_id, key, inline, sha256, size in sql(
        "SELECT artifact_id, storage_key, inline, sha256, size_bytes FROM artifacts"
        " WHERE role = 'output'"
    ):
        held = artifacts / key if key else None
        if held is not None and not held.is_file():
            verdict.broken.append(f"I3: the file of {artifact_id} is gone")
            continue
        data = held.read_bytes() if held is not None else bytes(inline)
        if (hashlib.sha256(data).hexdigest(), len(data)) != (sha256, size):
            verdict.broken.append(f"I3: {artifact_id} is not what was published")


def _whole_streams(sql: Sql, watched: Sequence[Watched], verdict: Verdict) -> None:
    """I4: events count 1 to n, and each watcher has them all, in order, each once."""
    lengths = {}
    for job_id, sequence, count, least, most in sql(
        "SELECT j.job_id, j.sequence, count(*), min(e.sequence), max(e.sequence)"
        " FROM jobs j JOIN job_events e USING (job_id) GROUP BY j.job_id"
    ):
        lengths[str(job_id)] = count
        if (least, most, count) != (1, count, sequence):
            verdict.stream_gaps += 1
            verdict.broken.append(f"I4: {job_id} has {count} events from {least} to {most}")
    for each in watched:
        if each.gaps:
            verdict.stream_gaps += each.gaps
            verdict.broken.append(f"I4: a watcher of {each.job_id} got {each.sequences}")
        elif each.finished and each.last != lengths.get(each.job_id):
            verdict.stream_gaps += 1
            verdict.broken.append(f"I4: a watcher of {each.job_id} ended at {each.last}")


def _counted_executions(sql: Sql, verdict: Verdict) -> None:
    """I5: every attempt has its own generation, and each generation has its reason."""
    for step_id, attempt, generation, reasons in sql(
        """
        SELECT s.step_id, s.attempt, s.generation, s.application_failures + s.crashes
               + (SELECT count(*) FROM lease_outcomes o
                  WHERE o.step_id = s.step_id AND o.result <> 'COMPLETED')
        FROM steps s
        """
    ):
        verdict.duplicate_executions += max(0, attempt - 1)
        if attempt > generation or generation > 1 + reasons:
            verdict.broken.append(
                f"I5: {step_id} ran {attempt} times in {generation} generations for"
                f" {reasons} reasons"
            )
    for (step_id,) in sql(
        "SELECT step_id FROM steps WHERE lease_id IS NOT NULL"
        " AND state NOT IN ('IN_PROGRESS', 'CANCELLING')"
    ):
        verdict.broken.append(f"I5: {step_id} has a lease and does not run")


def _cancelled_stay_so(sql: Sql, history: History, verdict: Verdict) -> None:
    """I6: what was acknowledged as cancelled is not completed afterwards."""
    states = {str(job_id): state for job_id, state in sql("SELECT job_id, state FROM jobs")}
    for call in history.calls("cancel"):
        if call.outcome is Outcome.OK and states.get(call.job_id) == "COMPLETED":
            verdict.broken.append(f"I6: {call.job_id} was cancelled and is COMPLETED")


def _one_job_a_key(sql: Sql, history: History, verdict: Verdict) -> None:
    """I7: one job for each key, the same in every answer, and none that nobody asked for."""
    answers: dict[str, set[str]] = {}
    asked = set()
    for call in history.calls("create"):
        asked.add(call.key)
        if call.outcome is Outcome.OK:
            answers.setdefault(call.key, set()).add(call.job_id)
    for key, job_ids in answers.items():
        if len(job_ids) > 1:
            verdict.broken.append(f"I7: request {key} got {sorted(job_ids)}")
    refused = asked - {
        call.key for call in history.calls("create") if call.outcome is not Outcome.FAIL
    }
    for job_id, key, count in sql(
        "SELECT min(job_id::text), request_id, count(*) FROM jobs"
        " WHERE request_id IS NOT NULL GROUP BY tenant_id, request_id"
    ):
        if count > 1 or key in refused:
            verdict.broken.append(f"I7: request {key} made {count} jobs, such as {job_id}")


def _none_forgotten(sql: Sql, verdict: Verdict) -> None:
    """I9: nothing waits longer than the longest wait between two publications."""
    for (step_id,) in sql(
        "SELECT step_id FROM steps WHERE state IN ('PENDING', 'QUEUED')"
        " AND publish_at > clock_timestamp() + interval '11 minutes'"
    ):
        verdict.broken.append(f"I9: {step_id} waits without being published again")
