"""Let results expire, and find fast what was made from what, what has ended, and what is old.

Running code of the version before needs nothing of this and is not disturbed:
the column is empty at first, and it never looks at it.
"""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_LIVE_JOB = "'PENDING','QUEUED','IN_PROGRESS','RETRY_WAIT','CANCELLING'"

_STATEMENTS = (
    "ALTER TABLE artifacts ADD COLUMN expired_at timestamptz",
    # Retention, oldest first, and the drain rate of jobs.
    "CREATE INDEX jobs_ended ON jobs (finished_at) WHERE finished_at IS NOT NULL",
    # What was made of a job that had ended.
    "CREATE INDEX jobs_redone ON jobs (parent_job_id) WHERE parent_job_id IS NOT NULL",
    """
    CREATE INDEX jobs_dead ON jobs (tenant_id, finished_at DESC, job_id DESC)
    WHERE state = 'DEAD_LETTERED'
    """,
    # Which jobs name an artifact as their input.
    """
    CREATE INDEX jobs_naming ON jobs ((spec ->> 'artifact_id'))
    WHERE spec ->> 'artifact_id' IS NOT NULL
    """,
    # The same of jobs that have not ended: those need it still.
    f"""
    CREATE INDEX jobs_needing ON jobs ((spec ->> 'artifact_id'))
    WHERE spec ->> 'artifact_id' IS NOT NULL AND state IN ({_LIVE_JOB})
    """,
    # The drain rate of queues.
    "CREATE INDEX steps_ended ON steps (finished_at) WHERE finished_at IS NOT NULL",
    # What the store's files are wanted for.
    "CREATE INDEX artifacts_stored ON artifacts (storage_key) WHERE storage_key IS NOT NULL",
    """
    CREATE INDEX outputs_to_expire ON artifacts (created_at)
    WHERE role = 'output' AND expired_at IS NULL
    """,
    "CREATE INDEX uploads_by_age ON artifacts (created_at) WHERE role = 'upload'",
    "CREATE INDEX uploads_unfinished ON artifacts (created_at) WHERE state = 'UPLOADING'",
)


def upgrade() -> None:
    for statement in _STATEMENTS:
        op.execute(statement)
