"""Events in an order that whoever reads on from where he was can rely on."""

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

UP = """
-- Numbers are given before transactions end, so a later number may be seen first. The transaction's own
-- number says when all that came before has been seen.
ALTER TABLE event
    ADD COLUMN facility text COLLATE "C",
    ADD COLUMN tx xid8 NOT NULL DEFAULT pg_current_xact_id();
UPDATE event e SET facility = s.facility FROM submission s WHERE s.id = e.submission_id;
ALTER TABLE event ALTER COLUMN facility SET NOT NULL;
CREATE INDEX event_of_facility ON event (facility, tx, seq);
"""

DOWN = "ALTER TABLE event DROP COLUMN tx, DROP COLUMN facility;"


def upgrade() -> None:
    """Make room for them."""
    op.execute(UP)


def downgrade() -> None:
    """Forget them."""
    op.execute(DOWN)
