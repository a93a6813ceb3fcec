"""People for whom an OpenID provider vouches."""

from alembic import op

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None

UP = """
-- What a provider calls somebody; it is never given to another person.
CREATE TABLE person_provider (
    issuer text COLLATE "C" NOT NULL,
    subject text COLLATE "C" NOT NULL,
    person_id text COLLATE "C" NOT NULL UNIQUE REFERENCES person,
    PRIMARY KEY (issuer, subject)
);

-- Sign-ins that came back, for as long as they could come back again.
CREATE TABLE provider_answer (
    digest bytea PRIMARY KEY,
    ends_at timestamptz NOT NULL
);
CREATE INDEX provider_answer_over ON provider_answer (ends_at);
"""

DOWN = """
UPDATE person SET disabled_at = coalesce(disabled_at, now())
WHERE id IN (SELECT person_id FROM person_provider);
DROP TABLE provider_answer, person_provider;
"""


def upgrade() -> None:
    """Let people be known by a provider's name for them."""
    op.execute(UP)


def downgrade() -> None:
    """Forget the names; whom a provider vouched for cannot sign in any more."""
    op.execute(DOWN)
