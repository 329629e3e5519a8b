"""Let steps make parts, and keep glossaries, jobs' secrets and a memory of segments.

Running code of the version before needs nothing of this and is not disturbed:
it makes no artifact of the new roles and never looks at the new columns.
"""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_STATEMENTS = (
    "ALTER TABLE artifacts ADD COLUMN step_id uuid",
    "ALTER TABLE artifacts DROP CONSTRAINT artifacts_role_check",
    """
    ALTER TABLE artifacts ADD CONSTRAINT artifacts_role_check
    CHECK (role IN ('upload', 'output', 'text', 'part', 'glossary'))
    """,
    """
    CREATE INDEX results_to_expire ON artifacts (created_at)
    WHERE role IN ('output', 'part') AND expired_at IS NULL
    """,
    "ALTER TABLE job_metrics ADD COLUMN engine_characters bigint",
    "ALTER TABLE job_metrics ADD COLUMN engine_tokens bigint",
    # Encrypted, for the job alone; gone with the job's end.
    """
    CREATE TABLE job_secrets (
        job_id uuid PRIMARY KEY REFERENCES jobs ON DELETE CASCADE,
        ciphertext bytea NOT NULL
    )
    """,
    """
    CREATE TABLE glossaries (
        glossary_id uuid PRIMARY KEY,
        tenant_id uuid NOT NULL REFERENCES tenants,
        display_name text NOT NULL CHECK (display_name <> ''),
        source_language text NOT NULL,
        terms jsonb NOT NULL,
        term_count integer NOT NULL CHECK (term_count > 0),
        created_at timestamptz NOT NULL
    )
    """,
    "CREATE INDEX glossaries_by_name ON glossaries (tenant_id, display_name, glossary_id)",
    """
    CREATE TABLE segment_memory (
        tenant_id uuid NOT NULL REFERENCES tenants,
        key bytea NOT NULL CHECK (octet_length(key) = 32),
        value bytea NOT NULL CHECK (octet_length(value) <= 65536),
        expires_at timestamptz NOT NULL,
        PRIMARY KEY (tenant_id, key)
    )
    """,
    "CREATE INDEX segment_memory_expiry ON segment_memory (expires_at)",
    "CREATE INDEX segment_memory_age ON segment_memory (tenant_id, expires_at)",
)


def upgrade() -> None:
    for statement in _STATEMENTS:
        op.execute(statement)
