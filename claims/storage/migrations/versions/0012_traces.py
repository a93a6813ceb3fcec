"""The trace that a submission's request began, for the workers to go on with."""

from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make room for it."""
    op.execute("ALTER TABLE submission ADD COLUMN traceparent text")


def downgrade() -> None:
    """Forget it."""
    op.execute("ALTER TABLE submission DROP COLUMN traceparent")
