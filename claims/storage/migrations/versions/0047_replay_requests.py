"""What a replay's key was used for: the same key with another request is refused, not taken for the first."""

from alembic import op

revision = "0047"
down_revision = "0046"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the digest of the request."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute('ALTER TABLE replay ADD COLUMN request_sha256 text COLLATE "C"')


def downgrade() -> None:
    """Forget it."""
    op.execute("ALTER TABLE replay DROP COLUMN request_sha256")
