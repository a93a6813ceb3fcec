"""Readings get their place in the chain a moment later: nobody who reads waits for others who do."""

from alembic import op

revision = "0038"
down_revision = "0037"
branch_labels = None
depends_on = None

UP = """
-- Readings without a place yet: some seconds' worth.
CREATE TABLE reading_pending (
    reading_id bigint PRIMARY KEY
);
CREATE FUNCTION queue_reading() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO reading_pending (reading_id) VALUES (NEW.id);
    RETURN NULL;
END $$;

-- Gives places to readings that have none; returns how many.
CREATE FUNCTION chain_readings(most integer) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    last reading_chain%ROWTYPE;
    one reading%ROWTYPE;
    done integer := 0;
BEGIN
    -- One at a time until its transaction ends; 'read' in ASCII.
    PERFORM pg_advisory_xact_lock(1919246692);
    SELECT * INTO last FROM reading_chain ORDER BY position DESC LIMIT 1;
    FOR one IN SELECT r.* FROM reading_pending p JOIN reading r ON r.id = p.reading_id
        ORDER BY r.id LIMIT most
    LOOP
        last.position := coalesce(last.position, 0) + 1;
        last.digest := sha256(coalesce(last.digest, '') || convert_to(concat_ws(chr(31),
            one.id, (extract(epoch FROM one.at) * 1000000)::bigint, one.reader, one.page,
            array_to_string(one.submissions, ','), array_to_string(one.ordinals, ','),
            array_to_string(one.facilities, ','),
            (SELECT string_agg(coalesce(encode(p, 'hex'), '-'), ',' ORDER BY n)
             FROM unnest(one.persons) WITH ORDINALITY AS each (p, n))
        ), 'UTF8'));
        INSERT INTO reading_chain (position, reading_id, digest)
            VALUES (last.position, one.id, last.digest);
        DELETE FROM reading_pending WHERE reading_id = one.id;
        done := done + 1;
    END LOOP;
    RETURN done;
END $$;
DROP TRIGGER reading_is_chained ON reading;
CREATE TRIGGER reading_waits AFTER INSERT ON reading FOR EACH ROW EXECUTE FUNCTION queue_reading();
"""

DOWN = """
SELECT chain_readings(2147483647);
DROP TRIGGER reading_waits ON reading;
CREATE TRIGGER reading_is_chained AFTER INSERT ON reading FOR EACH ROW EXECUTE FUNCTION chain_reading();
DROP FUNCTION chain_readings;
DROP FUNCTION queue_reading;
DROP TABLE reading_pending;
"""


def upgrade() -> None:
    """Let them wait."""
    op.execute(UP)


def downgrade() -> None:
    """Give the last ones their places, and every later one its own at once."""
    op.execute(DOWN)
