"""Count what tenants use, by day.

Characters are counted by a trigger with the figures of a job that ends, whichever version writes
them. Each connection has a row of its own, so that none waits for another.
"""

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_STATEMENTS = (
    """
    CREATE TABLE tenant_usage (
        tenant_id uuid NOT NULL REFERENCES tenants,
        day date NOT NULL,
        connection integer NOT NULL,
        bytes bigint NOT NULL CHECK (bytes >= 0),
        characters bigint NOT NULL CHECK (characters >= 0),
        PRIMARY KEY (tenant_id, day, connection)
    )
    """,
    """
    CREATE FUNCTION count_characters() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        INSERT INTO tenant_usage (tenant_id, day, connection, bytes, characters)
        SELECT jobs.tenant_id, (recorded_at AT TIME ZONE 'utc')::date, pg_backend_pid(),
               0, sum(engine_characters)
        FROM new_metrics
        JOIN jobs USING (job_id)
        WHERE engine_characters > 0
        GROUP BY 1, 2
        ON CONFLICT (tenant_id, day, connection) DO UPDATE
        SET characters = tenant_usage.characters + EXCLUDED.characters;
        RETURN NULL;
    END
    $$
    """,
    """
    CREATE TRIGGER characters_counted AFTER INSERT ON job_metrics
    REFERENCING NEW TABLE AS new_metrics
    FOR EACH STATEMENT EXECUTE FUNCTION count_characters()
    """,
)


def upgrade() -> None:
    for statement in _STATEMENTS:
        op.execute(statement)
