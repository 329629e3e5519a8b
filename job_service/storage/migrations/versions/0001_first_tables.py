"""Make the first tables: accounts, jobs, steps, targets, events, artifacts, leases, workers.

Two promises are kept by the database itself, whatever the code does: a final
state never changes, and what has been told in an event is never untold.
"""

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_FINAL_JOB = "'COMPLETED','PARTIALLY_COMPLETED','FAILED','DEAD_LETTERED','CANCELLED','EXPIRED'"
_FINAL_STEP = "'COMPLETED','FAILED','DEAD_LETTERED','CANCELLED','EXPIRED'"
_LIVE_STEP = "'BLOCKED','PENDING','QUEUED','IN_PROGRESS','RETRY_WAIT','CANCELLING'"
_LIVE_JOB = "'PENDING','QUEUED','IN_PROGRESS','RETRY_WAIT','CANCELLING'"

_TABLES = (
    """
    CREATE TABLE tenants (
        tenant_id uuid PRIMARY KEY,
        name text NOT NULL UNIQUE CHECK (name <> ''),
        created_at timestamptz NOT NULL
    )
    """,
    """
    CREATE TABLE tokens (
        token_id uuid PRIMARY KEY,
        tenant_id uuid NOT NULL REFERENCES tenants,
        role text NOT NULL CHECK (role IN ('client', 'worker')),
        token_hash bytea NOT NULL UNIQUE CHECK (length(token_hash) = 32),
        created_at timestamptz NOT NULL,
        expires_at timestamptz,
        revoked_at timestamptz
    )
    """,
    f"""
    CREATE TABLE jobs (
        job_id uuid PRIMARY KEY,
        tenant_id uuid NOT NULL REFERENCES tenants,
        request_id text,
        request_hash bytea NOT NULL,
        kind text NOT NULL,
        spec jsonb NOT NULL,
        text_artifact_id uuid,
        state text NOT NULL CHECK (state IN ({_LIVE_JOB},{_FINAL_JOB})),
        priority text NOT NULL CHECK (priority IN ('URGENT', 'NORMAL', 'LOW')),
        labels jsonb NOT NULL,
        traceparent text NOT NULL,
        sequence bigint NOT NULL CHECK (sequence > 0),
        attempts integer NOT NULL,
        progress jsonb,
        error jsonb,
        parent_job_id uuid,
        deadline_at timestamptz,
        cancel_requested_at timestamptz,
        created_at timestamptz NOT NULL,
        queued_at timestamptz,
        started_at timestamptz,
        finished_at timestamptz,
        UNIQUE (tenant_id, request_id)
    )
    """,
    """
    CREATE TABLE targets (
        job_id uuid NOT NULL REFERENCES jobs ON DELETE CASCADE,
        key text NOT NULL,
        position smallint NOT NULL,
        state text NOT NULL CHECK (state IN ('ACTIVE', 'COMPLETED', 'FAILED', 'CANCELLED')),
        error jsonb,
        PRIMARY KEY (job_id, key)
    )
    """,
    f"""
    CREATE TABLE steps (
        step_id uuid PRIMARY KEY,
        job_id uuid NOT NULL REFERENCES jobs ON DELETE CASCADE,
        position smallint NOT NULL,
        name text NOT NULL,
        kind text NOT NULL,
        target_key text NOT NULL,
        state text NOT NULL CHECK (state IN ({_LIVE_STEP},{_FINAL_STEP})),
        settings jsonb NOT NULL,
        timeout interval NOT NULL,
        depends_on text[] NOT NULL,
        weight double precision NOT NULL CHECK (weight >= 0),
        generation bigint NOT NULL CHECK (generation > 0),
        attempt integer NOT NULL,
        application_failures integer NOT NULL,
        crashes integer NOT NULL,
        lease_id uuid,
        lease_expires_at timestamptz,
        worker_id text NOT NULL,
        not_before timestamptz,
        cancel_requested_at timestamptz,
        progress jsonb,
        error jsonb,
        usage jsonb,
        created_at timestamptz NOT NULL,
        queued_at timestamptz,
        started_at timestamptz,
        attempt_started_at timestamptz,
        finished_at timestamptz,
        priority_rank smallint NOT NULL CHECK (priority_rank BETWEEN 0 AND 2),
        publish_at timestamptz NOT NULL,
        times_published integer NOT NULL,
        UNIQUE (job_id, name),
        -- A lease is held in exactly the states in which work can run.
        CHECK ((lease_id IS NOT NULL) = (state IN ('IN_PROGRESS', 'CANCELLING'))),
        CHECK ((lease_id IS NULL) = (lease_expires_at IS NULL)),
        CHECK ((state = 'RETRY_WAIT') = (not_before IS NOT NULL))
    )
    """,
    """
    CREATE TABLE job_events (
        job_id uuid NOT NULL REFERENCES jobs ON DELETE CASCADE,
        sequence bigint NOT NULL CHECK (sequence > 0),
        occurred_at timestamptz NOT NULL,
        kind text NOT NULL,
        fact jsonb NOT NULL,
        PRIMARY KEY (job_id, sequence)
    )
    """,
    """
    CREATE TABLE artifacts (
        tenant_id uuid NOT NULL REFERENCES tenants,
        artifact_id uuid NOT NULL,
        role text NOT NULL CHECK (role IN ('upload', 'output', 'text')),
        state text NOT NULL CHECK (state IN ('UPLOADING', 'READY')),
        filename text NOT NULL,
        media_type text NOT NULL,
        sha256 text CHECK (sha256 ~ '^[0-9a-f]{64}$'),
        size_bytes bigint CHECK (size_bytes >= 0),
        declared_sha256 text,
        declared_size_bytes bigint,
        seal uuid,
        job_id uuid REFERENCES jobs ON DELETE CASCADE,
        target_key text NOT NULL,
        position integer NOT NULL DEFAULT 0,
        storage_key text,
        inline bytea,
        created_at timestamptz NOT NULL,
        PRIMARY KEY (tenant_id, artifact_id),
        CHECK ((state = 'READY') = (sha256 IS NOT NULL AND size_bytes IS NOT NULL)),
        CHECK ((storage_key IS NULL) <> (inline IS NULL)),
        CHECK ((role = 'upload') = (job_id IS NULL))
    )
    """,
    """
    CREATE TABLE lease_outcomes (
        step_id uuid NOT NULL REFERENCES steps ON DELETE CASCADE,
        generation bigint NOT NULL,
        lease_id uuid NOT NULL,
        result text NOT NULL CHECK (result IN ('COMPLETED', 'FAILED', 'COMPLETED_TOO_LATE')),
        occurred_at timestamptz NOT NULL,
        PRIMARY KEY (step_id, generation, lease_id)
    )
    """,
    """
    CREATE TABLE workers (
        worker_id text PRIMARY KEY,
        service text NOT NULL,
        version text NOT NULL,
        announcement jsonb NOT NULL,
        announced_at timestamptz NOT NULL,
        expires_at timestamptz NOT NULL
    )
    """,
    """
    CREATE TABLE job_metrics (
        job_id uuid PRIMARY KEY REFERENCES jobs ON DELETE CASCADE,
        peak_cpu_percent double precision,
        peak_rss_bytes bigint,
        cpu_seconds double precision,
        processing_seconds double precision,
        input_bytes bigint,
        output_bytes bigint,
        recorded_at timestamptz NOT NULL
    )
    """,
)

