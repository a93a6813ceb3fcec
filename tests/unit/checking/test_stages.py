"""Stages run in their order, as far as they make sense, and the report says what each came to."""

import json
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from claims.bundle.findings import Finding, Severity
from claims.bundle.writing import TableKind
from claims.checking.check import (
    MOST_FINDINGS,
    CheckTerms,
    Report,
    SignatureTerms,
    StageName,
    Why,
    check_bundle,
)
from claims.checking.details import report_to_json
from signing.demo_pki import DemoPki, FacilityKey
from signing.policy import DEFAULT_POLICY
from signing.sign import sign_bundle
from signing.verdict import Indication
from tests.unit.checking.bundles import (
    AT,
    FACILITY,
    MA_LK,
    RULES,
    a_bundle,
    a_claim,
    a_file,
    a_table,
    an_envelope,
    check,
    codes,
    rows_of,
)
from xsd.explain import MOST_FAULTS


@pytest.fixture(scope="module")
def pki() -> DemoPki:
    return DemoPki.create(at=AT)


@pytest.fixture(scope="module")
def key(pki: DemoPki) -> FacilityKey:
    return pki.leaf(FACILITY, valid_from=AT - timedelta(days=1), valid_to=AT + timedelta(days=365))


@pytest.fixture
def terms(pki: DemoPki) -> SignatureTerms:
    return SignatureTerms(
        pki.trust_store(), DEFAULT_POLICY, lambda facility, _sha256, _at: facility == FACILITY
    )


def outcomes(report: Report) -> dict[str, str]:
    return {stage.name: stage.outcome.value for stage in report.stages}


def severities(report: Report) -> list[tuple[str, Severity]]:
    return [(finding.code, finding.severity) for finding in report.findings]


def test_a_signed_bundle_passes_every_stage(key: FacilityKey, terms: SignatureTerms) -> None:
    report = check(sign_bundle(a_bundle(), key.signer), signature=terms, expected_facility=FACILITY)

    assert {name for name, outcome in outcomes(report).items() if outcome != "passed"} == {
        "catalogues",
        "history",
    }
    assert report.findings == ()
    assert report.signature is not None
    assert report.signature.indication is Indication.TOTAL_PASSED
    assert report.signature.signer is not None


def test_a_report_does_not_keep_the_verified_tree_alive(key: FacilityKey, terms: SignatureTerms) -> None:
    report = check(sign_bundle(a_bundle(), key.signer), signature=terms)

    assert report.signature is not None
    assert report.signature.content is None


def test_stages_come_in_their_order_each_with_its_time() -> None:
    report = check(a_bundle())

    assert [str(stage.name) for stage in report.stages] == [
        "size", "xml", "envelope", "signature", "schema", "crosstable", "rules", "catalogues", "history",
    ]  # fmt: skip
    assert all(stage.ms > 0 for stage in report.stages if stage.outcome.value != "skipped")


def test_a_skipped_stage_says_why() -> None:
    stages = {stage.name: stage.why for stage in check(a_bundle()).stages}

    assert stages[StageName.SIGNATURE] is Why.NOT_ASKED
    assert stages[StageName.CATALOGUES] is Why.UNKNOWN
    assert stages[StageName.RULES] is None
    assert {stage.why for stage in check(b"{}").stages if stage.name in {"schema", "rules"}} == {
        Why.POINTLESS
    }


@pytest.mark.parametrize("until", list(StageName))
def test_a_check_goes_as_far_as_it_is_asked_to(until: StageName) -> None:
    report = check_bundle(a_bundle(), at=AT, terms=CheckTerms(until=until, rules=RULES))

    names = list(StageName)
    after = names[names.index(until) + 1 :]
    assert {stage.why for stage in report.stages if stage.name in after} <= {Why.NOT_ASKED}
    assert all(stage.ms > 0 for stage in report.stages if stage.name == until and stage.why is None)


def test_the_report_counts_the_rules_that_ran_and_those_left_out_by_need() -> None:
    report = check_bundle(a_bundle(), at=AT)

    stages = {stage.name: stage for stage in report.stages}
    assert stages[StageName.RULES].ran > 3
    assert stages[StageName.RULES].left_out == {}
    assert report.left_out == {
        need: sum(stage.left_out.get(need, 0) for stage in report.stages) for need in report.left_out
    }


