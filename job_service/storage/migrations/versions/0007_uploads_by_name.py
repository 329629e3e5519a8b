"""Let a tenant's uploads be listed newest first, also those of one name.

Running code of the version before takes no notice.
"""

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        "CREATE INDEX uploads_of_tenant ON artifacts (tenant_id, created_at, artifact_id)"
        " WHERE role = 'upload' AND expired_at IS NULL"
    )
    op.execute(
        "CREATE INDEX uploads_by_name ON artifacts (tenant_id, filename, created_at, artifact_id)"
        " WHERE role = 'upload' AND expired_at IS NULL"
    )
