"""Accounts of the drop-in intake; submissions by the gateway's number."""

from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

UP = """
CREATE TABLE dropin_account (
    facility text COLLATE "C" PRIMARY KEY REFERENCES facility,
    username text COLLATE "C" NOT NULL UNIQUE,
    verifier text NOT NULL,
    networks text[] NOT NULL,
    changed_at timestamptz NOT NULL
);
CREATE INDEX submission_of_receipt ON submission (facility, ma_giao_dich) WHERE ma_giao_dich IS NOT NULL;
"""

DOWN = "DROP INDEX submission_of_receipt; DROP TABLE dropin_account;"


def upgrade() -> None:
    """Make room for them."""
    op.execute(UP)


def downgrade() -> None:
    """Forget them."""
    op.execute(DOWN)
