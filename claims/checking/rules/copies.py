"""Rules of what papers repeat from the summary row: it says the same in both places."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from claims.bundle.kinds import TableKind
from claims.checking.rules.rule import Hit, Screen, rule
from claims.checking.values import split_items

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from claims.checking.known import Known
    from claims.checking.tables import CheckedClaim, Row

_PERSON: Final = ("HO_TEN", "NGAY_SINH", "GIOI_TINH", "DIA_CHI", "MA_THE_BHYT", "SO_CCCD", "MA_CSKCB")
_VISIT: Final = (
    "GT_THE_DEN",
    "NGAY_VAO_NOI_TRU",
    "CHAN_DOAN_RV",
    "MA_BENH_CHINH",
    "MA_BENH_KT",
    "MA_BENH_YHCT",
)
_STAY: Final = ("NGAY_VAO", "NGAY_RA")
#: Which fields a paper repeats; a layout that does not have one of them repeats the others.
_REPEATED: Final[Mapping[TableKind, tuple[str, ...]]] = {
    TableKind.XML6: (*_PERSON, "MATINH_CU_TRU", "MAHUYEN_CU_TRU", "MAXA_CU_TRU"),
    TableKind.XML7: _STAY,
    TableKind.XML8: (*_STAY, "MA_LOAI_KCB", "KET_QUA_DTRI"),
    TableKind.XML13: (*_PERSON, *_STAY, *_VISIT, "MA_QUOCTICH", "MA_DANTOC", "MA_NGHE_NGHIEP", "MA_LOAI_RV"),
    TableKind.XML14: (*_PERSON, *_STAY, *_VISIT, "MA_DOITUONG_KCB"),
    TableKind.XML15: (*_PERSON, "MA_BN"),
}
#: What a field of the summary row is called in a paper, where it has another name there.
_RENAMED: Final = ((TableKind.XML7, "MA_YTE", "MA_BN"), (TableKind.XML13, "MA_CSKCB_DEN", "MA_NOI_DEN"))


@rule("ALL.SAME_AS_XML1", Screen(tuple(_REPEATED)))
def find_papers_that_say_something_else(claim: CheckedClaim, _: Known) -> Iterator[Hit]:
    """What a paper repeats of the summary row it does not change."""
    summary = claim.summary_row
    if summary is None:
        return
    for kind, fields in _REPEATED.items():
        pairs = [(name, name) for name in fields]
        pairs += [(here, there) for table, here, there in _RENAMED if table is kind]
        for row in claim.rows(kind):
            yield from (
                Hit(row, here) for here, there in pairs if not _is_same(row[here], _told(summary, there))
            )


def _told(summary: Row, field: str) -> tuple[str, ...]:
    """Return what the summary row says; who came through the emergency room has two times of arrival."""
    also = ("NGAY_VAO_NOI_TRU",) if field == "NGAY_VAO" else ()
    return tuple(item for name in (field, *also) for item in _items(summary[name]))


def _is_same(repeated: str, told: tuple[str, ...]) -> bool:
    """Whether one says nothing or all of it is said by the other: of several cards a paper may name one."""
    here = set(_items(repeated))
    return not here or not told or here <= set(told)


def _items(value: str) -> tuple[str, ...]:
    return tuple(" ".join(item.split()).casefold() for item in split_items(value))
