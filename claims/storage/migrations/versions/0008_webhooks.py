"""Webhooks: where facilities want to be told, and each delivery on its way."""

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

UP = """
-- Secrets are sealed. A cursor goes along the facility's events; rows before it have become deliveries.
CREATE TABLE webhook (
    id text COLLATE "C" PRIMARY KEY,
    facility text COLLATE "C" NOT NULL REFERENCES facility,
    url text NOT NULL,
    types text[] NOT NULL,
    description text NOT NULL,
    created_at timestamptz NOT NULL,
    disabled_why text,
    secret_sealed bytea NOT NULL,
    earlier_secret_sealed bytea,
    overlap_until timestamptz,
    cursor_tx xid8 NOT NULL,
    cursor_seq bigint NOT NULL,
    silences integer NOT NULL DEFAULT 0,
    rests_until timestamptz,
    woken_at timestamptz,
    lease_owner text,
    lease_until timestamptz
);
CREATE INDEX webhook_of_facility ON webhook (facility);

CREATE TABLE webhook_delivery (
    id text COLLATE "C" PRIMARY KEY DEFAULT 'msg_' || replace(gen_random_uuid()::text, '-', ''),
    webhook_id text COLLATE "C" NOT NULL REFERENCES webhook ON DELETE CASCADE,
    number bigint GENERATED ALWAYS AS IDENTITY,
    type text NOT NULL,
    event_at timestamptz NOT NULL,
    submission_id text COLLATE "C",
    state_then text,
    cause text,
    state text NOT NULL DEFAULT 'waiting',
    attempts integer NOT NULL DEFAULT 0,
    next_attempt_at timestamptz,
    tries jsonb NOT NULL DEFAULT '[]'
) WITH (fillfactor = 80);
CREATE UNIQUE INDEX webhook_delivery_listed ON webhook_delivery (webhook_id, number);
-- As small as what waits, however much was delivered.
CREATE INDEX webhook_delivery_due ON webhook_delivery (webhook_id, next_attempt_at) WHERE state = 'waiting';
CREATE INDEX webhook_delivery_settled ON webhook_delivery (event_at) WHERE state <> 'waiting';
"""

DOWN = "DROP TABLE webhook_delivery, webhook;"


def upgrade() -> None:
    """Make room for them."""
    op.execute(UP)


def downgrade() -> None:
    """Forget them."""
    op.execute(DOWN)
