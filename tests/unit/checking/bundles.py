"""Bundles to check: a good one, and the parts to make an odd one of."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime

import pybase64

from claims.bundle.writing import TableKind, write_bundle, write_table
from claims.checking.check import CheckTerms, Report, SignatureTerms, check_bundle
from xsd.catalog import find_schema

FACILITY = "79024"
MA_LK = "LK-2025-0001"
DISCHARGED = date(2025, 8, 1)
AT = datetime(2025, 8, 2, 3, 0, tzinfo=UTC)

# A bundle of these parts has the right form, and values that mean nothing.
RULES = frozenset({"ALL.MA_LK_MATCH", "ALL.STT_SEQUENCE", "ALL.DT12", "ALL.D8"})

Fields = Mapping[str, str]

_BY_KIND = {
    "text": "A",
    "list": "K01",
    "integer": "1",
    "amount": "150000.50",
    "unit_price": "1500.125",
    "quantity": "2",
    "percent": "80",
    "weight": "54.5",
    "year": "2025",
    "month": "8",
    "date": "20250801",
    "datetime": "202508010930",
    "birth_time": "198003000000",
    "exemption_time": "",
    "date_list": "20250801",
    "datetime_list": "202508010930",
    "birth_date": "19800300",
}
_CODED = {
    "MA_LK": MA_LK,
    "MA_CSKCB": FACILITY,
    "MA_LOAI_KCB": "01",
    "MA_DOITUONG_KCB": "1.1",
    "MA_KHUVUC": "K1",
}


def a_row(kind: TableKind, **fields: str) -> dict[str, str]:
    """Make a row in which every field has a value that its schema and code list accept."""
    schema = find_schema(kind, on=DISCHARGED)
    row = {field.name: _BY_KIND[field.kind] for field in schema.fields}
    return {**row, **{name: _CODED[name] for name in row.keys() & _CODED.keys()}, **fields}


def rows_of(kind: TableKind, count: int, **fields: str) -> list[dict[str, str]]:
    """Make rows numbered from 1."""
    return [{**a_row(kind, **fields), "STT": str(number + 1)} for number in range(count)]


def a_claim(**summary: str) -> dict[TableKind, list[dict[str, str]]]:
    """Make the rows of a claim: the summary row, a medicine and a service."""
    return {
        TableKind.XML1: [a_row(TableKind.XML1, **summary)],
        TableKind.XML2: rows_of(TableKind.XML2, 1),
        TableKind.XML3: rows_of(TableKind.XML3, 1),
    }


def a_bundle(*claims: Mapping[TableKind, Sequence[Fields]], facility: str = FACILITY) -> bytes:
    """Write a bundle of claims; of one good claim when none is given."""
    return write_bundle(facility=facility, made_on=DISCHARGED, claims=claims or (a_claim(),))


def a_table(kind: TableKind, *rows: Fields) -> bytes:
    """Write one table; of one good row when none is given."""
    return write_table(kind, rows or [a_row(kind)], on=DISCHARGED)


def a_file(kind: str, content: bytes | str) -> str:
    """Wrap a table document (or, as str, the very text of NOIDUNGFILE) into a FILEHOSO."""
    text = content if isinstance(content, str) else pybase64.b64encode_as_string(content)
    return f"<FILEHOSO><LOAIHOSO>{kind}</LOAIHOSO>\n<NOIDUNGFILE>{text}</NOIDUNGFILE></FILEHOSO>\n"


def an_envelope(*files: str, count: str = "1", end: str = "<CHUKYDONVI/>") -> bytes:
    """Put an envelope around FILEHOSO elements, after a good XML1."""
    summary = a_file("XML1", a_table(TableKind.XML1))
    return (
        '<?xml version="1.0" encoding="utf-8"?>\n'
        f"<GIAMDINHHS>\n<THONGTINDONVI><MACSKCB>{FACILITY}</MACSKCB></THONGTINDONVI>\n"
        f"<THONGTINHOSO><NGAYLAP>20250801</NGAYLAP><SOLUONGHOSO>{count}</SOLUONGHOSO>\n"
        f"<DANHSACHHOSO><HOSO>\n{summary}{''.join(files)}</HOSO></DANHSACHHOSO></THONGTINHOSO>{end}</GIAMDINHHS>"
    ).encode()


def check(
    data: bytes, *, signature: SignatureTerms | None = None, expected_facility: str | None = None
) -> Report:
    """Check a bundle as received at `AT`."""
    return check_bundle(
        data, at=AT, terms=CheckTerms(signature=signature, expected_facility=expected_facility, rules=RULES)
    )


def codes(report: Report) -> list[str]:
    """List the codes of a report's findings."""
    return [finding.code for finding in report.findings]
