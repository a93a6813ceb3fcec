"""Counts of claims by province beside those by facility, and the largest facilities first."""

from alembic import op

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None

UP = """
-- Claims are counted by facility (code '') and by province (code '*'), their findings by province.
INSERT INTO review_tally (state, lane, area, code, n, is_sum)
SELECT state, lane, left(area, 2), '*', sum(n), true FROM review_tally WHERE code = ''
GROUP BY state, lane, left(area, 2);
CREATE INDEX review_tally_largest ON review_tally (state, code, n DESC) WHERE is_sum;
"""

DOWN = """
DROP INDEX review_tally_largest;
DELETE FROM review_tally WHERE code = '*';
"""


def upgrade() -> None:
    """Add them up."""
    op.execute(UP)


def downgrade() -> None:
    """Forget them."""
    op.execute(DOWN)
