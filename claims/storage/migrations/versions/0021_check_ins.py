"""What check-ins said, for the claims of their episodes."""

from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

UP = """
-- Named by a keyed digest of facility and episode key; the fields are sealed.
CREATE TABLE check_in (
    episode bytea PRIMARY KEY,
    received_at timestamptz NOT NULL,
    fields_sealed bytea NOT NULL
);
CREATE INDEX check_in_by_age ON check_in (received_at);
"""


def upgrade() -> None:
    """Make room for them."""
    op.execute(UP)


def downgrade() -> None:
    """Forget them."""
    op.execute("DROP TABLE check_in")
