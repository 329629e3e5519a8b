"""Let tenants have users, tokens a label and a prefix, and what operators do be recorded.

Running code of the version before needs nothing of this and is not disturbed:
the new columns have defaults. It does not know the role `operator`, and
refuses such a token as a fault of its own.
"""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_STATEMENTS = (
    "ALTER TABLE tenants ADD COLUMN disabled_at timestamptz",
    """
    CREATE TABLE users (
        user_id uuid PRIMARY KEY,
        tenant_id uuid NOT NULL REFERENCES tenants,
        name text NOT NULL CHECK (name <> ''),
        role text NOT NULL CHECK (role IN ('client', 'operator')),
        created_at timestamptz NOT NULL,
        disabled_at timestamptz,
        UNIQUE (tenant_id, name)
    )
    """,
    "ALTER TABLE tokens DROP CONSTRAINT tokens_role_check",
    """
    ALTER TABLE tokens ADD CONSTRAINT tokens_role_check
    CHECK (role IN ('client', 'operator', 'worker'))
    """,
    "ALTER TABLE tokens ADD COLUMN user_id uuid REFERENCES users",
    "ALTER TABLE tokens ADD COLUMN label text NOT NULL DEFAULT ''",
    # How the token starts; of older ones that is not known any more.
    "ALTER TABLE tokens ADD COLUMN prefix text NOT NULL DEFAULT ''",
    "CREATE INDEX tokens_by_prefix ON tokens (prefix text_pattern_ops)",
    # Names as they were then, and no references: it outlives what it tells of.
    """
    CREATE TABLE audit_entries (
        entry_id uuid PRIMARY KEY,
        occurred_at timestamptz NOT NULL,
        action text NOT NULL CHECK (action <> ''),
        actor text NOT NULL CHECK (actor <> ''),
        actor_token_id uuid,
        tenant text NOT NULL,
        subject text NOT NULL,
        details jsonb NOT NULL
    )
    """,
    "CREATE INDEX audit_entries_newest ON audit_entries (occurred_at DESC, entry_id DESC)",
    """
    CREATE FUNCTION refuse_change_of_audit() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        RAISE EXCEPTION 'the audit log keeps what was written: no %', TG_OP
            USING ERRCODE = 'integrity_constraint_violation';
    END
    $$
    """,
    """
    CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON audit_entries FOR EACH ROW
    EXECUTE FUNCTION refuse_change_of_audit()
    """,
    """
    CREATE TRIGGER never_emptied BEFORE TRUNCATE ON audit_entries FOR EACH STATEMENT
    EXECUTE FUNCTION refuse_change_of_audit()
    """,
)


def upgrade() -> None:
    for statement in _STATEMENTS:
        op.execute(statement)
