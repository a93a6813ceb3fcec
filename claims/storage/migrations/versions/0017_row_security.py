"""Row-level security: a role that is held to it sees the rows of the places it is bound to."""

from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

#: The column that says whose a row is.
BY_PLACE = {
    "submission": "facility",
    "event": "facility",
    "claim": "facility",
    "idempotency_key": "facility",
    "replay": "place",
    "webhook": "facility",
    "gateway_account": "facility",
    "batch": "facility",
    "review": "facility",
}
#: What belongs to a submission is seen with it. It is written in the statement that writes the submission,
#: which that statement does not see yet, so what may be added is not asked here.
BY_SUBMISSION = ("report", "attempt", "receipt", "signed_receipt", "evidence", "replay_item", "review_due")
BODIES = ("submission_body", "origin")
#: What is seen with the row of another table, and by which of its columns.
BY_PARENT = {
    "webhook_delivery": ("webhook", "webhook_id"),
    "batch_item": ("batch", "batch_id"),
    "review_cut": ("review", "review_id"),
    "review_message": ("review", "review_id"),
    "review_step": ("review", "review_id"),
}

FUNCTION = """
CREATE FUNCTION claims_may_see(code text) RETURNS boolean LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT coalesce(current_setting('claims.reach', true) = '*'
        OR code ^@ ANY (string_to_array(nullif(current_setting('claims.reach', true), ''), ',')), false)
$$;
"""


def upgrade() -> None:
    """Switch it on. Superusers and the tables' owner are not held to it."""
    op.execute(FUNCTION)
    for table, column in BY_PLACE.items():
        op.execute(
            f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY; "
            f"CREATE POLICY place ON {table} USING (claims_may_see({column}))"
        )
    for table in (*BY_SUBMISSION, *BODIES):
        op.execute(
            f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY; "
            f"CREATE POLICY place ON {table} USING (EXISTS "
            f"(SELECT FROM submission s WHERE s.id = {table}.submission_id)) WITH CHECK (true)"
        )
    for table, (parent, column) in BY_PARENT.items():
        op.execute(
            f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY; "
            f"CREATE POLICY place ON {table} USING (EXISTS "
            f"(SELECT FROM {parent} p WHERE p.id = {table}.{column}))"
        )


def downgrade() -> None:
    """Switch it off."""
    for table in (*BY_PLACE, *BY_SUBMISSION, *BODIES, *BY_PARENT):
        op.execute(
            f"DROP POLICY place ON {table}; DROP POLICY IF EXISTS worker ON {table}; "
            f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY"
        )
    op.execute("DROP FUNCTION claims_may_see(text)")
