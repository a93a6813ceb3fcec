"""What signatures were judged by: certificates, lists and answers of the day, each once, by its digest."""

from alembic import op

revision = "0048"
down_revision = "0047"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make room for them; what is public needs no row security."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("CREATE TABLE trust_material (sha256 bytea PRIMARY KEY, content bytea NOT NULL)")


def downgrade() -> None:
    """Forget them."""
    op.execute("DROP TABLE trust_material")
