"""Evidence of every transition in one log; what claims were built from; legal holds and erasures."""

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

UP = """
-- Digests of the documents that an event is about, taken in its own transaction.
ALTER TABLE event ADD COLUMN digests jsonb NOT NULL DEFAULT '{}';
-- The order in which events become evidence.
CREATE INDEX event_in_order ON event (tx, seq);

-- What a facility was given for having handed over its bytes.
CREATE TABLE signed_receipt (
    submission_id text COLLATE "C" PRIMARY KEY REFERENCES submission,
    token text COLLATE "C" NOT NULL
);

-- The log: one signed record for each event, in an order without gaps.
CREATE TABLE evidence (
    index bigint PRIMARY KEY,
    submission_id text COLLATE "C" NOT NULL,
    event_seq bigint NOT NULL UNIQUE,
    record text COLLATE "C" NOT NULL
);
CREATE INDEX evidence_of_submission ON evidence (submission_id, index);
ALTER TABLE evidence ALTER COLUMN record SET STORAGE EXTERNAL;

-- Hashes of complete subtrees, 256 of a level together (level 0: of leaves), and the hash over them.
CREATE TABLE log_tile (
    level smallint NOT NULL,
    position bigint NOT NULL,
    hashes bytea NOT NULL,
    root bytea NOT NULL,
    PRIMARY KEY (level, position)
);
ALTER TABLE log_tile ALTER COLUMN hashes SET STORAGE EXTERNAL;

-- Up to which event the log has come.
CREATE TABLE log_cursor (
    only_one boolean PRIMARY KEY DEFAULT true CHECK (only_one),
    tx xid8 NOT NULL,
    seq bigint NOT NULL
);
INSERT INTO log_cursor (tx, seq) VALUES ('0', 0);

CREATE TABLE tree_head (
    size bigint PRIMARY KEY,
    at timestamptz NOT NULL,
    token text COLLATE "C" NOT NULL
);
-- RFC 3161 tokens on some heads, one a day.
CREATE TABLE head_timestamp (
    size bigint PRIMARY KEY REFERENCES tree_head,
    made_at timestamptz NOT NULL,
    token bytea NOT NULL
);

-- The encounter document that the service built a bundle from, and where each value came from.
CREATE TABLE origin (
    submission_id text COLLATE "C" PRIMARY KEY REFERENCES submission,
    document bytea NOT NULL,
    trace bytea NOT NULL
);
ALTER TABLE origin ALTER COLUMN document SET STORAGE EXTERNAL;

-- While a hold is not released nothing of the submission is erased.
CREATE TABLE legal_hold (
    submission_id text COLLATE "C" NOT NULL REFERENCES submission,
    placed_at timestamptz NOT NULL,
    placed_by text NOT NULL,
    reason text NOT NULL,
    released_at timestamptz,
    PRIMARY KEY (submission_id, placed_at)
);

CREATE TABLE erasure (
    submission_id text COLLATE "C" PRIMARY KEY REFERENCES submission,
    erased_at timestamptz NOT NULL,
    erased_by text NOT NULL,
    reason text NOT NULL
);
"""

DOWN = """
DROP TABLE erasure, legal_hold, origin, head_timestamp, tree_head, log_cursor, log_tile, evidence,
    signed_receipt;
DROP INDEX event_in_order;
DELETE FROM event WHERE kind IN ('exported', 'erased', 'held', 'released');
ALTER TABLE event DROP COLUMN digests;
"""


def upgrade() -> None:
    """Make room for them; events of before become evidence when the log first runs."""
    op.execute(UP)


def downgrade() -> None:
    """Forget them."""
    op.execute(DOWN)
