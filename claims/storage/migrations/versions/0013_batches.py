"""Batches: many bundles handed over at once."""

from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

UP = """
CREATE TABLE batch (
    id text COLLATE "C" PRIMARY KEY,
    facility text COLLATE "C" NOT NULL REFERENCES facility,
    sha256 bytea NOT NULL,
    size bigint NOT NULL,
    actor text NOT NULL,
    created_at timestamptz NOT NULL,
    total integer NOT NULL,
    accepted integer NOT NULL DEFAULT 0,
    duplicate integer NOT NULL DEFAULT 0,
    refused integer NOT NULL DEFAULT 0,
    finished_at timestamptz,
    UNIQUE (facility, sha256)
);
CREATE INDEX batch_unfinished ON batch (id) WHERE finished_at IS NULL;

CREATE TABLE batch_item (
    batch_id text COLLATE "C" NOT NULL REFERENCES batch,
    position integer NOT NULL,
    name text NOT NULL,
    outcome text NOT NULL,
    cause text,
    submission_id text COLLATE "C" REFERENCES submission,
    PRIMARY KEY (batch_id, position)
);

-- Keys that are older than their time are forgotten, oldest first.
CREATE INDEX idempotency_key_of_age ON idempotency_key (created_at);
"""

DOWN = "DROP INDEX idempotency_key_of_age; DROP TABLE batch_item; DROP TABLE batch;"


def upgrade() -> None:
    """Make room for them."""
    op.execute(UP)


def downgrade() -> None:
    """Forget them."""
    op.execute(DOWN)
