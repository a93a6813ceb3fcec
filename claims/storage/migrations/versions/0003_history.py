"""Marks of accepted claims: who or what was where, from when to when."""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

UP = """
-- Names are keyed digests. The period, a month counted from the year 0 (or 0: for ever), comes first in the
-- key: what is written and asked lies in the pages of a month or two, however many years there are, and what
-- is too old to be asked for is deleted by period. A stay of several months has a row in each of them.
-- No reference to submission: each row is written with its submission, and looking that up again costs more
-- than the row.
CREATE TABLE mark (
    period smallint NOT NULL,
    subject bytea NOT NULL,
    starts_at timestamp NOT NULL,
    ends_at timestamp NOT NULL,
    patient bytea NOT NULL,
    episode bytea NOT NULL,
    facility text COLLATE "C" NOT NULL,
    submission_id text COLLATE "C" NOT NULL,
    PRIMARY KEY (period, subject, starts_at, submission_id)
);
"""


def upgrade() -> None:
    """Make room for marks; claims accepted before leave none."""
    op.execute(UP)


def downgrade() -> None:
    """Forget them."""
    op.execute("DROP TABLE mark")
