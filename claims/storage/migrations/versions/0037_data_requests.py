"""Requests of persons about their data."""

from alembic import op

revision = "0037"
down_revision = "0036"
branch_labels = None
depends_on = None

UP = """
-- What the person and the service say is sealed; the person's numbers are keyed digests.
CREATE TABLE data_request (
    id text COLLATE "C" PRIMARY KEY,
    kind text NOT NULL,
    facility text COLLATE "C" NOT NULL,
    persons bytea[] NOT NULL,
    text_sealed bytea,
    recorded_by text COLLATE "C" NOT NULL,
    recorded_at timestamptz NOT NULL,
    acknowledge_by date NOT NULL,
    answer_by date NOT NULL,
    acknowledged_at timestamptz,
    extended_at timestamptz,
    extension_sealed bytea,
    answered_at timestamptz,
    answered_by text COLLATE "C",
    outcome text,
    answer_sealed bytea,
    corrected_by text COLLATE "C"
);
CREATE INDEX data_request_of_person ON data_request USING gin (persons);
CREATE TABLE data_request_claim (
    request_id text COLLATE "C" NOT NULL REFERENCES data_request,
    submission_id text COLLATE "C" NOT NULL,
    ordinal smallint NOT NULL,
    PRIMARY KEY (request_id, submission_id, ordinal)
);
ALTER TABLE data_request ENABLE ROW LEVEL SECURITY;
CREATE POLICY place ON data_request USING (claims_may_see(facility));
ALTER TABLE data_request_claim ENABLE ROW LEVEL SECURITY;
CREATE POLICY place ON data_request_claim
    USING (EXISTS (SELECT FROM data_request q WHERE q.id = data_request_claim.request_id));
"""

DOWN = """
DROP TABLE data_request_claim, data_request;
"""


def upgrade() -> None:
    """Make room for them."""
    op.execute(UP)


def downgrade() -> None:
    """Forget them."""
    op.execute(DOWN)