def test_a_report_names_the_rule_set_and_the_moment() -> None:
    one, again = check(a_bundle()), check(b"<x/>")

    assert one.rule_set is not None
    assert one.rule_set == again.rule_set
    assert one.at == AT
    assert {key for key, _ in one.rule_set.parts} >= {"software", "rules", "policy", "catalogue", "format"}


def test_the_signature_is_not_looked_at_unless_terms_are_given() -> None:
    report = check(a_bundle())

    assert outcomes(report)["signature"] == "skipped"
    assert report.signature is None
    assert report.is_acceptable


def test_an_unsigned_bundle_is_critical_when_a_signature_is_asked_for(terms: SignatureTerms) -> None:
    report = check(a_bundle(), signature=terms)

    assert severities(report) == [("ENV.SIGNED", Severity.CRITICAL)]
    assert outcomes(report)["signature"] == "failed"
    assert outcomes(report)["crosstable"] == "passed"


def test_a_changed_bundle_is_blocked_and_still_checked_to_the_end(
    key: FacilityKey, terms: SignatureTerms
) -> None:
    data = sign_bundle(an_envelope(count="2"), key.signer).replace(b"<NGAYLAP>20250801", b"<NGAYLAP>20250802")

    report = check(data, signature=terms)

    assert severities(report) == [
        ("ENV.COUNT", Severity.ERROR),
        ("SIGNATURE.DIGEST_MISMATCH", Severity.CRITICAL),
    ]


def test_two_signatures_are_one_finding(key: FacilityKey, terms: SignatureTerms) -> None:
    signed = sign_bundle(a_bundle(), key.signer)
    start, end = signed.index(b"<CHUKYDONVI>") + 12, signed.index(b"</CHUKYDONVI>")
    data = signed[:end] + signed[start:end] + signed[end:]

    report = check(data, signature=terms)

    assert severities(report) == [("ENV.ONE_SIGNATURE", Severity.CRITICAL)]
    assert report.signature is not None
    assert not report.signature.has_passed


def test_another_facilitys_certificate_is_named_as_such(pki: DemoPki, key: FacilityKey) -> None:
    terms = SignatureTerms(pki.trust_store(), DEFAULT_POLICY, lambda *_: False)

    report = check(sign_bundle(a_bundle(), key.signer), signature=terms)

    assert severities(report) == [("SIGNATURE.FACILITY", Severity.CRITICAL)]
    assert outcomes(report)["signature"] == "failed"


def test_registration_is_asked_for_the_facility_the_certificate_and_the_moment(
    pki: DemoPki, key: FacilityKey
) -> None:
    asked: list[tuple[str, str, datetime]] = []

    def registered(facility: str, sha256: str, at: datetime) -> bool:
        asked.append((facility, sha256, at))
        return True

    report = check(
        sign_bundle(a_bundle(), key.signer),
        signature=SignatureTerms(pki.trust_store(), DEFAULT_POLICY, registered),
    )

    assert report.signature is not None
    assert report.signature.signer is not None
    assert asked == [(FACILITY, report.signature.signer.sha256, AT)]


def test_what_cannot_be_settled_blocks_under_a_code_of_its_own(pki: DemoPki, terms: SignatureTerms) -> None:
    past = pki.leaf(FACILITY, valid_from=AT - timedelta(hours=20), valid_to=AT - timedelta(hours=1))

    report = check(sign_bundle(a_bundle(), past.signer), signature=terms)

    assert severities(report) == [
        ("SIGNATURE.INDETERMINATE", Severity.CRITICAL),
        ("CERTIFICATE.EXPIRED", Severity.ERROR),
    ]


def test_a_signature_by_an_unknown_issuer_is_not_trusted(key: FacilityKey) -> None:
    other = DemoPki.create(at=AT).trust_store()

    report = check(
        sign_bundle(a_bundle(), key.signer),
        signature=SignatureTerms(other, DEFAULT_POLICY, lambda *_: True),
    )

    assert "CERTIFICATE.UNTRUSTED" in codes(report)
    assert not report.is_acceptable


def test_later_stages_are_skipped_when_there_is_no_xml() -> None:
    report = check(b"{}")

    assert list(outcomes(report).values()) == ["passed", "failed", *["skipped"] * 7]


