"""The largest tables by month: a month's rows are one table, which is kept, moved or dropped as a whole.

Nothing is rewritten: what is there becomes the first part as it is. The part's bound is proved beforehand, in
a scan that hinders nobody, so that the change itself takes a moment's lock.
"""

from datetime import UTC, datetime, timedelta

from alembic import op
from sqlalchemy import text
from ulid import ULID

revision = "0035"
down_revision = "0034"
branch_labels = None
depends_on = None

#: Each is found by the submission's id, which begins with the time of receipt, and holds nothing that must
#: be unique beyond it.
TABLES = {
    "submission_body": "PRIMARY KEY (submission_id)",
    "origin": "PRIMARY KEY (submission_id)",
    "report": "PRIMARY KEY (submission_id)",
    "attempt": "PRIMARY KEY (submission_id, seq)",
}

FUNCTIONS = """
CREATE FUNCTION claims_first_id(at timestamptz) RETURNS text LANGUAGE plpgsql STABLE AS $$
DECLARE
    left_ms bigint := floor(extract(epoch FROM at) * 1000);
    digits text := '';
BEGIN
    -- The first ten letters of a ULID are the time in milliseconds, in base 32.
    FOR n IN 1..10 LOOP
        digits := substr('0123456789ABCDEFGHJKMNPQRSTVWXYZ', (left_ms & 31)::integer + 1, 1) || digits;
        left_ms := left_ms >> 5;
    END LOOP;
    RETURN 'sub_' || digits;
END $$;

-- The parts: NAME_before_202701 until then, NAME_202701 that month, NAME_rest whatever fits nowhere.
CREATE VIEW month_part AS
SELECT p.relname AS parent, c.relname AS part, c.oid AS part_id,
    to_date(right(c.relname, 6), 'YYYYMM')
        + CASE WHEN c.relname LIKE '%\\_before\\_%' THEN interval '0' ELSE interval '1 month' END AS ends
FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid JOIN pg_class p ON p.oid = i.inhparent
WHERE p.relkind = 'p' AND p.relnamespace = 'public'::regnamespace AND c.relname ~ '_[0-9]{6}$';

-- Workers may not change tables; this they may have done.
CREATE FUNCTION claims_add_months(until timestamptz) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp SET lock_timeout = '3s' AS $$
DECLARE
    parent text; month timestamp; part text; first text; next text; made integer := 0;
    -- Whatever a clock that is wrong says.
    last timestamp := least(until, now() + interval '1 year') AT TIME ZONE 'UTC';
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('claims months', 0));
    FOR parent, month IN SELECT p.parent, max(p.ends) FROM public.month_part p GROUP BY 1 ORDER BY 1 LOOP
        WHILE month <= last LOOP
            part := parent || to_char(month, '_YYYYMM');
            first := public.claims_first_id(month AT TIME ZONE 'UTC');
            next := public.claims_first_id((month + interval '1 month') AT TIME ZONE 'UTC');
            EXECUTE format('CREATE TABLE public.%I (LIKE public.%I INCLUDING ALL)', part, parent);
            -- What came while nobody had made the month.
            EXECUTE format('WITH late AS (DELETE FROM public.%I WHERE submission_id >= %L '
                'AND submission_id < %L RETURNING *) INSERT INTO public.%I SELECT * FROM late',
                parent || '_rest', first, next, part);
            EXECUTE format('ALTER TABLE public.%I ATTACH PARTITION public.%I FOR VALUES FROM (%L) TO (%L)',
                parent, part, first, next);
            month := month + interval '1 month';
            made := made + 1;
        END LOOP;
    END LOOP;
    RETURN made;
END $$;
REVOKE EXECUTE ON FUNCTION claims_add_months(timestamptz) FROM PUBLIC;

-- Contents that have all moved away leave empty files, which VACUUM alone does not give back.
CREATE FUNCTION claims_drop_emptied_months(until timestamptz) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp SET lock_timeout = '3s' AS $$
DECLARE
    name text; is_used boolean; dropped integer := 0;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('claims months', 0));
    FOR name IN SELECT part FROM public.month_part WHERE parent IN ('submission_body', 'origin')
            AND ends < until AT TIME ZONE 'UTC' ORDER BY ends LOOP
        EXECUTE format('SELECT EXISTS (SELECT FROM public.%I)', name) INTO is_used;
        CONTINUE WHEN is_used;
        EXECUTE format('LOCK TABLE public.%I IN ACCESS EXCLUSIVE MODE', name);
        EXECUTE format('SELECT EXISTS (SELECT FROM public.%I)', name) INTO is_used;
        CONTINUE WHEN is_used;
        EXECUTE format('DROP TABLE public.%I', name);
        dropped := dropped + 1;
    END LOOP;
    RETURN dropped;
END $$;
REVOKE EXECUTE ON FUNCTION claims_drop_emptied_months(timestamptz) FROM PUBLIC;
"""

# What whoever may do with the table may do with what takes its place.
SAME_RIGHTS = """
DO $$
DECLARE one record;
BEGIN
    FOR one IN SELECT a.grantee::regrole AS role, a.privilege_type AS what
            FROM pg_class c, aclexplode(c.relacl) a
            WHERE c.oid = '{old}'::regclass AND a.grantee <> 0 AND a.grantee <> c.relowner LOOP
        EXECUTE format('GRANT %s ON {new} TO %s', one.what, one.role);
        EXECUTE format('REVOKE ALL ON {old} FROM %s', one.role);
    END LOOP;
    IF EXISTS (SELECT FROM pg_policy WHERE polrelid = '{old}'::regclass AND polname = 'worker') THEN
        CREATE POLICY worker ON {new} TO claims_worker USING (true) WITH CHECK (true);
    END IF;
END $$
"""


