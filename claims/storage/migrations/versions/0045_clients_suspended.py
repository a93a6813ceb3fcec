"""OAuth clients may be suspended for a while, not only ended for good."""

from alembic import op

revision = "0045"
down_revision = "0044"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add since when."""
    op.execute("ALTER TABLE oauth_client ADD COLUMN suspended_at timestamptz")


def downgrade() -> None:
    """Drop it: who was suspended may call again."""
    op.execute("ALTER TABLE oauth_client DROP COLUMN suspended_at")
