"""The tables of webhooks: a part of `tables`, and like it named once.

Rows of deliveries are made by a trigger on job_events, in the transaction of the event itself:
nothing that writes events can forget them, of whatever version it is. Two functions of the
database are used by both sides: webhook_wants tells which events a webhook is told of, and
webhook_delivery_id makes ids.
"""

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    Integer,
    Interval,
    LargeBinary,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
)
from sqlalchemy.dialects.postgresql import TIMESTAMP

from job_service.storage.tables import JOB_EVENTS, METADATA, TENANTS

_TIME = TIMESTAMP(timezone=True)

WEBHOOKS = Table(
    "webhooks",
    METADATA,
    Column("webhook_id", Uuid, primary_key=True),
    Column("tenant_id", Uuid, ForeignKey(TENANTS.c.tenant_id), nullable=False),
    Column("url", Text, nullable=False),
    Column("description", Text, nullable=False),
    Column("events", ARRAY(Text), nullable=False),
    Column("state", Text, nullable=False),
    Column("disabled_reason", Text),
    # Encrypted, bound to the tenant and the webhook; see application.secret_box.
    Column("secret", LargeBinary, nullable=False),
    Column("previous_secret", LargeBinary),
    Column("previous_until", _TIME),
    # Failures in a row over all events, since when, and until when nothing is tried.
    Column("failures", Integer, nullable=False, server_default="0"),
    Column("failing_since", _TIME),
    Column("resume_at", _TIME),
    Column("created_at", _TIME, nullable=False),
)

WEBHOOK_DELIVERIES = Table(
    "webhook_deliveries",
    METADATA,
    # Of version 8 (RFC 9562): the sequence, and random bits.
    Column("delivery_id", Uuid, primary_key=True),
    Column(
        "webhook_id", Uuid, ForeignKey(WEBHOOKS.c.webhook_id, ondelete="CASCADE"), nullable=False
    ),
    Column("job_id", Uuid, nullable=False),
    Column("sequence", BigInteger, nullable=False),
    Column("state", Text, nullable=False, server_default="PENDING"),
    # Since it was last due for the first time, and in all.
    Column("tries", Integer, nullable=False, server_default="0"),
    Column("attempt_count", Integer, nullable=False, server_default="0"),
    # When to try (again); while it is claimed, when the claim ends.
    Column("due_at", _TIME, nullable=False),
    Column("claim_id", Uuid),
    Column("created_at", _TIME, nullable=False),
    Column("ended_at", _TIME),
    UniqueConstraint("job_id", "sequence", "webhook_id"),
    ForeignKeyConstraint(
        ["job_id", "sequence"],
        [JOB_EVENTS.c.job_id, JOB_EVENTS.c.sequence],
        ondelete="CASCADE",
    ),
)

WEBHOOK_ATTEMPTS = Table(
    "webhook_attempts",
    METADATA,
    Column(
        "delivery_id",
        Uuid,
        ForeignKey(WEBHOOK_DELIVERIES.c.delivery_id, ondelete="CASCADE"),
        primary_key=True,
    ),
    Column("number", Integer, primary_key=True),
    Column("started_at", _TIME, nullable=False),
    Column("duration", Interval, nullable=False),
    Column("http_status", Integer, nullable=False),
    Column("error", Text),
)
