"""A chain over rows of tables that are only added to, which the heads of the log of evidence sign."""

from alembic import op

revision = "0040"
down_revision = "0039"
branch_labels = None
depends_on = None

UP = """
-- Digests of rows that are in no place of the chain yet: some seconds' worth.
CREATE TABLE row_pending (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    relation text COLLATE "C" NOT NULL,
    key text COLLATE "C" NOT NULL,
    submission_id text COLLATE "C",
    at timestamptz,
    row_digest bytea NOT NULL
);
-- Of a row that was noted several times the last place counts.
CREATE TABLE row_chain (
    position bigint PRIMARY KEY,
    relation text COLLATE "C" NOT NULL,
    key text COLLATE "C" NOT NULL,
    submission_id text COLLATE "C",
    at timestamptz,
    row_digest bytea NOT NULL,
    digest bytea NOT NULL
);
-- For workers and the owner alone: the functions below run as the latter.
ALTER TABLE row_pending ENABLE ROW LEVEL SECURITY;
ALTER TABLE row_chain ENABLE ROW LEVEL SECURITY;

-- Without what is null, so that a row stays what it is when its table gets another column.
CREATE FUNCTION row_digest(document jsonb) RETURNS bytea LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT sha256(convert_to(jsonb_strip_nulls(document)::text, 'UTF8'))
$$;

-- Notes rows that were added; told with which key, of which submission and when, each an expression over "a".
-- One spelling of times and bytes, whatever the session prefers.
CREATE FUNCTION note_rows() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
SET timezone = 'UTC' SET bytea_output = 'hex' AS $$
BEGIN
    EXECUTE format('INSERT INTO row_pending (relation, key, submission_id, at, row_digest) '
        'SELECT %L, %s, %s, %s, row_digest(to_jsonb(a)) FROM added a',
        TG_TABLE_NAME, TG_ARGV[0], TG_ARGV[1], TG_ARGV[2]);
    RETURN NULL;
END $$;

-- Gives places to rows that have none; returns how many.
CREATE FUNCTION chain_rows(most integer) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    last row_chain%ROWTYPE;
    one row_pending%ROWTYPE;
    done integer := 0;
BEGIN
    -- One at a time until its transaction ends; 'rows' in ASCII.
    PERFORM pg_advisory_xact_lock(1919907699);
    SELECT * INTO last FROM row_chain ORDER BY position DESC LIMIT 1;
    FOR one IN SELECT * FROM row_pending ORDER BY id LIMIT most LOOP
        last.position := coalesce(last.position, 0) + 1;
        last.digest := sha256(coalesce(last.digest, '') || convert_to(concat_ws(chr(31),
            last.position, coalesce((extract(epoch FROM one.at) * 1000000)::bigint::text, ''),
            one.relation, one.key, coalesce(one.submission_id, ''), encode(one.row_digest, 'hex')
        ), 'UTF8'));
        INSERT INTO row_chain VALUES (last.position, one.relation, one.key, one.submission_id, one.at,
            one.row_digest, last.digest);
        DELETE FROM row_pending WHERE id = one.id;
        done := done + 1;
    END LOOP;
    RETURN done;
END $$;
CREATE TRIGGER row_chain_stays BEFORE UPDATE OR DELETE ON row_chain
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_to_change_readings();

-- How far each chain has come. As its owner: whoever signs a head must not see what is in the chains.
CREATE FUNCTION chain_heads() RETURNS TABLE (chain text, "position" bigint, digest bytea)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    (SELECT 'access', c.position, c.digest FROM access_event c ORDER BY c.position DESC LIMIT 1)
    UNION ALL (SELECT 'readings', c.position, c.digest FROM reading_chain c ORDER BY c.position DESC LIMIT 1)
    UNION ALL (SELECT 'rows', c.position, c.digest FROM row_chain c ORDER BY c.position DESC LIMIT 1)
$$;
"""

#: Each with its rows' key, submission and time.
TABLES = {
    "registration_event": ("a.id::text", "NULL", "a.noted_at"),
    "review_message": ("a.seq::text", "(SELECT submission_id FROM review WHERE id = a.review_id)", "a.at"),
    "review_step": ("a.seq::text", "(SELECT submission_id FROM review WHERE id = a.review_id)", "a.at"),
    "claim": ("a.submission_id || ' ' || a.ordinal", "a.submission_id", "NULL::timestamptz"),
}


def upgrade() -> None:
    """Begin the chain with what is added from now on; what is there already comes in the next revision."""
    op.execute(UP)
    op.execute("SET LOCAL lock_timeout = '5s'")
    for table, (key, submission, at) in TABLES.items():
        arguments = ", ".join(f"$arg${each}$arg$" for each in (key, submission, at))
        op.execute(
            f"CREATE TRIGGER {table}_is_noted AFTER INSERT ON {table} REFERENCING NEW TABLE AS added "
            f"FOR EACH STATEMENT EXECUTE FUNCTION note_rows({arguments})"
        )


def downgrade() -> None:
    """Forget it."""
    for table in TABLES:
        op.execute(f"DROP TRIGGER {table}_is_noted ON {table}")
    op.execute(
        "DROP FUNCTION chain_heads; DROP FUNCTION chain_rows; DROP FUNCTION note_rows; "
        "DROP FUNCTION row_digest; DROP TABLE row_chain, row_pending"
    )
