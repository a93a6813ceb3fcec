"""Rules of what is done again, how soon its result is there, and on which side it was done."""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from claims.bundle.kinds import TableKind
from claims.bundle.money.errors import NoMoneyRules
from claims.bundle.money.lines import PATIENT_PAYS
from claims.bundle.money.rules import find_rules
from claims.checking.practice import practice_on
from claims.checking.rules.rule import Hit, Screen, rule
from claims.checking.rules.visits import STAYING, kind_of_visit, minutes_between
from claims.checking.values import read_moment

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from claims.checking.known import Known
    from claims.checking.practice import Practice
    from claims.checking.tables import CheckedClaim, Row

_EXAM: Final = "13"
_CONSULTATION: Final = frozenset({_EXAM})
_WITH_RESULT: Final = frozenset({"1", "2"})
_DAY_MINUTES: Final = 24 * 60
_NOTHING: Final = Decimal(0)


@rule("XML3.DUP_SAME_DAY")
def find_services_repeated_in_a_day(claim: CheckedClaim, _: Known) -> Iterator[Hit]:
    """An image, and of an out-patient a test, is not made twice on a day."""
    practice = practice_on(claim.on)
    is_stay = kind_of_visit(claim) in STAYING
    groups = practice.once_a_day_groups_of_stays if is_stay else practice.once_a_day_groups
    columns = (claim.column(TableKind.XML3, field) for field in ("MA_NHOM", "MA_DICH_VU", "NGAY_YL"))
    days = [(code, ordered[:8]) for group, code, ordered in zip(*columns, strict=True) if group in groups]
    if len(set(days)) == len(days):
        return
    seen: dict[tuple[str, str], str] = {}
    for row in claim.rows_of(TableKind.XML3, "MA_NHOM", groups):
        code, ordered = row["MA_DICH_VU"], row.moment("NGAY_YL")
        if not code or ordered is None:
            continue
        # Of the same minute, another rule speaks.
        if seen.setdefault((code, ordered[:8]), ordered) != ordered:
            yield Hit(row, "MA_DICH_VU", (("code", code[:50]),))


@rule("XML3.EXAM_RATE")
def find_later_consultations_at_full_rate(claim: CheckedClaim, _: Known) -> Iterator[Hit]:
    """Of several consultations on a day the later ones are paid at reduced rates, and so are all together."""
    if claim.column(TableKind.XML3, "MA_NHOM").count(_EXAM) < 2:  # noqa: PLR2004 - a second one is needed
        return
    days = _consultations_by_day(claim)
    if not any(len(rows) > 1 for rows in days.values()):
        return
    try:
        settings = find_rules(claim.on).settings
    except NoMoneyRules:
        return
    percents, most = settings.exam_percents.on(claim.on), settings.exams_percent.on(claim.on)
    for rows in days.values():
        total = _NOTHING
        for place, row in enumerate(sorted(rows, key=_rate, reverse=True)):
            total += _rate(row)
            allowed = percents[place] if place < len(percents) else _NOTHING
            if _rate(row) > allowed or total > most:
                yield Hit(row, "TYLE_TT_DV", (("given", f"{_rate(row):f}"), ("most", f"{allowed:f}")))


@rule("XML4.TURNAROUND", Screen((TableKind.XML3,), ("MA_NHOM",), _WITH_RESULT.__contains__))
def find_implausible_turnarounds(claim: CheckedClaim, _: Known) -> Iterator[Hit]:
    """A result takes its time, and not for ever."""
    practice = practice_on(claim.on)
    least, most = practice.shortest_result_minutes, practice.longest_result_days * _DAY_MINUTES

    def is_implausible(group: str, ordered: str, done: str) -> bool:
        minutes = _minutes_taken(ordered, done) if group in _WITH_RESULT else None
        return minutes is not None and not least <= minutes <= most

    for row in claim.rows_where(TableKind.XML3, is_implausible, "MA_NHOM", "NGAY_YL", "NGAY_KQ"):
        minutes = _minutes_taken(row["NGAY_YL"], row["NGAY_KQ"])
        yield Hit(row, "NGAY_KQ", (("minutes", str(minutes)),))


@rule("XML4.LATERALITY", Screen((TableKind.XML4,)))
def find_results_of_the_other_side(claim: CheckedClaim, _: Known) -> Iterator[Hit]:
    """A result speaks of the side that the service was ordered for."""
    practice = practice_on(claim.on)
    ordered = _sides_ordered(claim, practice)
    for row in claim.rows(TableKind.XML4) if ordered else ():
        asked = ordered.get(row["MA_DICH_VU"], frozenset())
        told = _sides(f"{row['MO_TA']} {row['KET_LUAN']}", practice) if len(asked) == 1 else frozenset()
        if len(told) == 1 and told != asked:
            yield Hit(row, "KET_LUAN", (("code", row["MA_DICH_VU"][:50]),))


def _minutes_taken(ordered: str, done: str) -> int | None:
    start, end = read_moment(ordered), read_moment(done)
    return minutes_between(start, end) if start and end and start <= end else None


def _sides_ordered(claim: CheckedClaim, practice: Practice) -> dict[str, frozenset[str]]:
    """Return the sides that the names of services speak of, by code, of those that do."""
    ordered: dict[str, frozenset[str]] = {}
    services = (claim.column(TableKind.XML3, field) for field in ("MA_DICH_VU", "TEN_DICH_VU"))
    for code, name in set(zip(*services, strict=True)):
        sides = _sides(name, practice) if code else frozenset()
        if sides:
            ordered[code] = ordered.get(code, frozenset()) | sides
    return ordered


def _consultations_by_day(claim: CheckedClaim) -> dict[str, list[Row]]:
    days: defaultdict[str, list[Row]] = defaultdict(list)
    for row in claim.rows_of(TableKind.XML3, "MA_NHOM", _CONSULTATION):
        day = row.day("NGAY_YL")
        if row["PHAM_VI"] != PATIENT_PAYS and day:
            days[day].append(row)
    return days


def _rate(row: Row) -> Decimal:
    return row.number_of("TYLE_TT_DV") or _NOTHING


@lru_cache(maxsize=1024)
def _sides(text: str, practice: Practice) -> frozenset[str]:
    """Return which sides a text speaks of: where the word of one follows what has sides."""
    words = text.casefold().split()
    sides = (("left", practice.left_words), ("right", practice.right_words))
    return frozenset(
        name
        for name, those in sides
        for place, word in enumerate(words)
        if word.strip(".,;:()") in those and _has_sides(words[:place], practice)
    )


def _has_sides(before: Sequence[str], practice: Practice) -> bool:
    return any(" ".join(before[-length:]) in practice.sided_parts for length in (1, 2))