def test_tables_are_not_checked_when_none_could_be_read() -> None:
    data = a_bundle().replace(b"<NOIDUNGFILE>", b"<NOIDUNGFILE>@")

    report = check(data)

    assert outcomes(report)["schema"] == "skipped"
    assert not report.is_valid


def test_a_claim_is_summed_up_from_its_tables() -> None:
    claim_rows = {
        **a_claim(T_BHTT="1500000"),
        TableKind.XML2: rows_of(TableKind.XML2, 3),
        TableKind.XML3: rows_of(TableKind.XML3, 2),
    }

    report = check(a_bundle(claim_rows))

    (claim,) = report.claims
    assert (claim.ma_lk, claim.decision, claim.discharged_on) == (MA_LK, "3176", date(2025, 8, 1))
    assert dict(claim.tables) == {"XML1": 1, "XML2": 3, "XML3": 2}
    assert claim.t_bhtt == Decimal(1500000)
    assert report.facility == FACILITY


def test_a_total_that_is_no_amount_is_left_open_in_the_summary() -> None:
    report = check(a_bundle(a_claim(T_BHTT="1.500.000")))

    assert report.claims[0].t_bhtt is None
    assert codes(report) == ["XML1.T_BHTT.format"]


def test_a_claim_from_before_the_first_decision_we_know_is_not_judged_by_a_later_one() -> None:
    summary = a_table(TableKind.XML1).replace(b"<NGAY_RA>2025", b"<NGAY_RA>2022")
    data = an_envelope(a_file("XML1", summary)).replace(a_file("XML1", a_table(TableKind.XML1)).encode(), b"")

    report = check(data)

    assert codes(report) == ["ALL.STANDARD_VERSION"]
    assert dict(report.findings[0].params) == {"on": "2022-08-01"}


def test_a_flood_of_findings_is_cut_off_with_the_gravest_kept() -> None:
    rows = rows_of(TableKind.XML2, MOST_FINDINGS + 5, MA_NHOM="99")
    rows[-1]["NGAY_YL"] = "202502310800"

    report = check(a_bundle({**a_claim(), TableKind.XML2: rows}))

    assert len(report.findings) == MOST_FINDINGS + 1
    assert report.findings[0].code == "ALL.DT12"
    assert (report.findings[-1].code, report.findings[-1].params) == (
        "ENV.MORE_FINDINGS",
        (("left_out", "6"),),
    )


def test_a_table_with_more_faults_than_are_listed_says_so() -> None:
    rows = rows_of(TableKind.XML2, MOST_FAULTS + 5, SO_LUONG="many")

    report = check(a_bundle({**a_claim(), TableKind.XML2: rows}))

    (more,) = (one for one in report.findings if one.code == "ENV.MORE_FAULTS")
    assert codes(report).count("XML2.SO_LUONG.format") == MOST_FAULTS
    assert (more.location.table, more.params) == (TableKind.XML2, (("listed", str(MOST_FAULTS)),))


def test_the_json_of_a_report_says_each_finding_in_both_languages() -> None:
    document = report_to_json(check(an_envelope(count="2")))

    text = json.dumps(document)
    assert json.loads(text)["valid"] is False
    (finding,) = json.loads(text)["findings"]
    assert (finding["code"], finding["severity"], finding["field"]) == ("ENV.COUNT", "error", "SOLUONGHOSO")
    assert set(finding["message"]) == {"vi", "en"}
    assert {stage["outcome"] for stage in json.loads(text)["stages"]} == {"passed", "failed", "skipped"}
    assert json.loads(text)["claims"][0]["totals"]["T_BHTT"] == "150000.50"


@pytest.mark.parametrize(
    ("severity", "blocks"),
    [(Severity.INFO, False), (Severity.WARNING, False), (Severity.ERROR, True), (Severity.CRITICAL, True)],
)
def test_errors_and_worse_block(severity: Severity, *, blocks: bool) -> None:
    report = Report((), (Finding("X", severity),), None, (), None)

    assert report.is_acceptable is not blocks


def test_the_moment_of_a_check_decides_by_the_calendar_of_vietnam() -> None:
    late_evening_utc = datetime(2024, 12, 31, 18, 0, tzinfo=UTC)
    data = a_bundle(a_claim(NGAY_RA=""))

    report = check_bundle(data, at=late_evening_utc, terms=CheckTerms(rules=RULES))

    assert codes(report) == ["XML1.NGAY_RA.required"]
