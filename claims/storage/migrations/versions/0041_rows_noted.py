"""What was there before the chain of rows is noted: reads, and locks nothing that the service needs."""

from importlib import import_module

from alembic import op

revision = "0041"
down_revision = "0040"
branch_labels = None
depends_on = None

_TABLES: dict[str, tuple[str, str, str]] = import_module(
    "claims.storage.migrations.versions.0040_row_chain"
).TABLES


def upgrade() -> None:
    """Note them, the oldest first."""
    op.execute("SET LOCAL timezone = 'UTC'")
    op.execute("SET LOCAL bytea_output = 'hex'")
    for table, (key, submission, at) in _TABLES.items():
        # Without their times: beside rows of another table, which came before, they are not dated back.
        op.execute(
            f"INSERT INTO row_pending (relation, key, submission_id, row_digest) "
            f"SELECT '{table}', {key}, {submission}, row_digest(to_jsonb(a)) FROM {table} a "
            f"WHERE NOT EXISTS (SELECT FROM row_pending p WHERE (p.relation, p.key) = ('{table}', {key})) "
            f"AND NOT EXISTS (SELECT FROM row_chain c WHERE (c.relation, c.key) = ('{table}', {key})) "
            f"ORDER BY {at}, {key}"
        )


def downgrade() -> None:
    """Leave them: the revision before this one forgets the whole chain."""
