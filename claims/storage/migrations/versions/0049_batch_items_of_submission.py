"""Files of batches by their submission: what they were called goes with its content."""

from alembic import op

revision = "0049"
down_revision = "0048"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Build it while batches come in."""
    with op.get_context().autocommit_block():
        op.execute(
            "CREATE INDEX CONCURRENTLY IF NOT EXISTS batch_item_of_submission "
            "ON batch_item (submission_id) WHERE submission_id IS NOT NULL"
        )


def downgrade() -> None:
    """Drop it."""
    op.execute("DROP INDEX batch_item_of_submission")
