"""Timestamps on heads of the log are in the chain of rows, too: one that is taken away is missed."""

from alembic import op

revision = "0046"
down_revision = "0045"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Note them from now on, and those that are there."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("SET LOCAL timezone = 'UTC'")
    op.execute("SET LOCAL bytea_output = 'hex'")
    op.execute(
        "CREATE TRIGGER head_timestamp_is_noted AFTER INSERT ON head_timestamp "
        "REFERENCING NEW TABLE AS added FOR EACH STATEMENT "
        "EXECUTE FUNCTION note_rows('a.size::text', 'NULL', 'NULL::timestamptz')"
    )
    op.execute(
        "INSERT INTO row_pending (relation, key, row_digest) "
        "SELECT 'head_timestamp', a.size::text, row_digest(to_jsonb(a)) FROM head_timestamp a ORDER BY a.size"
    )


def downgrade() -> None:
    """Note them no longer."""
    op.execute("DROP TRIGGER head_timestamp_is_noted ON head_timestamp")
