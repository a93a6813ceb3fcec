"""Readings by facility: one whose records are read seldom is not looked for among everybody's."""

from alembic import op

revision = "0043"
down_revision = "0042"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Build it while readings come in."""
    with op.get_context().autocommit_block():
        op.execute(
            "CREATE INDEX CONCURRENTLY IF NOT EXISTS reading_of_facility ON reading USING gin (facilities)"
        )


def downgrade() -> None:
    """Drop it."""
    op.execute("DROP INDEX reading_of_facility")
