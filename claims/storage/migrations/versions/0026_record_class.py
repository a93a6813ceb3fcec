"""The class of each claim by which it is decided for how many years it is kept."""

from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make room for it. Null: not known, which counts as the class that is kept longest."""
    op.execute("ALTER TABLE claim ADD COLUMN record_class text")


def downgrade() -> None:
    """Forget it."""
    op.execute("ALTER TABLE claim DROP COLUMN record_class")
