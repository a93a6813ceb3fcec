"""A sheet: what is known for one row of a paper's table, and how it becomes a row of the schema in force.

A field takes, in this order: what the hospital gave for the paper, what follows from the visit, and
what XML1 says under the same name. So what is copied always equals XML1.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from claims.building.errors import Reason
from claims.building.papers.rules import PaperRules
from claims.building.rows import Row
from claims.bundle.findings import Finding, Location, Severity
from claims.bundle.kinds import TableKind
from claims.emr.encounter import Encounter
from xsd.catalog import TableSchema

Remark = Reason | Finding
"""What is wrong with a paper (a reason not to build), or only worth knowing (a finding)."""

# Fields that XML1 has under the same name with another meaning: the advice to the patient, the paper that
# the patient brought along, the weights of all children, the place in the bundle, the reserve.
_OTHER_MEANING: Final = frozenset({"GHI_CHU", "GIAY_CHUYEN_TUYEN", "CAN_NANG_CON", "STT", "DU_PHONG"})


@dataclass(frozen=True, slots=True)
class Issue:
    """The visit at the end of which papers are issued: the encounter, its finished XML1, and the rules."""

    encounter: Encounter
    summary: Mapping[str, str]
    rules: PaperRules

    @property
    def first_day(self) -> str:
        """The day of NGAY_VAO."""
        return self.summary["NGAY_VAO"][:8]

    @property
    def last_day(self) -> str:
        """The day of NGAY_RA."""
        return self.summary["NGAY_RA"][:8]


@dataclass(frozen=True, slots=True)
class Sheet:
    """One row of a paper's table before it is fitted to a schema.

    Attributes:
        kind: The table.
        source: JSON pointer of the paper.
        own: What the hospital gave for the paper, under the names of the latest Decision that has it.
        derived: What follows from the visit where the hospital gave nothing.
        not_copied: Fields that are not about the patient, although XML1 has them too.
        remarks: What is wrong or worth knowing.
    """

    kind: TableKind
    source: str
    own: Mapping[str, str | None]
    derived: Mapping[str, str]
    not_copied: frozenset[str] = frozenset()
    remarks: tuple[Remark, ...] = ()

    def row(self, schema: TableSchema, issue: Issue, number: int) -> Row:
        """Fit it to a schema; ``number`` is its place in the table."""
        fields = {"STT": str(number)} if "STT" in schema.field_by_name else {}
        for name, is_day, is_copied in _names(schema):
            value = self.own.get(name) or self.derived.get(name)
            if not value and is_copied and name not in self.not_copied:
                value = issue.summary.get(name)
            if value:
                # Where a Decision takes a day, a time is cut to it (NGAY_HEN_KL of XML14 since 3176).
                fields[name] = value[:8] if is_day else value
        return Row(fields, self.source)

    def left_out(self, schema: TableSchema, number: int) -> Iterator[Finding]:
        """Say which given values the schema in force has no field for."""
        names = [name for name, value in self.own.items() if value and name not in schema.field_by_name]
        if names:
            params = (("source", self.source), ("fields", ", ".join(names)), ("decision", schema.decision))
            row = None if schema.row_element is None else number
            location = Location(table=self.kind, row=row)
            yield Finding(f"{self.kind}.FIELDS_LEFT_OUT", Severity.INFO, location, params)


@lru_cache(maxsize=256)
def _names(schema: TableSchema) -> tuple[tuple[str, bool, bool], ...]:
    """List the fields that a sheet can fill, whether each is a day, and whether XML1 may give it."""
    return tuple(
        (field.name, field.type == "date", field.name not in _OTHER_MEANING)
        for field in schema.fields
        if field.name != "STT"
    )


def digits(number: int | None) -> str | None:
    """Write a count."""
    return None if number is None else str(number)


def incomplete(pointer: str, detail: str, kind: TableKind, field: str) -> Reason:
    """Make the gap of a paper of which one value calls for another."""
    location = Location(table=kind, field=field)
    return Reason(pointer, "paper-incomplete", detail, is_gap=True, location=location)


def contradiction(pointer: str, detail: str) -> Reason:
    """Make the reason that a paper contradicts its visit, or itself."""
    return Reason(pointer, "paper-contradicts", detail)


def remark(code: str, source: str, *params: tuple[str, str], row: int | None = None) -> Finding:
    """Make the finding that a field of a paper is unusual: ``XML11.NGAY_CT.other_day``."""
    table, field, _ = code.split(".")
    location = Location(table=table, row=row, field=field)
    return Finding(code, Severity.WARNING, location, (("source", source), *params))
