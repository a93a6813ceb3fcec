"""Submissions, their bytes and history; facilities, keys and certificates; replays."""

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

TABLES = """
CREATE TABLE facility (
    code text COLLATE "C" PRIMARY KEY,
    name text NOT NULL,
    created_at timestamptz NOT NULL
);

-- A machine's key. The secret is random, so a plain digest of it is enough. A key without a
-- facility belongs to the service's own operators.
CREATE TABLE api_key (
    id text COLLATE "C" PRIMARY KEY,
    facility text COLLATE "C" REFERENCES facility,
    secret_sha256 bytea NOT NULL,
    scopes text[] NOT NULL,
    label text NOT NULL,
    created_at timestamptz NOT NULL,
    expires_at timestamptz,
    revoked_at timestamptz,
    last_used_at timestamptz
);

-- Which certificates may sign for a facility, and when. Several may be live at once (roll-over).
CREATE TABLE facility_certificate (
    facility text COLLATE "C" NOT NULL REFERENCES facility,
    sha256 bytea NOT NULL,
    certificate bytea NOT NULL,
    registered_at timestamptz NOT NULL,
    suspended_at timestamptz,
    PRIMARY KEY (facility, sha256)
);

-- How a facility signs in at the insurer's gateway; the password's digest is sealed.
CREATE TABLE gateway_account (
    facility text COLLATE "C" PRIMARY KEY REFERENCES facility,
    username text NOT NULL,
    password_md5_sealed bytea NOT NULL
);

CREATE TABLE submission (
    id text COLLATE "C" PRIMARY KEY,
    facility text COLLATE "C" NOT NULL REFERENCES facility,
    sha256 bytea NOT NULL,
    size integer NOT NULL,
    state text NOT NULL,
    received_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    checked_at timestamptz,
    cause text,
    attempts integer NOT NULL DEFAULT 0,
    next_attempt_at timestamptz,
    woken_at timestamptz,
    lease_owner text,
    lease_until timestamptz,
    -- Whether the gateway may have the bytes: set before they leave, cleared when they surely did not arrive.
    maybe_taken boolean NOT NULL DEFAULT false,
    ma_giao_dich text,
    UNIQUE (facility, sha256)
) WITH (fillfactor = 80);

-- Work that is due. Partial, so that it stays as small as the backlog however many claims are stored.
CREATE INDEX submission_due ON submission (next_attempt_at)
    WHERE state IN ('received', 'checked', 'sending', 'outcome_unknown');
-- Failures by cause, for operators; finished work is not in it.
CREATE INDEX submission_failed ON submission (state, cause, id)
    WHERE state IN ('rejected', 'refused', 'failed');
-- A facility's own list, newest first.
CREATE INDEX submission_of_facility ON submission (facility, id DESC);

-- Apart from the row, so that lists and state changes never touch it, and so that a database role
-- can be kept away from it. EXTERNAL: signed bundles are base64, compressing them is wasted work.
CREATE TABLE submission_body (
    submission_id text COLLATE "C" PRIMARY KEY REFERENCES submission,
    body bytea NOT NULL
);
ALTER TABLE submission_body ALTER COLUMN body SET STORAGE EXTERNAL;

CREATE TABLE idempotency_key (
    facility text COLLATE "C" NOT NULL,
    key text COLLATE "C" NOT NULL,
    request_sha256 bytea NOT NULL,
    submission_id text COLLATE "C" NOT NULL REFERENCES submission,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (facility, key)
);

CREATE TABLE event (
    submission_id text COLLATE "C" NOT NULL REFERENCES submission,
    seq bigint GENERATED ALWAYS AS IDENTITY,
    at timestamptz NOT NULL,
    kind text NOT NULL,
    state text NOT NULL,
    actor text NOT NULL,
    cause text,
    detail jsonb NOT NULL DEFAULT '{}',
    PRIMARY KEY (submission_id, seq)
);

-- What was read of each claim in the bundle.
CREATE TABLE claim (
    submission_id text COLLATE "C" NOT NULL REFERENCES submission,
    ordinal smallint NOT NULL,
    facility text COLLATE "C" NOT NULL,
    ma_lk text COLLATE "C" NOT NULL,
    summary jsonb NOT NULL,
    PRIMARY KEY (submission_id, ordinal)
);
CREATE INDEX claim_of_episode ON claim (ma_lk, facility);

-- The last check: its stages, and what it found.
CREATE TABLE report (
    submission_id text COLLATE "C" PRIMARY KEY REFERENCES submission,
    checked_at timestamptz NOT NULL,
    stages jsonb NOT NULL,
    findings jsonb NOT NULL
);

-- Every attempt to send, with the gateway's answer where there was one.
CREATE TABLE attempt (
    submission_id text COLLATE "C" NOT NULL REFERENCES submission,
    seq bigint GENERATED ALWAYS AS IDENTITY,
    attempt integer NOT NULL,
    started_at timestamptz NOT NULL,
    ended_at timestamptz NOT NULL,
    outcome text NOT NULL,
    cause text,
    answer bytea NOT NULL DEFAULT '',
    PRIMARY KEY (submission_id, seq)
);

CREATE TABLE receipt (
    submission_id text COLLATE "C" PRIMARY KEY REFERENCES submission,
    ma_giao_dich text NOT NULL,
    received_at timestamptz,
    noted_at timestamptz NOT NULL,
    answer bytea NOT NULL
);

CREATE TABLE replay (
    id text COLLATE "C" PRIMARY KEY,
    created_at timestamptz NOT NULL,
    actor text NOT NULL,
    facility text COLLATE "C",
    reason text NOT NULL,
    finished_at timestamptz
);
CREATE INDEX replay_unfinished ON replay (id) WHERE finished_at IS NULL;

-- The frozen selection: what was seen is what is run.
CREATE TABLE replay_item (
    replay_id text COLLATE "C" NOT NULL REFERENCES replay,
    submission_id text COLLATE "C" NOT NULL REFERENCES submission,
    outcome text,
    state_before text,
    PRIMARY KEY (replay_id, submission_id)
);
CREATE INDEX replay_item_waiting ON replay_item (replay_id, submission_id) WHERE outcome IS NULL;
"""


def upgrade() -> None:
    """Create the tables."""
    op.execute(TABLES)


def downgrade() -> None:
    """Drop the tables."""
    op.execute(
        "DROP TABLE replay_item, replay, receipt, attempt, report, claim, event, idempotency_key, "
        "submission_body, submission, gateway_account, facility_certificate, api_key, facility"
    )
