"""The bytes of one table as they stand in a bundle, decoded, so that a finding's line can be looked up."""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING

from signing.canonical import parse
from signing.errors import Unparsable

if TYPE_CHECKING:
    from claims.bundle.kinds import TableKind


def find_table_source(data: bytes, *, claim: int, kind: TableKind) -> bytes | None:
    """Return the decoded bytes of a table of a claim (counted from 1), or None when there are none."""
    try:
        root = parse(data)
    except Unparsable:
        return None
    claims = list(root.iterfind("THONGTINHOSO/DANHSACHHOSO/HOSO"))
    if not 1 <= claim <= len(claims):
        return None
    for file in claims[claim - 1].iterfind("FILEHOSO"):
        if (file.findtext("LOAIHOSO") or "").strip() == kind:
            try:
                return base64.b64decode("".join((file.findtext("NOIDUNGFILE") or "").split()), validate=True)
            except binascii.Error:
                return None
    return None
