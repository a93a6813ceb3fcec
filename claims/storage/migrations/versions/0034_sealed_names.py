"""Names of patients in reviews, sealed; those that lie in the clear are sealed while the service runs."""

from alembic import op

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make room; where there is none, the name still lies in ``patient``."""
    op.execute("ALTER TABLE review ADD COLUMN patient_sealed bytea")


def downgrade() -> None:
    """Forget the sealed ones: their key is not here."""
    op.execute("ALTER TABLE review DROP COLUMN patient_sealed")
