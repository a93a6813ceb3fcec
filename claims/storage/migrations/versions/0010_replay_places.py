"""Replays belong to a place: a facility, a province or the nation."""

from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

UP = """
UPDATE replay SET facility = '' WHERE facility IS NULL;
ALTER TABLE replay RENAME COLUMN facility TO place;
ALTER TABLE replay ALTER COLUMN place SET NOT NULL;
"""

DOWN = """
ALTER TABLE replay ALTER COLUMN place DROP NOT NULL;
ALTER TABLE replay RENAME COLUMN place TO facility;
UPDATE replay SET facility = NULL WHERE length(facility) < 5;
"""


def upgrade() -> None:
    """Let a replay name a place."""
    op.execute(UP)


def downgrade() -> None:
    """Keep facilities; other replays become the service's own again."""
    op.execute(DOWN)
