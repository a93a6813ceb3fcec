"""What stands in a bundle that was taken, for the results the stand-in gives later.

Never fails: what cannot be read is a fault of the file, and is said as one.
"""

from binascii import Error as Base64Error
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation

import pybase64
from lxml.etree import _Element as Element

from signing.canonical import parse
from signing.errors import Unparsable

Row = dict[str, str]


@dataclass(slots=True)
class ClaimContents:
    """One claim's rows by table; `unreadable` are the tables that could not be read, with why."""

    tables: dict[str, list[Row]] = field(default_factory=dict)
    unreadable: dict[str, str] = field(default_factory=dict)

    @property
    def summary(self) -> Row:
        """The row of XML1."""
        return next(iter(self.tables.get("XML1", ())), {})


def read_contents(bundle: bytes) -> list[ClaimContents]:
    """Return what stands in each claim of a bundle."""
    try:
        root = parse(bundle)
    except Unparsable:
        return []
    return [_read_claim(claim) for claim in root.iterfind("THONGTINHOSO/DANHSACHHOSO/HOSO")]


def amount_of(row: Row, *names: str) -> Decimal | None:
    """Return the first of a row's fields that holds an amount; None when none does."""
    for name in names:
        try:
            amount = Decimal(row.get(name, "").strip())
        except InvalidOperation:
            continue
        if amount.is_finite():
            return amount
    return None


def _read_claim(claim: Element) -> ClaimContents:
    contents = ClaimContents()
    for file in claim.iterfind("FILEHOSO"):
        kind = file.findtext("LOAIHOSO", "").strip()
        text = "".join(file.findtext("NOIDUNGFILE", "").split())
        try:
            table = parse(pybase64.b64decode(text, validate=True))
        except (Base64Error, ValueError):
            contents.unreadable[kind] = "NOIDUNGFILE không phải Base64"
        except Unparsable as error:
            contents.unreadable[kind] = f"XML sai định dạng: {error.code}"
        else:
            contents.tables.setdefault(kind, []).extend(_rows(table))
    return contents


def _rows(table: Element) -> list[Row]:
    """Return the elements that hold fields: leaves' parents, wherever the table nests them."""
    rows = []
    for element in table.iter():
        leaves = [child for child in element if isinstance(child.tag, str) and not len(child)]
        if leaves and any(child.tag == "MA_LK" for child in leaves):
            rows.append({str(child.tag): child.text or "" for child in leaves})
    return rows
