"""An index of what waits to be sent, by facility: none waits behind another's ten thousand."""

from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make it."""
    op.execute(
        "CREATE INDEX submission_to_send ON submission (facility, next_attempt_at) "
        "WHERE state IN ('checked', 'outcome_unknown')"
    )


def downgrade() -> None:
    """Drop it."""
    op.execute("DROP INDEX submission_to_send")
