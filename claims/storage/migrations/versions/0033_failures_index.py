"""Failures by cause with whose they are, so that operators' counts are told by the index alone."""

from alembic import op

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None

_FAILED = "WHERE state IN ('rejected', 'refused', 'failed')"


def upgrade() -> None:
    """Build it beside the one before, which it replaces: all that was asked of that one it answers."""
    with op.get_context().autocommit_block():
        op.execute(
            "CREATE INDEX CONCURRENTLY IF NOT EXISTS submission_failure "
            f"ON submission (state, cause, id) INCLUDE (facility) {_FAILED}"
        )
        op.execute("DROP INDEX CONCURRENTLY IF EXISTS submission_failed")


def downgrade() -> None:
    """Build the one before again."""
    op.execute(f"CREATE INDEX submission_failed ON submission (state, cause, id) {_FAILED}")
    op.execute("DROP INDEX submission_failure")
