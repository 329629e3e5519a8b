"""Jobs put together from their rows: for changing, for showing, for listing."""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar
from uuid import UUID

from sqlalchemy import Connection, RowMapping, and_, case, func, null, or_, select, tuple_

from job_service.application.job_query import Cursor, JobQuery
from job_service.application.ports import LockedJobs
from job_service.domain.job import Artifact, Job, Step, Target, Usage
from job_service.domain.translation import GlossaryTerm, read_term
from job_service.storage import rows
from job_service.storage.artifacts import GLOSSARY, TEXT
from job_service.storage.tables import ARTIFACTS, JOB_METRICS, JOBS, STEPS, TARGETS

LONGEST_SHOWN_TEXT_BYTES = 16 * 1024

_Part = TypeVar("_Part")
_Parts = Mapping[UUID, tuple[_Part, ...]]


def assemble_locked(connection: Connection, locked: Sequence[RowMapping]) -> LockedJobs:
    """Read the parts of locked jobs, and the time, which is thus after the locking."""
    job_ids = [row["job_id"] for row in locked]
    if not job_ids:
        return LockedJobs(jobs={}, now=_now(connection))
    targets = _targets(connection, job_ids)
    found = (
        connection.execute(
            select(STEPS, func.clock_timestamp().label("read_at"))
            .where(STEPS.c.job_id.in_(job_ids))
            .order_by(STEPS.c.job_id, STEPS.c.position)
        )
        .mappings()
        .all()
    )
    # A job whose results are another's has no steps.
    now = max((row["read_at"] for row in found), default=None) or _now(connection)
    steps = _group((row["job_id"], rows.read_step(row)) for row in found)
    return LockedJobs(
        jobs={
            row["job_id"]: rows.read_job(
                row, steps=steps.get(row["job_id"], ()), targets=targets.get(row["job_id"], ())
            )
            for row in locked
        },
        now=now,
    )


def _now(connection: Connection) -> datetime:
    now: datetime = connection.execute(select(func.clock_timestamp())).scalar_one()
    return now


def load(connection: Connection, tenant_id: UUID, job_ids: Sequence[UUID]) -> Mapping[UUID, Job]:
    """Read whole jobs of one tenant."""
    found = (
        connection.execute(
            select(JOBS).where(JOBS.c.tenant_id == tenant_id, JOBS.c.job_id.in_(job_ids))
        )
        .mappings()
        .all()
    )
    ids = [row["job_id"] for row in found]
    kept = _artifacts(connection, ids)
    targets = _targets(connection, ids, kept.outputs)
    steps = _steps(connection, ids, kept.parts)
    usages = _usages(connection, ids)
    return {
        row["job_id"]: rows.read_job(
            row,
            text=kept.texts.get(row["job_id"]),
            terms=kept.terms.get(row["job_id"], ()),
            steps=steps.get(row["job_id"], ()),
            targets=targets.get(row["job_id"], ()),
            usage=usages.get(row["job_id"]),
        )
        for row in found
    }


def list_jobs(
    connection: Connection, tenant_id: UUID, query: JobQuery, limit: int, after: Cursor | None
) -> Sequence[Job]:
    """Read a page of jobs by their position, not by counting rows off."""
    wanted = select(JOBS).where(JOBS.c.tenant_id == tenant_id)
    if query.states:
        wanted = wanted.where(JOBS.c.state.in_(query.states))
    if query.kinds:
        wanted = wanted.where(JOBS.c.kind.in_(query.kinds))
    if query.priorities:
        wanted = wanted.where(JOBS.c.priority.in_(query.priorities))
    if query.labels:
        # The second part lets the planner use the index over labelled jobs.
        wanted = wanted.where(JOBS.c.labels.contains(dict(query.labels)), JOBS.c.labels != {})
    if query.created_after is not None:
        wanted = wanted.where(JOBS.c.created_at > query.created_after)
    if query.created_before is not None:
        wanted = wanted.where(JOBS.c.created_at < query.created_before)
    if after is not None:
        position = tuple_(JOBS.c.created_at, JOBS.c.job_id)
        wanted = wanted.where(position < (after.created_at, after.job_id))
    found = (
        connection.execute(
            wanted.order_by(JOBS.c.created_at.desc(), JOBS.c.job_id.desc()).limit(limit)
        )
        .mappings()
        .all()
    )
    ids = [row["job_id"] for row in found]
    targets = _targets(connection, ids)
    usages = _usages(connection, ids)
    return [
        rows.read_job(row, targets=targets.get(row["job_id"], ()), usage=usages.get(row["job_id"]))
        for row in found
    ]


