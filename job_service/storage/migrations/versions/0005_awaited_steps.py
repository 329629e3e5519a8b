"""Let a step await others, of which only one must complete.

Running code of the version before makes no such step, and blocks none.
"""

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE steps ADD COLUMN awaits text[] NOT NULL DEFAULT '{}'")
