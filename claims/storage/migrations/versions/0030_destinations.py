"""What all processes know of a gateway together: whether it rests, and when its next turn is."""

from alembic import op

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table; a row each is made when it is first needed."""
    op.execute(
        "CREATE TABLE gateway_destination ("
        'name text COLLATE "C" PRIMARY KEY, '
        "circuit text NOT NULL DEFAULT 'closed', "
        "silences integer NOT NULL DEFAULT 0, "
        "rest_s double precision NOT NULL DEFAULT 10, "
        "rests_until timestamptz NOT NULL DEFAULT 'epoch', "
        "free_at timestamptz NOT NULL DEFAULT 'epoch')"
    )


def downgrade() -> None:
    """Let each process find out for itself."""
    op.execute("DROP TABLE gateway_destination")
