"""A hospital's own rules are data with examples, cost what is bounded, and never break a check."""

import time
from pathlib import Path

import pytest

from claims.bundle.findings import Severity
from claims.bundle.kinds import TableKind
from claims.bundle.messages import describe
from claims.checking.check import CheckTerms, Report, check_bundle
from claims.checking.details import detail, detail_to_json
from claims.checking.own.conditions import MAX_LENGTH, MOST_ROWS, UnusableCondition, compile_condition
from claims.checking.own.rules import UnusableOwnRules, load_own_rules
from claims.checking.own.trying import open_own_rules, try_examples
from claims.checking.policy_file import load_policy
from claims.checking.samples import load_sample
from tests.unit.checking.bundles import AT, a_bundle, a_claim, codes, rows_of

GOOD = """
["OWN.DEAR"]
each = "XML2"
when = "row.DON_GIA > 5000000.0"
fields = ["DON_GIA"]
severity = "error"
vi = "Thuốc {đắt}."
en = "A dear drug {0}."
next_vi = "Hội chẩn."
next_en = "Consult."
examples = [
  { sample = "outpatient", breaks = ["XML2.DON_GIA = 6000000"], keeps = ["XML2.DON_GIA = 5000000"] },
]
"""
CLAIM = """
["OWN.SUM"]
each = "claim"
when = '''{when}'''
severity = "warning"
vi = "a"
en = "b"
next_vi = "c"
next_en = "d"
examples = [{{ sample = "outpatient", breaks = [], keeps = [] }}]
"""


def folder(tmp_path: Path, text: str) -> Path:
    (tmp_path / "rules.toml").write_text(text, "utf-8")
    return tmp_path


def checked(tmp_path: Path, text: str, data: bytes) -> Report:
    own = load_own_rules(folder(tmp_path, text))
    return check_bundle(data, at=AT, terms=CheckTerms(own_rules=own, rules=frozenset(own.rules)))


def whether(tmp_path: Path, when: str, data: bytes | None = None) -> list[str]:
    return codes(checked(tmp_path, CLAIM.format(when=when), data or load_sample("outpatient").write()))


def test_a_breach_is_a_finding_with_the_rules_own_sentences(tmp_path: Path) -> None:
    report = checked(tmp_path, GOOD, load_sample("outpatient", ["XML2[2].DON_GIA = 6000000"]).write())

    (finding,) = report.findings
    assert (finding.code, finding.severity) == ("OWN.DEAR", Severity.ERROR)
    assert (finding.location.table, finding.location.row, finding.location.field) == ("XML2", 2, "DON_GIA")
    assert describe(finding, "vi") == "Thuốc {đắt}."
    assert detail_to_json(detail(finding))["next"] == {"vi": "Hội chẩn.", "en": "Consult."}
    assert detail_to_json(detail(finding))["rule"] == "OWN.DEAR"


@pytest.mark.parametrize(
    "when",
    [
        'XML2.exists(x, x.MA_NHOM == "4")',
        "size(XML3) == 6",
        'claim.MA_BENH_CHINH.startsWith("J")',
        "claim.T_TONGCHI_BV > 271849",
        "sum(XML2.map(x, x.THANH_TIEN_BV)) == claim.T_THUOC",
        "days(claim.NGAY_VAO, claim.NGAY_RA) == 0",
        "minutes(claim.NGAY_VAO, claim.NGAY_RA) == 100",
        "claim.NGAY_TAI_KHAM == null || size(claim.NGAY_TAI_KHAM) > 0",
        'claim["MA_BN"] != null',
    ],
)
def test_conditions_speak_of_a_claim_in_plain_values(tmp_path: Path, when: str) -> None:
    assert whether(tmp_path, when) == ["OWN.SUM"]


def test_what_cannot_be_answered_for_want_of_a_value_is_no_fault(tmp_path: Path) -> None:
    data = load_sample("outpatient", ["XML2[*].DON_GIA ="]).write()

    assert [code for code in codes(checked(tmp_path, GOOD, data)) if code.startswith("OWN")] == []


