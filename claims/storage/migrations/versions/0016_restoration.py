"""Restores from backups, after which nothing is sent unseen for a while."""

from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make room for them."""
    op.execute(
        "CREATE TABLE restoration (noted_at timestamptz PRIMARY KEY, look_first_until timestamptz NOT NULL)"
    )


def downgrade() -> None:
    """Forget them."""
    op.execute("DROP TABLE restoration")
