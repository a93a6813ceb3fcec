"""People who sign in, their roles and sessions, and how often somebody tried."""

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

UP = """
CREATE TABLE person (
    id text COLLATE "C" PRIMARY KEY,
    login text COLLATE "C" NOT NULL UNIQUE,
    name text NOT NULL,
    created_at timestamptz NOT NULL,
    created_by text NOT NULL,
    password_hash text,
    -- Set: a one-time password, which ends then and must be changed.
    password_until timestamptz,
    totp_sealed bytea,
    totp_confirmed boolean NOT NULL DEFAULT false,
    -- The time step of the last code that was used: a code counts once.
    totp_step bigint NOT NULL DEFAULT 0,
    disabled_at timestamptz
);

-- Roles, each for a place: a facility's code, a province's two characters, or empty for the nation.
CREATE TABLE person_grant (
    person_id text COLLATE "C" NOT NULL REFERENCES person,
    role text COLLATE "C" NOT NULL,
    place text COLLATE "C" NOT NULL CHECK (place ~ '^([0-9A-Z]{2}|[0-9A-Z]{5})?$'),
    given_at timestamptz NOT NULL,
    given_by text NOT NULL,
    PRIMARY KEY (person_id, role, place)
);

-- The token is random and only its digest is here.
CREATE TABLE session (
    digest bytea PRIMARY KEY,
    person_id text COLLATE "C" NOT NULL REFERENCES person,
    stage text NOT NULL,
    method text NOT NULL,
    opened_at timestamptz NOT NULL,
    proved_at timestamptz NOT NULL,
    seen_at timestamptz NOT NULL,
    ends_at timestamptz NOT NULL,
    ended_at timestamptz
);
CREATE INDEX session_of_person ON session (person_id, seen_at DESC) WHERE ended_at IS NULL;

-- Names of counters are digests: neither logins nor addresses lie here. A lost table costs some waiting.
CREATE TABLE sign_in_attempt (
    counter text COLLATE "C" PRIMARY KEY,
    used integer NOT NULL,
    ends_at timestamptz NOT NULL
);
CREATE INDEX sign_in_attempt_over ON sign_in_attempt (ends_at);
"""

DOWN = "DROP TABLE sign_in_attempt, session, person_grant, person;"


def upgrade() -> None:
    """Create the tables."""
    op.execute(UP)


def downgrade() -> None:
    """Drop the tables."""
    op.execute(DOWN)
