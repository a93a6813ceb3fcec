"""Versions of a claim: which submission took another's place. Replays that are paced, paused and canceled."""

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

UP = """
ALTER TABLE submission ADD COLUMN superseded_by text COLLATE "C" REFERENCES submission;

ALTER TABLE replay
    ADD COLUMN request_key text COLLATE "C",
    ADD COLUMN per_minute integer CHECK (per_minute > 0),
    ADD COLUMN total integer NOT NULL DEFAULT 0,
    -- Up to when its pace has been used up.
    ADD COLUMN paced_until timestamptz,
    ADD COLUMN paused_at timestamptz,
    ADD COLUMN canceled_at timestamptz;
UPDATE replay SET total = (SELECT count(*) FROM replay_item WHERE replay_id = replay.id);
-- A request that is made twice under one key is one replay.
CREATE UNIQUE INDEX replay_of_request ON replay (actor, request_key) WHERE request_key IS NOT NULL;
"""

DOWN = """
DROP INDEX replay_of_request;
ALTER TABLE replay DROP COLUMN request_key, DROP COLUMN per_minute, DROP COLUMN total,
    DROP COLUMN paced_until, DROP COLUMN paused_at, DROP COLUMN canceled_at;
-- Items that were never tried would hold the earlier shape's replays open.
UPDATE replay_item SET outcome = 'skipped_under_way'
    WHERE outcome IN ('skipped_superseded', 'skipped_withdrawn', 'canceled');
-- The states that the earlier shape does not know.
UPDATE submission SET state = 'failed' WHERE state IN ('superseded', 'withdrawn');
DELETE FROM event WHERE kind IN ('superseded', 'withdrawn');
ALTER TABLE submission DROP COLUMN superseded_by;
"""


def upgrade() -> None:
    """Make room for them."""
    op.execute(UP)


def downgrade() -> None:
    """Forget them."""
    op.execute(DOWN)
