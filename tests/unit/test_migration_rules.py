"""Migrations are such that the version before goes on working on them (docs/guides/migrations.md)."""

import re
from pathlib import Path

import pytest

VERSIONS = Path(__file__).parents[2] / "claims" / "storage" / "migrations" / "versions"
#: What came before the first release, when no earlier version ran anywhere. This does not grow after it.
BEFORE_THE_FIRST_RELEASE = {f"{number:04d}" for number in range(1, 30)} | {
    "0035",  # each table keeps its name and its columns, and becomes the first part of itself by month
}

_CONSTANT = r"(?:'[^']*'(?:::\w+)?|\d+|true|false|NULL)"
_REFUSED = {
    "drops a table": r"\bDROP TABLE\b",
    "drops a column": r"\bDROP COLUMN\b",
    "renames": r"\bRENAME\b",
    "rewrites a column": r"\bALTER COLUMN \w+ (?:SET DATA )?TYPE\b",
    "asks every row": r"\bSET NOT NULL\b",
    "adds a column that old code leaves empty": rf"\bADD COLUMN (?!.*DEFAULT {_CONSTANT}).*NOT NULL",
    "computes a default for each row": rf"\bADD COLUMN .*DEFAULT (?!{_CONSTANT})",
    "locks while an index is built": r"\bCREATE (?:UNIQUE )?INDEX (?!CONCURRENTLY)",
    "checks every row": r"\bADD (?:CONSTRAINT|CHECK|FOREIGN KEY|UNIQUE)\b(?!.*NOT VALID)",
    "rewrites rows": r"^(?:UPDATE|DELETE FROM)\b",
}


def faults(source: str) -> list[str]:
    """Return what a migration's way up does that the version before, or a full table, cannot bear."""
    up = source.partition("DOWN =")[0].partition("def downgrade")[0]
    up = re.sub(r"--[^\n]*", "", up)
    new = set(re.findall(r"\bCREATE TABLE (\w+)", up))
    found = []
    for statement in re.split(r";|\"\"\"|\(\s*\"", up):
        clauses = [clause.strip() for clause in re.split(r",\s*(?=ADD |DROP |ALTER )", statement)]
        table = re.search(r"\b(?:ALTER TABLE|\bON|UPDATE|DELETE FROM|DROP TABLE) (\w+)", statement)
        if "CREATE TABLE" in statement or (table is not None and table.group(1) in new):
            continue
        found += [
            why
            for clause in clauses
            for why, pattern in _REFUSED.items()
            if re.search(pattern, " ".join(clause.split()))
        ]
    return found


@pytest.mark.parametrize("path", sorted(VERSIONS.glob("*.py")), ids=lambda path: path.stem)
def test_the_version_before_lives_with_it(path: Path) -> None:
    if path.stem[:4] not in BEFORE_THE_FIRST_RELEASE:
        assert faults(path.read_text("utf-8")) == []


@pytest.mark.parametrize(
    ("statement", "fault"),
    [
        ("ALTER TABLE event DROP COLUMN cause", "drops a column"),
        ("DROP TABLE event", "drops a table"),
        ("ALTER TABLE event RENAME COLUMN cause TO why", "renames"),
        ("ALTER TABLE event ALTER COLUMN seq TYPE text", "rewrites a column"),
        ("ALTER TABLE event ALTER COLUMN cause SET NOT NULL", "asks every row"),
        ("ALTER TABLE event ADD COLUMN x text NOT NULL", "adds a column that old code leaves empty"),
        ("ALTER TABLE event ADD COLUMN x uuid DEFAULT gen_random_uuid()", "computes a default for each row"),
        ("CREATE INDEX event_at ON event (at)", "locks while an index is built"),
        ("ALTER TABLE event ADD CONSTRAINT c CHECK (seq > 0)", "checks every row"),
        ("UPDATE event SET cause = ''", "rewrites rows"),
        (
            "ALTER TABLE event ADD COLUMN x text, ADD COLUMN y text NOT NULL",
            "adds a column that old code leaves empty",
        ),
    ],
)
def test_what_would_stop_others_is_refused(statement: str, fault: str) -> None:
    assert faults(f'UP = """\n{statement};\n"""\nDOWN = ""') == [fault]


@pytest.mark.parametrize(
    "statement",
    [
        "ALTER TABLE event ADD COLUMN x text",
        "ALTER TABLE event ADD COLUMN x boolean NOT NULL DEFAULT false",
        "ALTER TABLE event ADD COLUMN x text NOT NULL DEFAULT ''",
        "CREATE INDEX CONCURRENTLY event_at ON event (at)",
        "ALTER TABLE event ADD CONSTRAINT c CHECK (seq > 0) NOT VALID",
        "CREATE TABLE x (id text); CREATE INDEX x_id ON x (id); ALTER TABLE x ALTER COLUMN id SET NOT NULL",
    ],
)
def test_what_stops_nobody_is_let_through(statement: str) -> None:
    assert faults(f'UP = """\n{statement};\n"""\nDOWN = "DROP TABLE event"') == []
