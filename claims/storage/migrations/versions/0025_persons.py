"""A blind index of insured persons; the log of readings becomes a chain."""

from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None

UP = """
-- Keyed digests of the numbers in each claim: found by whoever has the key and the number.
CREATE TABLE claim_person (
    person bytea NOT NULL,
    submission_id text COLLATE "C" NOT NULL REFERENCES submission,
    ordinal smallint NOT NULL,
    rank smallint NOT NULL,
    PRIMARY KEY (person, submission_id, ordinal)
);
CREATE INDEX claim_person_of_submission ON claim_person (submission_id);
ALTER TABLE claim_person ENABLE ROW LEVEL SECURITY;
CREATE POLICY place ON claim_person
    USING (EXISTS (SELECT FROM submission s WHERE s.id = claim_person.submission_id)) WITH CHECK (true);

-- Each reading in the order of their commits, without gaps, with a digest over it and all before it.
CREATE TABLE reading_chain (
    position bigint PRIMARY KEY,
    reading_id bigint NOT NULL,
    digest bytea NOT NULL
);
CREATE FUNCTION chain_reading() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    last reading_chain%ROWTYPE;
BEGIN
    -- One at a time until its transaction ends; 'read' in ASCII.
    PERFORM pg_advisory_xact_lock(1919246692);
    SELECT * INTO last FROM reading_chain ORDER BY position DESC LIMIT 1;
    INSERT INTO reading_chain (position, reading_id, digest) VALUES (
        coalesce(last.position, 0) + 1,
        NEW.id,
        sha256(coalesce(last.digest, '') || convert_to(concat_ws(chr(31),
            NEW.id, (extract(epoch FROM NEW.at) * 1000000)::bigint, NEW.reader, NEW.page,
            array_to_string(NEW.submissions, ','), array_to_string(NEW.ordinals, ','),
            array_to_string(NEW.facilities, ','),
            (SELECT string_agg(coalesce(encode(p, 'hex'), '-'), ',' ORDER BY n)
             FROM unnest(NEW.persons) WITH ORDINALITY AS each (p, n))
        ), 'UTF8'))
    );
    RETURN NULL;
END $$;
CREATE TRIGGER reading_is_chained AFTER INSERT ON reading FOR EACH ROW EXECUTE FUNCTION chain_reading();
CREATE TRIGGER reading_chain_stays BEFORE UPDATE OR DELETE ON reading_chain
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_to_change_readings();
"""

DOWN = """
DROP TRIGGER reading_is_chained ON reading;
DROP TABLE reading_chain, claim_person;
DROP FUNCTION chain_reading;
"""


def upgrade() -> None:
    """Begin both; what was read before is no part of the chain."""
    op.execute(UP)


def downgrade() -> None:
    """Forget both."""
    op.execute(DOWN)
