"""The log of access: sign-ins, and changes of who may do what."""

from alembic import op

revision = "0036"
down_revision = "0035"
branch_labels = None
depends_on = None

UP = """
-- In the order of their commits, without gaps; each with a digest over it and the one before it.
CREATE TABLE access_event (
    position bigint PRIMARY KEY,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    kind text NOT NULL,
    actor text COLLATE "C" NOT NULL,
    about text COLLATE "C" NOT NULL,
    places text[] NOT NULL,
    detail jsonb NOT NULL,
    digest bytea NOT NULL
);
CREATE INDEX access_event_about ON access_event (about, position DESC);

-- As its owner: whoever writes must not see what came before, which the chain goes on from.
CREATE FUNCTION chain_access_event() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    last access_event%ROWTYPE;
BEGIN
    -- One at a time until its transaction ends; 'acce' in ASCII.
    PERFORM pg_advisory_xact_lock(1633903461);
    SELECT * INTO last FROM access_event ORDER BY position DESC LIMIT 1;
    NEW.position := coalesce(last.position, 0) + 1;
    NEW.digest := sha256(coalesce(last.digest, '') || convert_to(concat_ws(chr(31),
        NEW.position, (extract(epoch FROM NEW.at) * 1000000)::bigint, NEW.kind, NEW.actor, NEW.about,
        array_to_string(NEW.places, ','), NEW.detail::text), 'UTF8'));
    RETURN NEW;
END $$;
CREATE TRIGGER access_event_is_chained BEFORE INSERT ON access_event
    FOR EACH ROW EXECUTE FUNCTION chain_access_event();
CREATE TRIGGER access_event_stays BEFORE UPDATE OR DELETE ON access_event
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_to_change_readings();

ALTER TABLE access_event ENABLE ROW LEVEL SECURITY;
CREATE POLICY place ON access_event
    USING (EXISTS (SELECT FROM unnest(places) AS p WHERE claims_may_see(p))) WITH CHECK (true);
"""

DOWN = """
DROP TABLE access_event;
DROP FUNCTION chain_access_event;
"""


def upgrade() -> None:
    """Begin the log."""
    op.execute(UP)


def downgrade() -> None:
    """Forget it."""
    op.execute(DOWN)