def upgrade() -> None:
    """Make each table the first part of one by month, with the rest of this month in it."""
    month = _first_month()
    first_id = f"sub_{str(ULID.from_datetime(month))[:10]}"
    with op.get_context().autocommit_block():
        for table in TABLES:
            op.execute(f"ALTER TABLE {table} DROP CONSTRAINT IF EXISTS received_before")
            op.execute(
                f"ALTER TABLE {table} ADD CONSTRAINT received_before "
                f"CHECK (submission_id < '{first_id}') NOT VALID"
            )
            op.execute(f"ALTER TABLE {table} VALIDATE CONSTRAINT received_before")
    op.execute(FUNCTIONS)
    op.execute("SET LOCAL lock_timeout = '5s'")
    _number_attempts_apart()
    for table, key in TABLES.items():
        part = f"{table}_before_{month:%Y%m}"
        op.execute(f"ALTER TABLE {table} RENAME TO {part}")
        op.execute(f"ALTER INDEX {table}_pkey RENAME TO {part}_pkey")
        _make(table, like=part, key=key, suffix="PARTITION BY RANGE (submission_id)")
        op.execute(
            f"ALTER TABLE {table} ATTACH PARTITION {part} FOR VALUES FROM (MINVALUE) TO ('{first_id}')"
        )
        op.execute(f"CREATE TABLE {table}_rest PARTITION OF {table} DEFAULT")
        op.execute(f"ALTER TABLE {part} DROP CONSTRAINT received_before")


def _first_month() -> datetime:
    """Return the month that begins after all there is, and after what comes until others have been made."""
    latest = [
        op.get_bind().execute(text(f"SELECT max(submission_id) FROM {table}")).scalar() for table in TABLES
    ]
    times = [ULID.from_str(one.removeprefix("sub_")).datetime for one in latest if one is not None]
    # Until then whoever broke off in between has time to begin again: what is validated by then holds.
    last = max([*times, datetime.now(UTC) + timedelta(days=35)])
    return (last.replace(day=1) + timedelta(days=32)).replace(
        day=1, hour=0, minute=0, second=0, microsecond=0
    )


def _make(table: str, *, like: str, key: str, suffix: str) -> None:
    """Make a table that holds what another one holds, for the same eyes."""
    op.execute(
        f"CREATE TABLE {table} (LIKE {like} INCLUDING DEFAULTS INCLUDING STORAGE, {key}, "
        f"FOREIGN KEY (submission_id) REFERENCES submission) {suffix}"
    )
    op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
    op.execute(
        f"CREATE POLICY place ON {table} USING (EXISTS "
        f"(SELECT FROM submission s WHERE s.id = {table}.submission_id)) WITH CHECK (true)"
    )
    op.execute(SAME_RIGHTS.format(old=like, new=table))


def _number_attempts_apart() -> None:
    """Number by a sequence that belongs to no part: identities of parts differ from version to version."""
    op.execute("LOCK TABLE attempt IN ACCESS EXCLUSIVE MODE")
    op.execute("CREATE SEQUENCE attempt_number")
    op.execute("SELECT setval('attempt_number', (SELECT last_value FROM attempt_seq_seq) + 1, false)")
    op.execute(SAME_RIGHTS_TO_NUMBER)
    op.execute("ALTER TABLE attempt ALTER COLUMN seq DROP IDENTITY")
    op.execute("ALTER TABLE attempt ALTER COLUMN seq SET DEFAULT nextval('attempt_number')")
    op.execute("ALTER SEQUENCE attempt_number OWNED BY NONE")


SAME_RIGHTS_TO_NUMBER = """
DO $$
DECLARE one record;
BEGIN
    FOR one IN SELECT DISTINCT a.grantee::regrole AS role FROM pg_class c, aclexplode(c.relacl) a
            WHERE c.oid = 'attempt'::regclass AND a.grantee <> 0 AND a.privilege_type = 'INSERT' LOOP
        EXECUTE format('GRANT USAGE ON SEQUENCE attempt_number TO %s', one.role);
    END LOOP;
END $$
"""


def downgrade() -> None:
    """Bring the parts together in one table each, which writes every row anew."""
    for table, key in TABLES.items():
        whole = f"{table}_whole"
        _make(whole, like=table, key=key, suffix="")
        op.execute(f"INSERT INTO {whole} SELECT * FROM {table}")
        op.execute(f"DROP TABLE {table} CASCADE")
        op.execute(f"ALTER TABLE {whole} RENAME TO {table}")
        op.execute(f"ALTER INDEX {whole}_pkey RENAME TO {table}_pkey")
    op.execute("ALTER TABLE attempt ALTER COLUMN seq DROP DEFAULT")
    op.execute("ALTER TABLE attempt ALTER COLUMN seq ADD GENERATED ALWAYS AS IDENTITY")
    op.execute("SELECT setval('attempt_seq_seq', (SELECT last_value FROM attempt_number) + 1, false)")
    op.execute(
        "DROP SEQUENCE attempt_number; DROP FUNCTION claims_add_months(timestamptz); "
        "DROP FUNCTION claims_drop_emptied_months(timestamptz); DROP FUNCTION claims_first_id(timestamptz); "
        "DROP VIEW month_part"
    )