_INDEXES = (
    # Lists, newest first.
    "CREATE INDEX jobs_newest ON jobs (tenant_id, created_at DESC, job_id DESC)",
    "CREATE INDEX jobs_labels ON jobs USING gin (labels jsonb_path_ops) WHERE labels <> '{}'",
    # Admission.
    "CREATE INDEX jobs_waiting ON jobs (tenant_id) WHERE state IN ('PENDING', 'QUEUED')",
    # The reaper. Leases are not in the key: each heartbeat would rewrite the index.
    f"""
    CREATE INDEX jobs_deadline ON jobs (deadline_at)
    WHERE deadline_at IS NOT NULL AND state IN ({_LIVE_JOB})
    """,
    "CREATE INDEX steps_leased ON steps (job_id) WHERE state IN ('IN_PROGRESS', 'CANCELLING')",
    "CREATE INDEX steps_waiting ON steps (not_before) WHERE state = 'RETRY_WAIT'",
    # The relay: one walk a priority.
    """
    CREATE INDEX steps_to_publish ON steps (priority_rank, publish_at)
    WHERE state IN ('PENDING', 'QUEUED')
    """,
    "CREATE INDEX artifacts_of_job ON artifacts (job_id) WHERE job_id IS NOT NULL",
)

_TRIGGERS = (
    """
    CREATE FUNCTION refuse_change_of_final_state() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        RAISE EXCEPTION '% is final: its state cannot become %', OLD.state, NEW.state
            USING ERRCODE = 'integrity_constraint_violation';
    END
    $$
    """,
    f"""
    CREATE TRIGGER final_job BEFORE UPDATE ON jobs FOR EACH ROW
    WHEN (OLD.state IN ({_FINAL_JOB}) AND NEW.state IS DISTINCT FROM OLD.state)
    EXECUTE FUNCTION refuse_change_of_final_state()
    """,
    f"""
    CREATE TRIGGER final_step BEFORE UPDATE ON steps FOR EACH ROW
    WHEN (OLD.state IN ({_FINAL_STEP}) AND NEW.state IS DISTINCT FROM OLD.state)
    EXECUTE FUNCTION refuse_change_of_final_state()
    """,
    """
    CREATE TRIGGER final_target BEFORE UPDATE ON targets FOR EACH ROW
    WHEN (OLD.state <> 'ACTIVE' AND NEW.state IS DISTINCT FROM OLD.state)
    EXECUTE FUNCTION refuse_change_of_final_state()
    """,
    """
    CREATE FUNCTION refuse_change_of_record() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        -- When the job itself is being deleted its row is gone already.
        IF TG_OP = 'DELETE' AND NOT EXISTS (SELECT FROM jobs WHERE job_id = OLD.job_id) THEN
            RETURN OLD;
        END IF;
        RAISE EXCEPTION '% keeps what was written: no %', TG_TABLE_NAME, TG_OP
            USING ERRCODE = 'integrity_constraint_violation';
    END
    $$
    """,
    """
    CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON job_events FOR EACH ROW
    EXECUTE FUNCTION refuse_change_of_record()
    """,
    """
    CREATE TRIGGER written_once BEFORE UPDATE OR DELETE ON job_metrics FOR EACH ROW
    EXECUTE FUNCTION refuse_change_of_record()
    """,
)


def upgrade() -> None:
    for statement in (*_TABLES, *_INDEXES, *_TRIGGERS):
        op.execute(statement)
