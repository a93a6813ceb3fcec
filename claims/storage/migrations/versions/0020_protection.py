"""Protected records: the classes of each claim, and who broke the glass in front of one."""

from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

UP = """
-- Null: not known, which counts as every class.
ALTER TABLE claim ADD COLUMN classes text[];

CREATE TABLE opening (
    id text COLLATE "C" PRIMARY KEY,
    submission_id text COLLATE "C" NOT NULL REFERENCES submission,
    facility text COLLATE "C" NOT NULL,
    by text COLLATE "C" NOT NULL,
    reason text NOT NULL,
    opened_at timestamptz NOT NULL,
    until timestamptz NOT NULL
);
CREATE INDEX opening_of_submission ON opening (submission_id, by);
ALTER TABLE opening ENABLE ROW LEVEL SECURITY;
CREATE POLICY place ON opening USING (claims_may_see(facility));
"""

DOWN = """
DROP TABLE opening;
DELETE FROM event WHERE kind = 'glass_broken';
ALTER TABLE claim DROP COLUMN classes;
"""


def upgrade() -> None:
    """Make room for them."""
    op.execute(UP)


def downgrade() -> None:
    """Forget them, and what hospitals were told of them."""
    op.execute(DOWN)
