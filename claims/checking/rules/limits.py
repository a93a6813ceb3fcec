"""Rules that ask for whom a service or a medicine is paid, and how often."""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal
from typing import TYPE_CHECKING

from claims.bundle.doses import read_dose
from claims.bundle.kinds import TableKind
from claims.catalogues.items import Kind, LimitItem
from claims.checking.rules.lines import rows_of_own_code
from claims.checking.rules.rule import Hit, rule
from claims.checking.rules.visits import STAYING, age_in_years, born_on, diagnoses_of, kind_of_visit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from claims.checking.known import Known
    from claims.checking.tables import CheckedClaim

_SERVICES = (TableKind.XML3, "MA_DICH_VU")
_MEDICINES = (TableKind.XML2, "MA_THUOC")


@rule("XML3.SEX_SERVICE")
def find_services_for_the_other_sex(claim: CheckedClaim, known: Known) -> Iterator[Hit]:
    """Some services are for one sex alone."""
    sex = "" if claim.summary_row is None else claim.summary_row["GIOI_TINH"]
    return _beyond(
        claim, known, _SERVICES, lambda one, _: bool(one.sex) and sex in {"1", "2"} and sex != one.sex
    )


@rule("XML3.AGE_SERVICE")
def find_services_for_another_age(claim: CheckedClaim, known: Known) -> Iterator[Hit]:
    """Some services are for an age alone."""
    summary = claim.summary_row
    born = "" if summary is None else born_on(summary)
    arrived = None if summary is None else summary.day("NGAY_VAO")
    if not born or arrived is None:
        return iter(())
    age = age_in_years(born, arrived)
    return _beyond(claim, known, _SERVICES, lambda one, _: not _is_of_age(one, age))


@rule("XML3.ICD_INDICATION")
def find_services_without_indication(claim: CheckedClaim, known: Known) -> Iterator[Hit]:
    """Some services are paid with certain diagnoses alone."""
    return _beyond(claim, known, _SERVICES, _lacks_indication)


@rule("XML3.ICD_CONTRA")
def find_services_against_a_diagnosis(claim: CheckedClaim, known: Known) -> Iterator[Hit]:
    """Some services are not done with certain diagnoses."""
    return _beyond(claim, known, _SERVICES, _is_contraindicated)


@rule("XML2.ICD_INDICATION")
def find_medicines_without_indication(claim: CheckedClaim, known: Known) -> Iterator[Hit]:
    """Some medicines are paid with certain diagnoses alone."""
    return _beyond(claim, known, _MEDICINES, _lacks_indication)


@rule("XML2.ICD_CONTRA")
def find_medicines_against_a_diagnosis(claim: CheckedClaim, known: Known) -> Iterator[Hit]:
    """Some medicines are not given with certain diagnoses."""
    return _beyond(claim, known, _MEDICINES, _is_contraindicated)


@rule("XML3.DAILY_LIMIT")
def find_services_done_too_often(claim: CheckedClaim, known: Known) -> Iterator[Hit]:
    """Some services are paid so often on a day."""
    done: defaultdict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for row in rows_of_own_code(claim, *_SERVICES):
        limits = [one.per_day for one in _limits(claim, known, row["MA_DICH_VU"]) if one.per_day is not None]
        day = row.day("NGAY_YL")
        if not limits or day is None:
            continue
        key = row["MA_DICH_VU"], day
        done[key] += row.number_of("SO_LUONG") or 0
        if done[key] > max(limits):
            params = (("given", f"{done[key].normalize():f}"), ("most", f"{max(limits).normalize():f}"))
            yield Hit(row, "MA_DICH_VU", params)


@rule("XML3.NOT_PAID_INPATIENT")
def find_services_not_paid_for_who_stays(claim: CheckedClaim, known: Known) -> Iterator[Hit]:
    """Some services are not paid by themselves for who stays."""
    if kind_of_visit(claim) not in STAYING:
        return iter(())
    return _beyond(claim, known, _SERVICES, lambda one, _: bool(one.not_inpatient))


@rule("XML2.MAX_DAILY_DOSE")
def find_doses_that_are_too_high(claim: CheckedClaim, known: Known) -> Iterator[Hit]:
    """A medicine has a greatest dose a day."""
    for row in claim.rows(TableKind.XML2):
        limits = [one.per_day for one in _limits(claim, known, row["MA_THUOC"]) if one.per_day is not None]
        dose = read_dose(row["LIEU_DUNG"]) if limits else None
        if dose is not None and dose.amount * dose.times > max(limits):
            given, most = dose.amount * dose.times, max(limits)
            yield Hit(
                row, "LIEU_DUNG", (("given", f"{given.normalize():f}"), ("most", f"{most.normalize():f}"))
            )


def _beyond(
    claim: CheckedClaim,
    known: Known,
    where: tuple[TableKind, str],
    is_beyond: Callable[[LimitItem, tuple[str, ...]], bool],
) -> Iterator[Hit]:
    """Find rows that are beyond every limit that the list has for their code."""
    kind, field = where
    of_claim = diagnoses_of(claim)
    for row in rows_of_own_code(claim, kind, field):
        limits = _limits(claim, known, row[field])
        if limits and all(is_beyond(one, (*of_claim, *row.items_of("MA_BENH"))) for one in limits):
            yield Hit(row, field, (("code", row[field][:50]),))


def _limits(claim: CheckedClaim, known: Known, code: str) -> tuple[LimitItem, ...]:
    if not code or known.catalogue is None:
        return ()
    found = known.catalogue.find_items(Kind.LIMIT, code, claim.on)
    return tuple(one for one in found if isinstance(one, LimitItem))


def _lacks_indication(one: LimitItem, diagnoses: tuple[str, ...]) -> bool:
    return bool(one.diagnoses) and not any(code.startswith(one.diagnoses) for code in diagnoses)


def _is_contraindicated(one: LimitItem, diagnoses: tuple[str, ...]) -> bool:
    return bool(one.not_with) and any(code.startswith(one.not_with) for code in diagnoses)


def _is_of_age(one: LimitItem, age: int) -> bool:
    return (one.age_from is None or one.age_from <= age) and (one.age_to is None or age <= one.age_to)
