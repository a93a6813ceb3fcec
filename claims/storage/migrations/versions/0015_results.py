"""Results of the gateway: when to look, faults of reception, assessments, settlements; shared sessions."""

from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

UP = """
-- One look about what a facility sent on a day, or has settled in a month; not one for each claim.
CREATE TABLE result_watch (
    facility text COLLATE "C" NOT NULL REFERENCES facility,
    subject text COLLATE "C" NOT NULL,
    period date NOT NULL,
    next_look_at timestamptz,
    until timestamptz NOT NULL,
    looks integer NOT NULL DEFAULT 0,
    finished text[] NOT NULL DEFAULT '{}',
    woken_at timestamptz,
    lease_owner text,
    lease_until timestamptz,
    PRIMARY KEY (facility, subject, period)
);
CREATE INDEX result_watch_due ON result_watch (next_look_at) WHERE next_look_at IS NOT NULL;

-- What reception found after it took a submission; the gateway's own words may name a patient.
CREATE TABLE reception_fault (
    submission_id text COLLATE "C" PRIMARY KEY REFERENCES submission,
    noted_at timestamptz NOT NULL,
    errors jsonb NOT NULL
);

-- What the assessment says of each claim of a submission.
CREATE TABLE assessment (
    submission_id text COLLATE "C" NOT NULL REFERENCES submission,
    ordinal smallint NOT NULL,
    noted_at timestamptz NOT NULL,
    document jsonb NOT NULL,
    PRIMARY KEY (submission_id, ordinal)
);

CREATE TABLE settlement (
    facility text COLLATE "C" NOT NULL REFERENCES facility,
    period text COLLATE "C" NOT NULL,
    month date NOT NULL,
    noted_at timestamptz NOT NULL,
    document jsonb NOT NULL,
    PRIMARY KEY (facility, period)
);

-- L4; the state stays as the delivery left it.
ALTER TABLE submission ADD COLUMN assessed_at timestamptz;
-- Whose a transaction number is, of all facilities.
DROP INDEX submission_of_receipt;
CREATE INDEX submission_of_receipt ON submission (ma_giao_dich, facility) WHERE ma_giao_dich IS NOT NULL;

-- Sessions with the gateway, sealed, and whose turn it is to sign in.
CREATE TABLE gateway_session (
    facility text COLLATE "C" PRIMARY KEY REFERENCES facility,
    session_sealed bytea,
    use_until timestamptz,
    turn_owner text,
    turn_until timestamptz
);
"""

DOWN = """
DROP TABLE gateway_session, settlement, assessment, reception_fault, result_watch;
DROP INDEX submission_of_receipt;
CREATE INDEX submission_of_receipt ON submission (facility, ma_giao_dich) WHERE ma_giao_dich IS NOT NULL;
DELETE FROM event WHERE kind IN ('reception_faults', 'assessed');
ALTER TABLE submission DROP COLUMN assessed_at;
"""


def upgrade() -> None:
    """Make room for them."""
    op.execute(UP)


def downgrade() -> None:
    """Forget them."""
    op.execute(DOWN)
