"""Where contents lie that have moved to the store of objects, and what of it nobody wants any more."""

from alembic import op

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None

UP = """
-- Digests of what was stored, encrypted: its names in the store. Small rows in place of large ones.
CREATE TABLE moved_content (
    submission_id text COLLATE "C" PRIMARY KEY REFERENCES submission,
    body bytea NOT NULL,
    document bytea,
    trace bytea,
    moved_at timestamptz NOT NULL
);
ALTER TABLE moved_content ENABLE ROW LEVEL SECURITY;
CREATE POLICY place ON moved_content
    USING (EXISTS (SELECT FROM submission s WHERE s.id = moved_content.submission_id)) WITH CHECK (true);

-- What was erased here and is still to be removed there.
CREATE TABLE unwanted_object (
    sha256 bytea PRIMARY KEY
);
"""

DOWN = """
DO $$ BEGIN
    IF EXISTS (SELECT FROM moved_content) THEN
        RAISE EXCEPTION 'contents lie in the store, and nothing else says where: this revision is not left';
    END IF;
END $$;
DROP TABLE unwanted_object, moved_content;
"""


def upgrade() -> None:
    """Make room for them; workers move contents where a store is configured."""
    op.execute(UP)


def downgrade() -> None:
    """Drop the tables, unless something depends on them."""
    op.execute(DOWN)
