"""Know jobs by what they do, so that the results of one can serve another.

Running code of the version before names no work, and its jobs serve no other.
"""

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_STATEMENTS = (
    "ALTER TABLE jobs ADD COLUMN work_hash bytea CHECK (octet_length(work_hash) = 32)",
    "ALTER TABLE jobs ADD COLUMN reused_job_id uuid",
    """
    CREATE INDEX jobs_by_work ON jobs (tenant_id, work_hash, finished_at)
    WHERE work_hash IS NOT NULL AND state = 'COMPLETED'
    """,
)


def upgrade() -> None:
    """Add the columns and the index."""
    for statement in _STATEMENTS:
        op.execute(statement)
