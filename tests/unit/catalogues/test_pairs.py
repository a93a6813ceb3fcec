"""Pairs of codes that do not go together, and limits, as a catalogue gives them."""

from decimal import Decimal
from pathlib import Path

from claims.catalogues.items import Kind, LimitItem, PairItem, Relation
from tests.unit.catalogues.folders import loaded, problems

PAIRS = "code,other,relation\n40.30,40.37,INTERACTS\n40.30,40.38,friends\n40.30,,same\n"
LIMITS = "code,sex,age_to,diagnoses,per_day,not_inpatient\n18.0020.0001,2,15,O;Z3,2,x\n"


def test_a_pair_says_how_two_codes_are_related_or_is_left_out(tmp_path: Path) -> None:
    found = loaded(tmp_path, {"pairs.csv": PAIRS})
    (pair,) = found.catalogue.tables[Kind.PAIR].entries

    assert isinstance(pair, PairItem)
    assert (pair.code, pair.other, pair.relation) == ("40.30", "40.37", Relation.INTERACTS)
    assert [code for code, *_ in problems(found)] == ["not-a-relation", "cell-empty"]


def test_a_limit_says_for_whom_and_how_often(tmp_path: Path) -> None:
    (limit,) = loaded(tmp_path, {"limits.csv": LIMITS}).catalogue.tables[Kind.LIMIT].entries

    assert isinstance(limit, LimitItem)
    assert (limit.sex, limit.age_from, limit.age_to) == ("2", None, Decimal(15))
    assert (limit.diagnoses, limit.per_day, limit.not_inpatient) == (("O", "Z3"), Decimal(2), True)
