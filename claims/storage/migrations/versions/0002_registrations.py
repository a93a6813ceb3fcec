"""Registrations of certificates as events: since when, by whom and why."""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

UP = """
-- What happened to the registration of a certificate; only added to. The last event in effect at a moment
-- says whether the certificate may sign then.
CREATE TABLE registration_event (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    facility text COLLATE "C" NOT NULL,
    sha256 bytea NOT NULL,
    change text NOT NULL CHECK (change IN ('registered', 'suspended', 'reinstated', 'withdrawn')),
    since timestamptz NOT NULL,
    noted_at timestamptz NOT NULL,
    noted_by text NOT NULL,
    reason text NOT NULL,
    FOREIGN KEY (facility, sha256) REFERENCES facility_certificate
);
CREATE INDEX registration_event_by_certificate ON registration_event (facility, sha256, since DESC, id DESC);

INSERT INTO registration_event (facility, sha256, change, since, noted_at, noted_by, reason)
SELECT facility, sha256, 'registered', '1970-01-01Z', registered_at, 'migration', '' FROM facility_certificate
ORDER BY registered_at;
INSERT INTO registration_event (facility, sha256, change, since, noted_at, noted_by, reason)
SELECT facility, sha256, 'suspended', suspended_at, suspended_at, 'migration', '' FROM facility_certificate
WHERE suspended_at IS NOT NULL ORDER BY suspended_at;
ALTER TABLE facility_certificate DROP COLUMN registered_at, DROP COLUMN suspended_at;
"""

DOWN = """
ALTER TABLE facility_certificate ADD COLUMN registered_at timestamptz, ADD COLUMN suspended_at timestamptz;
UPDATE facility_certificate SET
    registered_at = (SELECT min(noted_at) FROM registration_event
                     WHERE registration_event.facility = facility_certificate.facility
                     AND registration_event.sha256 = facility_certificate.sha256),
    suspended_at = (SELECT CASE WHEN change IN ('suspended', 'withdrawn') THEN since END
                    FROM registration_event
                    WHERE registration_event.facility = facility_certificate.facility
                    AND registration_event.sha256 = facility_certificate.sha256
                    ORDER BY since DESC, id DESC LIMIT 1);
ALTER TABLE facility_certificate ALTER COLUMN registered_at SET NOT NULL;
DROP TABLE registration_event;
"""


def upgrade() -> None:
    """Turn each registration into its events."""
    op.execute(UP)


def downgrade() -> None:
    """Keep of each registration only when it began and whether it is suspended."""
    op.execute(DOWN)
