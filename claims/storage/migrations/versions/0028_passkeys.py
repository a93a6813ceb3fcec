"""Passkeys: public keys of people's devices."""

from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None

UP = """
CREATE TABLE passkey (
    id bytea PRIMARY KEY,
    person_id text COLLATE "C" NOT NULL REFERENCES person,
    public_key bytea NOT NULL,
    uses bigint NOT NULL,
    created_at timestamptz NOT NULL,
    last_used_at timestamptz
);
CREATE INDEX passkey_of_person ON passkey (person_id);
"""


def upgrade() -> None:
    """Make room for them."""
    op.execute(UP)


def downgrade() -> None:
    """Forget them: whoever has no code generator needs an administrator."""
    op.execute("DROP TABLE passkey")
