"""The gateway's last answers about assessment and settlement, for hospital software that asks through us."""

from alembic import op

revision = "0042"
down_revision = "0041"
branch_labels = None
depends_on = None

UP = """
CREATE TABLE gateway_answer (
    facility text COLLATE "C" NOT NULL REFERENCES facility,
    about text COLLATE "C" NOT NULL,
    which text COLLATE "C" NOT NULL,
    asked_at timestamptz NOT NULL,
    is_final boolean NOT NULL,
    answer_sealed bytea NOT NULL,
    PRIMARY KEY (facility, about, which)
);
CREATE INDEX gateway_answer_by_age ON gateway_answer (asked_at);
ALTER TABLE gateway_answer ENABLE ROW LEVEL SECURITY;
CREATE POLICY place ON gateway_answer USING (claims_may_see(facility));
"""

DOWN = "DROP TABLE gateway_answer"


def upgrade() -> None:
    """Make the table."""
    op.execute(UP)


def downgrade() -> None:
    """Forget the answers."""
    op.execute(DOWN)
