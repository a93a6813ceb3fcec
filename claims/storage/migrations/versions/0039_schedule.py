"""What is sent regularly keeps its hours in the database, whichever host sends it."""

from alembic import op

revision = "0039"
down_revision = "0038"
branch_labels = None
depends_on = None

UP = """
-- A handful of rows: when each regular task is due again.
CREATE TABLE schedule (
    name text PRIMARY KEY,
    due_at timestamptz NOT NULL
);
"""

DOWN = "DROP TABLE schedule"


def upgrade() -> None:
    """Make the table."""
    op.execute(UP)


def downgrade() -> None:
    """Let every sender count for itself."""
    op.execute(DOWN)
