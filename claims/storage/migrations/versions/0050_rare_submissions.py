"""Submissions that few of millions are like: those of a cause, those that were withdrawn or superseded."""

from alembic import op

revision = "0050"
down_revision = "0049"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Build them while claims come in."""
    with op.get_context().autocommit_block():
        op.execute(
            "CREATE INDEX CONCURRENTLY IF NOT EXISTS submission_of_cause "
            "ON submission (cause, id) WHERE cause IS NOT NULL"
        )
        op.execute(
            "CREATE INDEX CONCURRENTLY IF NOT EXISTS submission_set_aside "
            "ON submission (id) WHERE state IN ('superseded', 'withdrawn')"
        )


def downgrade() -> None:
    """Drop them."""
    op.execute("DROP INDEX submission_set_aside")
    op.execute("DROP INDEX submission_of_cause")