@pytest.mark.parametrize(
    ("when", "why"),
    [
        ("claim.MA_BN > 5", "compares or computes with values of different kinds"),
        ("claim.T_THUOC * 2 > 5.0", "(beside a number, compute with 10.0, not with 10)"),
        ("1 / 0 == 1", "divides by zero"),
        ('XML2[99].MA_THUOC == "1"', "asks for an item that a list does not have"),
        ('XML2[0].NGAY_VAO == "1"', "asks for a field that the table does not have"),
        ("claim.T_THUOC", "is neither true nor false"),
        ("nonsense(claim.MA_BN)", "calls a function that does not exist"),
    ],
)
def test_a_condition_that_fails_is_an_info_that_says_why(tmp_path: Path, when: str, why: str) -> None:
    report = checked(tmp_path, CLAIM.format(when=when), load_sample("outpatient").write())

    (finding,) = report.findings
    assert (finding.code, finding.severity) == ("OWN.SUM.failed", Severity.INFO)
    start = f"This rule could not be checked on the claim: its condition “{when}” "
    assert describe(finding, "en").startswith(start)
    assert why in describe(finding, "en")
    assert detail(finding).next["en"].startswith("Mend the condition")


def test_a_condition_that_mixes_kinds_is_told_with_the_kind_of_each_field(tmp_path: Path) -> None:
    when = "claim.MA_BN > claim.T_THUOC || claim.MA_BENH_KT == claim.MA_BN"

    data = load_sample("outpatient", ["XML1.MA_BENH_KT = I10;E11"]).write()

    (finding,) = checked(tmp_path, CLAIM.format(when=when), data).findings

    assert describe(finding, "en").endswith("Numbers in it: T_THUOC; texts: MA_BN; lists: MA_BENH_KT.")
    assert describe(finding, "vi").endswith("Trong đó là số: T_THUOC; văn bản: MA_BN; danh sách: MA_BENH_KT.")


def test_what_the_library_says_of_a_value_is_not_passed_on(tmp_path: Path) -> None:
    data = load_sample("outpatient", ["XML1.HO_TEN = [Nguyễn"]).write()

    report = checked(tmp_path, CLAIM.format(when="claim.MA_BN.matches(claim.HO_TEN)"), data)

    (finding,) = report.findings
    assert "Nguyễn" not in describe(finding, "en")


def test_a_claim_with_more_rows_than_are_asked_about_is_said(tmp_path: Path) -> None:
    data = a_bundle({**a_claim(), TableKind.XML2: rows_of(TableKind.XML2, MOST_ROWS + 1)})

    assert codes(checked(tmp_path, GOOD, data)) == ["OWN.DEAR.failed"]


