"""The wrapped key of each submission's content; a submission without one lies in the clear."""

from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

UP = """
-- Apart from the content, so that another master key means small rows written anew and large ones left alone.
CREATE TABLE data_key (
    submission_id text COLLATE "C" PRIMARY KEY REFERENCES submission,
    wrapped bytea NOT NULL,
    master text COLLATE "C" NOT NULL
);
ALTER TABLE data_key ENABLE ROW LEVEL SECURITY;
CREATE POLICY place ON data_key
    USING (EXISTS (SELECT FROM submission s WHERE s.id = data_key.submission_id)) WITH CHECK (true);
"""

DOWN = """
DO $$ BEGIN
    IF EXISTS (SELECT FROM data_key) THEN
        RAISE EXCEPTION 'encrypted content cannot be read without its keys: this revision is not left';
    END IF;
END $$;
DROP TABLE data_key;
"""


def upgrade() -> None:
    """Make room for them; `claims content-key rotate` encrypts what is there."""
    op.execute(UP)


def downgrade() -> None:
    """Drop the table, unless something depends on it."""
    op.execute(DOWN)
