"""Keep webhooks, and make their deliveries with the events that they tell of.

Events are written by running code of the version before too: the trigger makes the deliveries
whoever writes the event.
"""

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_STATEMENTS = (
    """
    CREATE TABLE webhooks (
        webhook_id uuid PRIMARY KEY,
        tenant_id uuid NOT NULL REFERENCES tenants,
        url text NOT NULL,
        description text NOT NULL,
        events text[] NOT NULL CHECK (
            cardinality(events) > 0
            AND events <@ ARRAY['JOB_STATE', 'JOB_ENDED', 'TARGET', 'STEP']
        ),
        state text NOT NULL CHECK (state IN ('ENABLED', 'DISABLED')),
        disabled_reason text,
        secret bytea NOT NULL,
        previous_secret bytea,
        previous_until timestamptz,
        failures integer NOT NULL DEFAULT 0,
        failing_since timestamptz,
        resume_at timestamptz,
        created_at timestamptz NOT NULL,
        CHECK ((state = 'DISABLED') = (disabled_reason IS NOT NULL))
    )
    """,
    "CREATE INDEX webhooks_of_tenant ON webhooks (tenant_id)",
    """
    CREATE TABLE webhook_deliveries (
        delivery_id uuid PRIMARY KEY,
        webhook_id uuid NOT NULL REFERENCES webhooks ON DELETE CASCADE,
        job_id uuid NOT NULL,
        sequence bigint NOT NULL,
        state text NOT NULL DEFAULT 'PENDING' CHECK (state IN ('PENDING', 'DELIVERED', 'FAILED')),
        tries integer NOT NULL DEFAULT 0,
        attempt_count integer NOT NULL DEFAULT 0,
        due_at timestamptz NOT NULL,
        claim_id uuid,
        created_at timestamptz NOT NULL,
        ended_at timestamptz,
        UNIQUE (job_id, sequence, webhook_id),
        FOREIGN KEY (job_id, sequence) REFERENCES job_events ON DELETE CASCADE,
        CHECK ((state = 'PENDING') = (ended_at IS NULL))
    )
    """,
    # What is due, and what of a job is before it.
    """
    CREATE INDEX webhook_deliveries_due ON webhook_deliveries (webhook_id, due_at)
    WHERE state = 'PENDING'
    """,
    """
    CREATE INDEX webhook_deliveries_pending ON webhook_deliveries (webhook_id, job_id, sequence)
    WHERE state = 'PENDING'
    """,
    # Lists, newest first.
    """
    CREATE INDEX webhook_deliveries_newest
    ON webhook_deliveries (webhook_id, created_at DESC, delivery_id DESC)
    """,
    """
    CREATE TABLE webhook_attempts (
        delivery_id uuid NOT NULL REFERENCES webhook_deliveries ON DELETE CASCADE,
        number integer NOT NULL,
        started_at timestamptz NOT NULL,
        duration interval NOT NULL,
        http_status integer NOT NULL,
        error text,
        PRIMARY KEY (delivery_id, number)
    )
    """,
    """
    CREATE FUNCTION webhook_wants(events text[], kind text, fact jsonb) RETURNS boolean
    LANGUAGE sql IMMUTABLE AS $$
        SELECT CASE kind
            WHEN 'job_state_changed' THEN
                'JOB_STATE' = ANY (events)
                OR 'JOB_ENDED' = ANY (events) AND fact ->> 'state' IN (
                    'COMPLETED', 'PARTIALLY_COMPLETED', 'FAILED',
                    'DEAD_LETTERED', 'CANCELLED', 'EXPIRED'
                )
            WHEN 'target_finished' THEN 'TARGET' = ANY (events)
            WHEN 'step_state_changed' THEN 'STEP' = ANY (events)
            ELSE false
        END
    $$
    """,
    # The sequence and random bits, so that events of one moment are listed in their order.
    """
    CREATE FUNCTION webhook_delivery_id(sequence bigint) RETURNS uuid
    LANGUAGE sql VOLATILE AS $$
        SELECT overlay(
            overlay(gen_random_uuid()::text PLACING '8' FROM 15)
            PLACING substr(lpad(to_hex(sequence), 12, '0'), 1, 8) || '-'
                    || substr(lpad(to_hex(sequence), 12, '0'), 9, 4) FROM 1
        )::uuid
    $$
    """,
    """
    CREATE FUNCTION tell_webhooks() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        -- Most servers have none: then an event costs no more than this look.
        IF EXISTS (SELECT FROM webhooks WHERE state = 'ENABLED') THEN
            INSERT INTO webhook_deliveries
                (delivery_id, webhook_id, job_id, sequence, due_at, created_at)
            SELECT webhook_delivery_id(event.sequence), told.webhook_id, event.job_id,
                   event.sequence, event.occurred_at, event.occurred_at
            FROM new_events event
            JOIN jobs USING (job_id)
            JOIN webhooks told ON told.tenant_id = jobs.tenant_id AND told.state = 'ENABLED'
            WHERE webhook_wants(told.events, event.kind, event.fact);
        END IF;
        RETURN NULL;
    END
    $$
    """,
    """
    CREATE TRIGGER webhooks_told AFTER INSERT ON job_events
    REFERENCING NEW TABLE AS new_events
    FOR EACH STATEMENT EXECUTE FUNCTION tell_webhooks()
    """,
)


def upgrade() -> None:
    for statement in _STATEMENTS:
        op.execute(statement)