def test_the_costliest_rule_takes_less_than_a_second(tmp_path: Path) -> None:
    data = a_bundle({**a_claim(), TableKind.XML2: rows_of(TableKind.XML2, MOST_ROWS)})
    when = " || ".join(['XML2.exists(x, x.TEN_THUOC + x.TEN_THUOC + x.TEN_THUOC == "")'] * (MAX_LENGTH // 70))
    own = load_own_rules(folder(tmp_path, CLAIM.format(when=when)))
    started = time.process_time()

    check_bundle(data, at=AT, terms=CheckTerms(own_rules=own, rules=frozenset(own.rules)))

    assert time.process_time() - started < 5


def test_rules_that_an_editor_of_windows_wrote_are_read(tmp_path: Path) -> None:
    (tmp_path / "own.toml").write_text(GOOD, "utf-8-sig")

    assert load_own_rules(tmp_path).rules


@pytest.mark.parametrize(
    ("when", "says"),
    [
        ("claim.MA_BN ==", "cannot be read, line 1, character 15: mismatched input"),
        ("claim.MA_BN\n  == 'a", "cannot be read, line 2, character 6: "),
        ("claim.MA_BN = 'a'", "CEL compares with =="),
        ("claim.MA_BN <> 'a'", "CEL writes != for unequal"),
        ("claim.MA_BN == 'and' AND true", "CEL writes && for and"),
        ("claim.MA_BN == “a”", "texts stand in straight quotes"),
        ("row.MA_BN == null", "there is no row here"),
        ("claim.MA_BENHNHAN == null", "no table here has the field MA_BENHNHAN"),
        ('claim["MA_BENHNHAN"] == null', "no table here has the field MA_BENHNHAN"),
        ("XML2.all(x, XML3.all(y, true))", "no bound"),
        ("XML2.exists(x, [1].map(y, y) == [1])", "no bound"),
        ("true // XML2.all(x, XML3.all(y, true))", "comments"),
        ("true || " * 200 + "true", f"longer than {MAX_LENGTH}"),
        ("open('/etc/passwd') == __import__", "there is no __import__ here"),
    ],
)
def test_a_condition_that_cannot_be_used_is_refused_with_the_reason(when: str, says: str) -> None:
    with pytest.raises(UnusableCondition) as refused:
        compile_condition(when, about=None, fields={"MA_BN": None})

    assert says in str(refused.value)


@pytest.mark.parametrize(
    ("good", "bad", "says"),
    [
        pytest.param("OWN.DEAR", "MY.DEAR", 'a code is "OWN."', id="code"),
        pytest.param('each = "XML2"', 'each = "XML20"', "each is missing", id="table"),
        pytest.param('each = "XML2"', 'each = ["XML2"]', "each is missing", id="tables"),
        pytest.param("when =", "wenn =", "when is missing", id="when"),
        pytest.param('"DON_GIA"]', '"DON_GIAA"]', "XML2 has no field DON_GIAA", id="field"),
        pytest.param(
            'severity = "error"', 'severity = "bad"', "'bad' is not a valid Severity", id="severity"
        ),
        pytest.param('severity = "error"', "", "severity is missing", id="no-severity"),
        pytest.param('vi = "Thuốc {đắt}."', "", "vi is missing", id="sentence"),
        pytest.param("examples =", "exampels =", "examples are missing", id="examples"),
        pytest.param("fields =", "filled = true\nfields =", "must be checked in one way", id="two-ways"),
        pytest.param("fields =", "colour = 1\nfields =", "colour is not known here", id="unknown"),
        pytest.param("= 6000000", "= 4000000", "example 1: breaks: the rule finds nothing", id="breaks"),
        pytest.param('= 5000000"', '= 5000001"', "example 1: keeps: the rule finds a fault", id="keeps"),
        pytest.param('sample = "outpatient"', 'sample = "none"', "there is no sample 'none'", id="sample"),
        pytest.param("> 5000000.0", "> 'x'", "example 1: breaks: This rule could not be checked", id="type"),
    ],
)
def test_a_rule_that_makes_no_sense_or_breaks_its_examples_is_refused(
    tmp_path: Path, good: str, bad: str, says: str
) -> None:
    assert good in GOOD

    with pytest.raises(UnusableOwnRules) as refused:
        open_own_rules(folder(tmp_path, GOOD.replace(good, bad)))

    assert says in str(refused.value)


def test_rules_that_keep_their_examples_are_taken(tmp_path: Path) -> None:
    own = open_own_rules(folder(tmp_path, GOOD))

    assert list(own.rules) == ["OWN.DEAR"]
    assert list(try_examples(own)) == []
    assert CheckTerms(own_rules=own).rule_set.sha256 != CheckTerms().rule_set.sha256


def test_a_folder_without_rules_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnusableOwnRules, match="holds no rules"):
        load_own_rules(tmp_path)


def test_a_policy_may_name_an_own_rule(tmp_path: Path) -> None:
    own = load_own_rules(folder(tmp_path, GOOD))
    change = '[[change]]\nrules = ["OWN.DEAR"]\nseverity = "off"\nby = "a"\non = 2026-01-01\nwhy = "b"'
    (tmp_path / "p").write_text(f'name = "x"\n{change}')
    policy = load_policy(tmp_path / "p", own_codes=own.rules)

    data = load_sample("outpatient", ["XML2.DON_GIA = 6000000"]).write()
    report = check_bundle(
        data, at=AT, terms=CheckTerms(own_rules=own, policy=policy, rules=frozenset(own.rules))
    )

    assert codes(report) == []
