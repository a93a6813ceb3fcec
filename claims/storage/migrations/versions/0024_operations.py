"""Operating: pauses of sending, planned replays, and the ways to what is not settled."""

from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None

UP = """
-- What a facility still has to see to. As small as that, however much was settled.
CREATE INDEX submission_unsettled ON submission (facility, id)
    WHERE state NOT IN ('acknowledged', 'superseded', 'withdrawn');
CREATE INDEX webhook_delivery_of_submission ON webhook_delivery (submission_id);

-- Pauses of sending; the one without an end, if there is one, holds.
CREATE TABLE sending_pause (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    began_at timestamptz NOT NULL,
    began_by text NOT NULL,
    reason text NOT NULL,
    ended_at timestamptz,
    ended_by text
);
CREATE UNIQUE INDEX sending_pause_in_force ON sending_pause ((ended_at IS NULL)) WHERE ended_at IS NULL;

-- A selection that was frozen and looked at, and not set going yet.
ALTER TABLE replay ADD COLUMN is_planned boolean NOT NULL DEFAULT false;
"""

DOWN = """
DELETE FROM replay_item WHERE replay_id IN (SELECT id FROM replay WHERE is_planned);
DELETE FROM replay WHERE is_planned;
ALTER TABLE replay DROP COLUMN is_planned;
DROP TABLE sending_pause;
DROP INDEX webhook_delivery_of_submission, submission_unsettled;
"""


def upgrade() -> None:
    """Make room for pauses, and the ways to what is looked for."""
    op.execute(UP)


def downgrade() -> None:
    """Forget pauses."""
    op.execute(DOWN)
