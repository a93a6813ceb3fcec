"""In whose name a facility looks up cards, and good answers that were given."""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

UP = """
ALTER TABLE gateway_account ADD COLUMN card_staff_sealed bytea;

-- Good answers of the card look-up, one for an episode's card as the claim has it: named by a keyed digest,
-- sealed.
CREATE TABLE card_reply (
    question bytea PRIMARY KEY,
    answered_at timestamptz NOT NULL,
    reply_sealed bytea NOT NULL
);
"""

DOWN = """
DROP TABLE card_reply;
ALTER TABLE gateway_account DROP COLUMN card_staff_sealed;
"""


def upgrade() -> None:
    """Make room for them."""
    op.execute(UP)


def downgrade() -> None:
    """Forget them."""
    op.execute(DOWN)
