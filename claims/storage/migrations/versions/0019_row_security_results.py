"""Row-level security for what the gateway said later: results, faults, settlements, sessions."""

from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

BY_PLACE = ("result_watch", "settlement", "gateway_session")
BY_SUBMISSION = ("reception_fault", "assessment")


def upgrade() -> None:
    """Switch it on."""
    for table in BY_PLACE:
        op.execute(
            f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY; "
            f"CREATE POLICY place ON {table} USING (claims_may_see(facility))"
        )
    for table in BY_SUBMISSION:
        op.execute(
            f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY; "
            f"CREATE POLICY place ON {table} USING (EXISTS "
            f"(SELECT FROM submission s WHERE s.id = {table}.submission_id))"
        )


def downgrade() -> None:
    """Switch it off."""
    for table in (*BY_PLACE, *BY_SUBMISSION):
        op.execute(
            f"DROP POLICY place ON {table}; DROP POLICY IF EXISTS worker ON {table}; "
            f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY"
        )