def _steps(
    connection: Connection,
    job_ids: Sequence[UUID],
    parts: Mapping[UUID, list[Artifact]],
) -> _Parts[Step]:
    found = connection.execute(
        select(STEPS).where(STEPS.c.job_id.in_(job_ids)).order_by(STEPS.c.job_id, STEPS.c.position)
    ).mappings()
    return _group(
        (row["job_id"], rows.read_step(row, tuple(parts.get(row["step_id"], ())))) for row in found
    )


def _targets(
    connection: Connection,
    job_ids: Sequence[UUID],
    outputs: Mapping[tuple[UUID, str], list[Artifact]] | None = None,
) -> _Parts[Target]:
    found = connection.execute(
        select(TARGETS)
        .where(TARGETS.c.job_id.in_(job_ids))
        .order_by(TARGETS.c.job_id, TARGETS.c.position)
    ).mappings()
    made = outputs or {}
    return _group(
        (row["job_id"], rows.read_target(row, tuple(made.get((row["job_id"], row["key"]), ()))))
        for row in found
    )


@dataclass(frozen=True, slots=True)
class _Kept:
    """The artifacts of some jobs, and what those that clients do not see hold."""

    texts: dict[UUID, str] = field(default_factory=dict)
    terms: dict[UUID, tuple[GlossaryTerm, ...]] = field(default_factory=dict)
    outputs: defaultdict[tuple[UUID, str], list[Artifact]] = field(
        default_factory=lambda: defaultdict(list)
    )
    parts: defaultdict[UUID, list[Artifact]] = field(default_factory=lambda: defaultdict(list))


def _artifacts(connection: Connection, job_ids: Sequence[UUID]) -> _Kept:
    """Read the artifacts of jobs; of the bytes only what is shown."""
    short_text = and_(
        ARTIFACTS.c.media_type.startswith("text/", autoescape=True),
        ARTIFACTS.c.size_bytes <= LONGEST_SHOWN_TEXT_BYTES,
    )
    given_terms = and_(ARTIFACTS.c.role == GLOSSARY, ARTIFACTS.c.position > 0)
    shown = case(
        (or_(ARTIFACTS.c.role == TEXT, given_terms, short_text), ARTIFACTS.c.inline), else_=null()
    )
    columns = [column for column in ARTIFACTS.c if column is not ARTIFACTS.c.inline]
    found = (
        connection.execute(
            select(*columns, shown.label("inline"))
            .where(ARTIFACTS.c.job_id.in_(job_ids), ARTIFACTS.c.expired_at.is_(None))
            .order_by(ARTIFACTS.c.job_id, ARTIFACTS.c.created_at, ARTIFACTS.c.position)
        )
        .mappings()
        .all()
    )
    kept = _Kept()
    for row in found:
        job_id = row["job_id"]
        match row["role"]:
            case "text":
                kept.texts[job_id] = bytes(row["inline"]).decode()
            case "glossary" if row["inline"] is not None:
                terms = json.loads(bytes(row["inline"]))[: row["position"]]
                kept.terms[job_id] = tuple(read_term(term) for term in terms)
            case "output":
                kept.outputs[job_id, row["target_key"]].append(rows.read_artifact(row))
            case "part":
                kept.parts[row["step_id"]].append(rows.read_artifact(row))
    return kept


def _usages(connection: Connection, job_ids: Sequence[UUID]) -> Mapping[UUID, Usage]:
    found = connection.execute(
        select(JOB_METRICS).where(JOB_METRICS.c.job_id.in_(job_ids))
    ).mappings()
    return {
        row["job_id"]: Usage(
            peak_cpu_percent=row["peak_cpu_percent"],
            peak_rss_bytes=row["peak_rss_bytes"],
            cpu_seconds=row["cpu_seconds"],
            processing_seconds=row["processing_seconds"],
            input_bytes=row["input_bytes"],
            output_bytes=row["output_bytes"],
            engine_characters=row["engine_characters"],
            engine_tokens=row["engine_tokens"],
        )
        for row in found
    }


def _group(pairs: Iterable[tuple[UUID, _Part]]) -> _Parts[_Part]:
    grouped: defaultdict[UUID, list[_Part]] = defaultdict(list)
    for job_id, part in pairs:
        grouped[job_id].append(part)
    return {job_id: tuple(parts) for job_id, parts in grouped.items()}
