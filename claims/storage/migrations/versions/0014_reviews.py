"""Reviews: which claims wait for a reviewer, what was decided, asked and answered."""

from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

UP = """
-- Acknowledged submissions whose claims nobody has begun to review; as small as the backlog.
CREATE TABLE review_due (
    submission_id text COLLATE "C" PRIMARY KEY REFERENCES submission
);

CREATE TABLE review (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    submission_id text COLLATE "C" NOT NULL REFERENCES submission,
    ordinal smallint NOT NULL,
    facility text COLLATE "C" NOT NULL,
    received_at timestamptz NOT NULL,
    ma_lk text COLLATE "C" NOT NULL,
    patient text NOT NULL,
    -- The folded words that it is found by. Beginnings of words are looked up without any extension.
    words tsvector NOT NULL,
    -- A keyed digest that is the same for all claims of one insured person.
    person bytea,
    diagnosis text NOT NULL,
    discharged_on date,
    claimed numeric NOT NULL,
    classes text[] NOT NULL,
    lane text NOT NULL,
    lane_reasons text[] NOT NULL,
    codes text[] NOT NULL,
    dice integer NOT NULL,
    state text NOT NULL,
    version integer NOT NULL DEFAULT 1,
    lock_owner text,
    lock_until timestamptz,
    verdict text,
    approved numeric,
    reason text NOT NULL DEFAULT '',
    note text NOT NULL DEFAULT '',
    decided_by text,
    decided_at timestamptz,
    confirmed_by text,
    final_at timestamptz,
    UNIQUE (submission_id, ordinal)
);
-- The inbox by age, one lane of it, one facility's, by amount, and as the dice have it.
CREATE INDEX review_by_age ON review (state, id);
CREATE INDEX review_of_lane ON review (state, lane, id);
CREATE INDEX review_of_facility ON review (facility, state, id);
CREATE INDEX review_by_amount ON review (state, claimed DESC, id DESC);
CREATE INDEX review_by_dice ON review (state, dice);
CREATE INDEX review_words ON review USING gin (words);
CREATE INDEX review_codes ON review USING gin (codes);
CREATE INDEX review_of_episode ON review (ma_lk, facility);
CREATE INDEX review_of_person ON review (person, id DESC) WHERE person IS NOT NULL;
-- Decisions that can be undone, or that hospitals have not been told about.
CREATE INDEX review_unannounced ON review (final_at) WHERE final_at IS NOT NULL;

-- How many reviews are what. Whoever changes some adds rows here, and sums are made of them from time to
-- time: nobody waits for a counter. Claims are counted by facility (code ''), their findings by province.
CREATE TABLE review_tally (
    state text NOT NULL,
    lane text NOT NULL,
    area text COLLATE "C" NOT NULL,
    code text COLLATE "C" NOT NULL,
    n bigint NOT NULL,
    is_sum boolean NOT NULL DEFAULT false
);
CREATE INDEX review_tally_of_state ON review_tally (state, code, area);
CREATE INDEX review_tally_fresh ON review_tally (state) WHERE NOT is_sum;

CREATE TABLE review_cut (
    review_id bigint NOT NULL REFERENCES review,
    seq smallint NOT NULL,
    table_kind text,
    row_number integer,
    amount numeric NOT NULL,
    reason text NOT NULL,
    note text NOT NULL,
    PRIMARY KEY (review_id, seq)
);

CREATE TABLE review_message (
    review_id bigint NOT NULL REFERENCES review,
    seq bigint GENERATED ALWAYS AS IDENTITY,
    at timestamptz NOT NULL,
    author text NOT NULL,
    is_hospital boolean NOT NULL,
    body text NOT NULL,
    PRIMARY KEY (review_id, seq)
);

-- What happened to a review; only added to.
CREATE TABLE review_step (
    review_id bigint NOT NULL REFERENCES review,
    seq bigint GENERATED ALWAYS AS IDENTITY,
    at timestamptz NOT NULL,
    actor text NOT NULL,
    kind text NOT NULL,
    detail jsonb NOT NULL DEFAULT '{}',
    PRIMARY KEY (review_id, seq)
);

CREATE TABLE review_sample (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    made_by text NOT NULL,
    made_at timestamptz NOT NULL,
    seed integer NOT NULL,
    asked text NOT NULL,
    query text NOT NULL,
    size integer NOT NULL
);
CREATE TABLE review_sample_item (
    sample_id bigint NOT NULL REFERENCES review_sample,
    review_id bigint NOT NULL REFERENCES review,
    PRIMARY KEY (sample_id, review_id)
);

CREATE TABLE review_filter (
    person text COLLATE "C" NOT NULL,
    name text NOT NULL,
    query text NOT NULL,
    PRIMARY KEY (person, name)
);
"""

DOWN = """
DROP TABLE review_filter, review_sample_item, review_sample, review_step, review_message, review_cut,
    review_tally, review, review_due;
DELETE FROM event WHERE kind IN ('reviewed', 'question_asked');
"""


def upgrade() -> None:
    """Make room for them."""
    op.execute(UP)


def downgrade() -> None:
    """Forget them, and what hospitals were told of them."""
    op.execute(DOWN)
