"""Holds that stand, and erasures, in the order of their time: both are shown as lists, newest first."""

from alembic import op

revision = "0044"
down_revision = "0043"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Build them while claims come in."""
    with op.get_context().autocommit_block():
        op.execute(
            "CREATE INDEX CONCURRENTLY IF NOT EXISTS legal_hold_standing "
            "ON legal_hold (placed_at, submission_id) WHERE released_at IS NULL"
        )
        op.execute(
            "CREATE INDEX CONCURRENTLY IF NOT EXISTS erasure_in_order ON erasure (erased_at, submission_id)"
        )


def downgrade() -> None:
    """Drop them."""
    op.execute("DROP INDEX legal_hold_standing, erasure_in_order")
