"""What the trace of a built bundle says of a claim's rows: from which items of the EMR each was made."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

_MOST_ITEMS: Final = 8


@dataclass(frozen=True, slots=True)
class Origin:
    """The items of the EMR that a row was made from: their ids there, and their places in the encounter."""

    row: str
    ids: tuple[str, ...]
    pointers: tuple[str, ...]


def origins_of(trace: bytes | None, ma_lk: str, table: str) -> Sequence[Origin]:
    """Return the origins of a table's rows; nothing where the bundle was not built here."""
    if trace is None:
        return ()
    claims: Sequence[Mapping[str, Any]] = json.loads(trace)["claims"]
    return [
        _origin(row)
        for claim in claims
        if claim["ma_lk"] == ma_lk
        for row in claim["rows"]
        if row["table"] == table
    ]


def _origin(row: Mapping[str, Any]) -> Origin:
    sources = row["sources"][:_MOST_ITEMS]
    ids = dict.fromkeys(str(one) for source in sources for one in source["origin"])
    return Origin(str(row["stt"]), tuple(ids), tuple(source["pointer"] for source in sources))
