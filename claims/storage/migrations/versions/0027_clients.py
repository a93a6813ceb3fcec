"""OAuth clients, their keys and tokens; and which API keys replace each other."""

from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None

UP = """
-- The key that began the line: keys that replaced each other. Null: the key itself.
ALTER TABLE api_key ADD COLUMN line text COLLATE "C";

CREATE TABLE oauth_client (
    id text COLLATE "C" PRIMARY KEY,
    facility text COLLATE "C" REFERENCES facility,
    scopes text[] NOT NULL,
    label text NOT NULL,
    created_at timestamptz NOT NULL,
    is_bound boolean NOT NULL,
    revoked_at timestamptz,
    last_used_at timestamptz
);
CREATE INDEX oauth_client_of_facility ON oauth_client (facility, created_at DESC);

-- Public keys: nothing here signs anything.
CREATE TABLE oauth_key (
    client text COLLATE "C" NOT NULL REFERENCES oauth_client,
    id text COLLATE "C" NOT NULL,
    jwk text NOT NULL,
    added_at timestamptz NOT NULL,
    ends_at timestamptz,
    PRIMARY KEY (client, id)
);

CREATE TABLE oauth_token (
    digest bytea PRIMARY KEY,
    client text COLLATE "C" NOT NULL REFERENCES oauth_client,
    scopes text[] NOT NULL,
    ends_at timestamptz NOT NULL,
    certificate bytea
);
CREATE INDEX oauth_token_by_end ON oauth_token (ends_at);

-- Statements that were used, by the digests of their ids, for the minutes that they count.
CREATE TABLE oauth_statement (
    client text COLLATE "C" NOT NULL REFERENCES oauth_client,
    digest bytea NOT NULL,
    until timestamptz NOT NULL,
    PRIMARY KEY (client, digest)
);
CREATE INDEX oauth_statement_by_end ON oauth_statement (until);
"""

DOWN = """
DROP TABLE oauth_statement, oauth_token, oauth_key, oauth_client;
ALTER TABLE api_key DROP COLUMN line;
"""


def upgrade() -> None:
    """Make room for them."""
    op.execute(UP)


def downgrade() -> None:
    """Forget them: clients have to be registered again."""
    op.execute(DOWN)
