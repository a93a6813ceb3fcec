"""The log of readings: who saw what of which patients."""

from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

UP = """
-- A row for each page that showed patients' data; only added to. It names nobody: persons are keyed digests.
CREATE TABLE reading (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at timestamptz NOT NULL,
    reader text COLLATE "C" NOT NULL,
    page text NOT NULL,
    submissions text[] NOT NULL,
    ordinals smallint[] NOT NULL,
    facilities text[] NOT NULL,
    persons bytea[] NOT NULL
);
CREATE INDEX reading_of_reader ON reading (reader, id DESC);
CREATE INDEX reading_of_submission ON reading USING gin (submissions);
CREATE INDEX reading_of_person ON reading USING gin (persons);

CREATE FUNCTION refuse_to_change_readings() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the log of readings is only added to';
END $$;
CREATE TRIGGER reading_stays BEFORE UPDATE OR DELETE ON reading
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_to_change_readings();
"""

DOWN = """
DROP TABLE reading;
DROP FUNCTION refuse_to_change_readings;
"""


def upgrade() -> None:
    """Begin the log."""
    op.execute(UP)


def downgrade() -> None:
    """Forget it."""
    op.execute(DOWN)
