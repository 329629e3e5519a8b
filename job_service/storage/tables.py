"""Every table and column, named once.

The migrations make the tables; this page only has to agree with them (a test
compares the two). SQL is written against these names, never as text.
"""

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Column,
    Double,
    ForeignKey,
    Integer,
    Interval,
    LargeBinary,
    MetaData,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
)
from sqlalchemy.dialects.postgresql import JSONB, TIMESTAMP

METADATA = MetaData()
_TIME = TIMESTAMP(timezone=True)
# None is stored as NULL, not as the JSON value null.
_NULLABLE_JSON = JSONB(none_as_null=True)
_OF_JOB = "jobs.job_id"

TENANTS = Table(
    "tenants",
    METADATA,
    Column("tenant_id", Uuid, primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    Column("created_at", _TIME, nullable=False),
    # Since then none of its tokens works.
    Column("disabled_at", _TIME),
)

USERS = Table(
    "users",
    METADATA,
    Column("user_id", Uuid, primary_key=True),
    Column("tenant_id", Uuid, ForeignKey("tenants.tenant_id"), nullable=False),
    Column("name", Text, nullable=False),
    # The greatest that a token of the user may have.
    Column("role", Text, nullable=False),
    Column("created_at", _TIME, nullable=False),
    Column("disabled_at", _TIME),
    UniqueConstraint("tenant_id", "name"),
)

TOKENS = Table(
    "tokens",
    METADATA,
    Column("token_id", Uuid, primary_key=True),
    Column("tenant_id", Uuid, ForeignKey("tenants.tenant_id"), nullable=False),
    Column("role", Text, nullable=False),
    Column("token_hash", LargeBinary, nullable=False, unique=True),
    Column("created_at", _TIME, nullable=False),
    Column("expires_at", _TIME),
    Column("revoked_at", _TIME),
    Column("user_id", Uuid, ForeignKey("users.user_id")),
    Column("label", Text, nullable=False, server_default=""),
    # How it starts, to find it by. Too little of it to be of use to anybody.
    Column("prefix", Text, nullable=False, server_default=""),
)

AUDIT_ENTRIES = Table(
    "audit_entries",
    METADATA,
    Column("entry_id", Uuid, primary_key=True),
    Column("occurred_at", _TIME, nullable=False),
    Column("action", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("actor_token_id", Uuid),
    Column("tenant", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("details", JSONB, nullable=False),
)

JOBS = Table(
    "jobs",
    METADATA,
    Column("job_id", Uuid, primary_key=True),
    Column("tenant_id", Uuid, ForeignKey("tenants.tenant_id"), nullable=False),
    # NULL where the client gave none: NULLs do not collide.
    Column("request_id", Text),
    Column("request_hash", LargeBinary, nullable=False),
    Column("kind", Text, nullable=False),
    Column("spec", JSONB, nullable=False),
    # Where an inline text lies, so that rows that change often stay small.
    Column("text_artifact_id", Uuid),
    Column("state", Text, nullable=False),
    Column("priority", Text, nullable=False),
    Column("labels", JSONB, nullable=False),
    Column("traceparent", Text, nullable=False),
    Column("sequence", BigInteger, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("progress", _NULLABLE_JSON),
    Column("error", _NULLABLE_JSON),
    Column("parent_job_id", Uuid),
    # What was asked for, by content; NULL where results cannot serve another job.
    Column("work_hash", LargeBinary),
    Column("reused_job_id", Uuid),
    Column("deadline_at", _TIME),
    Column("cancel_requested_at", _TIME),
    Column("created_at", _TIME, nullable=False),
    Column("queued_at", _TIME),
    Column("started_at", _TIME),
    Column("finished_at", _TIME),
    UniqueConstraint("tenant_id", "request_id"),
)

TARGETS = Table(
    "targets",
    METADATA,
    Column("job_id", Uuid, ForeignKey(_OF_JOB, ondelete="CASCADE"), primary_key=True),
    Column("key", Text, primary_key=True),
    Column("position", SmallInteger, nullable=False),
    Column("state", Text, nullable=False),
    Column("error", _NULLABLE_JSON),
)

STEPS = Table(
    "steps",
    METADATA,
    Column("step_id", Uuid, primary_key=True),
    Column("job_id", Uuid, ForeignKey(_OF_JOB, ondelete="CASCADE"), nullable=False),
    Column("position", SmallInteger, nullable=False),
    Column("name", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("target_key", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("settings", JSONB, nullable=False),
    Column("timeout", Interval, nullable=False),
    Column("depends_on", ARRAY(Text), nullable=False),
    Column("awaits", ARRAY(Text), nullable=False),
    Column("weight", Double, nullable=False),
    Column("generation", BigInteger, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("application_failures", Integer, nullable=False),
    Column("crashes", Integer, nullable=False),
    Column("lease_id", Uuid),
    Column("lease_expires_at", _TIME),
    Column("worker_id", Text, nullable=False),
    Column("not_before", _TIME),
    Column("cancel_requested_at", _TIME),
    Column("progress", _NULLABLE_JSON),
    Column("error", _NULLABLE_JSON),
    Column("usage", _NULLABLE_JSON),
    Column("created_at", _TIME, nullable=False),
    Column("queued_at", _TIME),
    Column("started_at", _TIME),
    Column("attempt_started_at", _TIME),
    Column("finished_at", _TIME),
    # The relay's own: 0 urgent, 1 normal, 2 low; when to send (again); how often sent.
    Column("priority_rank", SmallInteger, nullable=False),
    Column("publish_at", _TIME, nullable=False),
    Column("times_published", Integer, nullable=False),
    UniqueConstraint("job_id", "name"),
)

JOB_EVENTS = Table(
    "job_events",
    METADATA,
    Column("job_id", Uuid, ForeignKey(_OF_JOB, ondelete="CASCADE"), primary_key=True),
    Column("sequence", BigInteger, primary_key=True),
    Column("occurred_at", _TIME, nullable=False),
    Column("kind", Text, nullable=False),
    Column("fact", JSONB, nullable=False),
)

ARTIFACTS = Table(
    "artifacts",
    METADATA,
    # The tenant is a part of the key: ids are chosen by clients, and one
    # tenant's choice must tell nothing about another's.
    Column("tenant_id", Uuid, ForeignKey("tenants.tenant_id"), primary_key=True),
    Column("artifact_id", Uuid, primary_key=True),
    # upload, output; part: made by a step for later ones; and two that are no
    # artifacts to clients: text, a spec's inline input, and glossary, its terms.
    Column("role", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("filename", Text, nullable=False),
    Column("media_type", Text, nullable=False),
    Column("sha256", Text),
    Column("size_bytes", BigInteger),
    Column("declared_sha256", Text),
    Column("declared_size_bytes", BigInteger),
    Column("seal", Uuid),
    Column("job_id", Uuid, ForeignKey(_OF_JOB, ondelete="CASCADE")),
    Column("target_key", Text, nullable=False),
    Column("step_id", Uuid),
    # Of an output among those of its step: the first is the one that was asked for.
    # Of a glossary: how many of its terms, the first ones, came within the spec.
    Column("position", Integer, nullable=False, server_default="0"),
    Column("storage_key", Text),
    Column("inline", LargeBinary),
    Column("created_at", _TIME, nullable=False),
    # Since then the bytes are gone: the file, and what was inline.
    Column("expired_at", _TIME),
)

LEASE_OUTCOMES = Table(
    "lease_outcomes",
    METADATA,
    Column("step_id", Uuid, ForeignKey("steps.step_id", ondelete="CASCADE"), primary_key=True),
    Column("generation", BigInteger, primary_key=True),
    Column("lease_id", Uuid, primary_key=True),
    Column("result", Text, nullable=False),
    Column("occurred_at", _TIME, nullable=False),
)

WORKERS = Table(
    "workers",
    METADATA,
    Column("worker_id", Text, primary_key=True),
    Column("service", Text, nullable=False),
    Column("version", Text, nullable=False),
    Column("announcement", JSONB, nullable=False),
    Column("announced_at", _TIME, nullable=False),
    Column("expires_at", _TIME, nullable=False),
)

JOB_METRICS = Table(
    "job_metrics",
    METADATA,
    Column("job_id", Uuid, ForeignKey(_OF_JOB, ondelete="CASCADE"), primary_key=True),
    Column("peak_cpu_percent", Double),
    Column("peak_rss_bytes", BigInteger),
    Column("cpu_seconds", Double),
    Column("processing_seconds", Double),
    Column("input_bytes", BigInteger),
    Column("output_bytes", BigInteger),
    Column("engine_characters", BigInteger),
    Column("engine_tokens", BigInteger),
    Column("recorded_at", _TIME, nullable=False),
)

JOB_SECRETS = Table(
    "job_secrets",
    METADATA,
    Column("job_id", Uuid, ForeignKey(_OF_JOB, ondelete="CASCADE"), primary_key=True),
    # Bound to its job and tenant; see application.secret_box.
    Column("ciphertext", LargeBinary, nullable=False),
)

GLOSSARIES = Table(
    "glossaries",
    METADATA,
    Column("glossary_id", Uuid, primary_key=True),
    Column("tenant_id", Uuid, ForeignKey("tenants.tenant_id"), nullable=False),
    Column("display_name", Text, nullable=False),
    Column("source_language", Text, nullable=False),
    Column("terms", JSONB, nullable=False),
    Column("term_count", Integer, nullable=False),
    Column("created_at", _TIME, nullable=False),
)

SEGMENT_MEMORY = Table(
    "segment_memory",
    METADATA,
    Column("tenant_id", Uuid, ForeignKey("tenants.tenant_id"), primary_key=True),
    Column("key", LargeBinary, primary_key=True),
    Column("value", LargeBinary, nullable=False),
    Column("expires_at", _TIME, nullable=False),
)
