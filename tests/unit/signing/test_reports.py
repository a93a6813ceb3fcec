"""Reports: the verdict with each check asked and answered, and the facts from which it is reached again."""

import json
from collections.abc import Callable
from dataclasses import replace

import pytest
from lxml import etree

from signing.canonical import parse
from signing.demo_pki import DemoPki, FacilityKey
from signing.errors import RecordUnreadable, Unparsable
from signing.report.as_etsi import NAMESPACE, report_to_etsi
from signing.report.as_json import report_from_json, report_to_json
from signing.report.report import Answer, Block, Outcome, Report, Terms, block_of, recompute, report_on
from signing.report.words import describe_report, name_of, question
from signing.sign import Profile, sign_bundle
from signing.trust import TrustStore
from signing.verdict import Indication, Reason
from signing.verify import verify
from tests.unit.signing.attacks.all import FAMILIES
from tests.unit.signing.attacks.certificates import KEY, sent
from tests.unit.signing.attacks.table import Attack, Workshop
from tests.unit.signing.documents import BUNDLE, DAY, NOW, Recipe, certificate_for, sign_like
from tests.unit.signing.forging import ADJUSTMENTS

ATTACKS = [
    pytest.param(attack, id=f"{family.title}, {number}")
    for family in FAMILIES
    for number, attack in enumerate(family.attacks, 1)
]
Reporter = Callable[[bytes], Report]


@pytest.fixture(scope="session")
def workshop(
    pki: DemoPki, facility: FacilityKey, ec_facility: FacilityKey, other_facility: FacilityKey
) -> Workshop:
    return Workshop(pki, facility, ec_facility, other_facility)


@pytest.fixture
def report(trust: TrustStore) -> Reporter:
    return lambda data: report_on(data, Terms(trust=trust, at=NOW))


@pytest.mark.parametrize("attack", ATTACKS)
def test_a_report_says_what_the_verdict_says_and_its_facts_come_to_the_same(
    attack: Attack, workshop: Workshop
) -> None:
    data, trust = attack.make(workshop), (attack.trust or (lambda each: each.pki.trust_store()))(workshop)
    try:
        verdict = replace(verify(parse(data), trust=trust, at=attack.at), content=None)
    except Unparsable:
        with pytest.raises(Unparsable):
            report_on(data, Terms(trust=trust, at=attack.at))
        return

    made = report_on(data, Terms(trust=trust, at=attack.at))

    assert made.verdict == verdict
    assert recompute(made.record) == made
    failing = {
        check.reason for block in made.blocks for check in block.checks if check.answer is Answer.FAILED
    }
    assert failing == set(verdict.reasons)


@pytest.mark.parametrize("profile", Profile)
def test_a_report_of_every_profile_survives_json(
    profile: Profile, workshop: Workshop, report: Reporter
) -> None:
    data = {Profile.PLAIN: workshop.signed, Profile.XADES: workshop.xades, Profile.ELEMENT: workshop.element}
    made = report(data[profile])

    again = report_from_json(json.loads(json.dumps(report_to_json(made))))

    assert again == made
    assert again.verdict.has_passed


def test_a_root_that_is_covered_by_its_id_keeps_it_in_the_facts(
    facility: FacilityKey, report: Reporter
) -> None:
    document = BUNDLE.replace(b"<GIAMDINHHS ", b'<GIAMDINHHS Id="root" ')
    made = report(sign_like(Recipe(uri='URI="#root"'), facility, document))

    assert recompute(made.record).verdict.has_passed


def test_nothing_of_the_content_is_in_a_report(facility: FacilityKey, report: Reporter) -> None:
    data = sign_bundle(BUNDLE.replace(b"<HOSO>", b"<HOSO>canary-name"), facility.signer)

    made = report(data)

    assert made.verdict.has_passed
    assert "canary" not in json.dumps(report_to_json(made))
    assert made.record.skeleton is not None
    assert b"canary" not in made.record.skeleton
    assert b"canary" not in report_to_etsi([made])


def _tampered(made: Report, change: Callable[[dict[str, object]], object]) -> dict[str, object]:
    document = json.loads(json.dumps(report_to_json(made)))
    change(document)
    return dict(document)


TAMPERINGS: list[Callable[[dict], object]] = [  # type: ignore[type-arg]
    lambda document: document["simple"].update(indication="TOTAL-FAILED"),
    lambda document: document["simple"].update(level="B-LTA"),
    lambda document: document["simple"]["signer"].update(sha256="0" * 64),
    lambda document: document["detailed"][0]["checks"][0].update(answer="failed"),
    lambda document: document["detailed"].pop(),
    lambda document: document["diagnostic"]["digests"]["references"].__setitem__(0, "AAAA"),
    lambda document: document["diagnostic"].update(is_registered=False),
    lambda document: document["diagnostic"].update(at="2036-01-01T00:00:00+00:00"),
    lambda document: document["diagnostic"]["trust"].update(anchors=[]),
    lambda document: document["diagnostic"]["trust"].update(anchors=["AAAA"]),
    lambda document: document["diagnostic"].update(skeleton=None),
    lambda document: document["diagnostic"].update(skeleton="PGEvPg=="),
    lambda document: document["diagnostic"].update(policy="name = 'mine'"),
    lambda document: document["diagnostic"].pop("digests"),
    lambda document: document.update(version=2),
]


@pytest.mark.parametrize("number", range(len(TAMPERINGS)))
def test_a_report_that_does_not_follow_from_its_facts_is_refused(
    number: int, workshop: Workshop, report: Reporter
) -> None:
    with pytest.raises(RecordUnreadable):
        report_from_json(_tampered(report(workshop.signed), TAMPERINGS[number]))


def test_a_report_from_before_a_question_was_asked_still_follows_from_its_facts(
    workshop: Workshop, report: Reporter
) -> None:
    made = report_to_json(report(workshop.signed))

    def forget(document: dict) -> None:  # type: ignore[type-arg]
        del document["diagnostic"]["stated_facility"]
        (facility,) = (each for each in document["detailed"] if each["block"] == Block.FACILITY)
        facility["checks"] = [each for each in facility["checks"] if not each["check"].startswith("document")]

    assert (
        report_to_json(report_from_json(_tampered(report(workshop.signed), forget)))["simple"]
        == made["simple"]
    )


def test_a_report_in_the_words_of_other_software_still_follows_from_its_facts(
    workshop: Workshop, report: Reporter
) -> None:
    made = report_to_json(report(workshop.signed))
    names_in_numbers = json.dumps(made).replace("serialNumber=", "2.5.4.5=")
    document = json.loads(names_in_numbers)
    document["simple"]["sentence"]["en"] = "As somebody else would say it."
    document["detailed"][0]["checks"][0]["question"]["vi"] = "Hỏi cách khác?"

    again = report_from_json(document)

    assert report_to_json(again) == made != document


def test_a_report_of_endless_depth_is_refused(workshop: Workshop, report: Reporter) -> None:
    deep: list[object] = []
    for _ in range(100_000):
        deep = [deep]

    with pytest.raises(RecordUnreadable):
        report_from_json({**report_to_json(report(workshop.signed)), "detailed": deep})


@pytest.mark.parametrize("document", [None, [], {}, {"version": 1}, {"version": 1, "diagnostic": []}])
def test_what_is_no_report_is_refused(document: object) -> None:
    with pytest.raises(RecordUnreadable):
        report_from_json(document)


def test_the_facility_is_bound_in_the_verdict(
    facility: FacilityKey, trust: TrustStore, workshop: Workshop
) -> None:
    terms = Terms(trust=trust, at=NOW, facility="01001", registered=lambda _code, _sha256, _at: False)

    made = report_on(workshop.signed, terms)

    assert made.verdict.reasons == (Reason.CERTIFICATE_OTHER_FACILITY,)
    assert [block.outcome for block in made.blocks if block.block is Block.FACILITY] == [
        Outcome.INDETERMINATE
    ]
    assert recompute(made.record).verdict == made.verdict


def test_a_document_that_names_another_facility_than_the_one_asked_for_does_not_pass(
    trust: TrustStore, workshop: Workshop
) -> None:
    terms = Terms(trust=trust, at=NOW, facility="79024", registered=lambda _code, _sha256, _at: True)

    made = report_on(workshop.signed, terms)

    assert made.verdict.reasons == (Reason.DOCUMENT_OTHER_FACILITY,)
    assert report_from_json(report_to_json(made)).verdict == made.verdict


def test_a_check_in_is_of_the_facility_in_its_rows(facility: FacilityKey, trust: TrustStore) -> None:
    row = b"<TRANG_THAI_KCB><MA_LK>A1</MA_LK><MA_CSKCB>79024</MA_CSKCB></TRANG_THAI_KCB>"
    check_in = b"<CHI_TIEU_TRANG_THAI_KCB><DSACH_TRANG_THAI_KCB>%b</DSACH_TRANG_THAI_KCB><CHUKYDONVI/>" % row
    terms = Terms(trust=trust, at=NOW, registered=lambda code, _sha256, _at: code == "01001")

    made = report_on(sign_bundle(check_in + b"</CHI_TIEU_TRANG_THAI_KCB>", facility.signer), terms)

    assert (made.record.facility, made.verdict.reasons) == ("79024", (Reason.CERTIFICATE_OTHER_FACILITY,))


def test_a_comment_hides_nothing_of_the_facility(facility: FacilityKey, report: Reporter) -> None:
    signed = sign_bundle(BUNDLE, facility.signer)

    made = report(signed.replace(b"01001", b"01<!-- 0 -->001"))

    assert (made.record.stated_facility, made.verdict.reasons) == ("01001", ())


CHECK_INS = (
    b"<CHI_TIEU_TRANG_THAI_KCB><DSACH_TRANG_THAI_KCB>%b</DSACH_TRANG_THAI_KCB><CHUKYDONVI/>"
    b"</CHI_TIEU_TRANG_THAI_KCB>"
)
SEVERAL = {
    "bundle": BUNDLE.replace(b"<MACSKCB>", b"<MACSKCB>79024</MACSKCB><MACSKCB>"),
    "check-ins": CHECK_INS % b"".join(
        b"<TRANG_THAI_KCB><MA_LK>A1</MA_LK><MA_CSKCB>%b</MA_CSKCB></TRANG_THAI_KCB>" % code
        for code in (b"79024", b"01001")
    ),
}  # fmt: skip


@pytest.mark.parametrize("document", SEVERAL.values(), ids=SEVERAL)
@pytest.mark.parametrize("code", ["79024", "01001", None])
def test_a_document_of_several_facilities_is_no_one_s(
    document: bytes, code: str | None, facility: FacilityKey, trust: TrustStore, report: Reporter
) -> None:
    signed = sign_bundle(document, facility.signer)
    terms = Terms(trust=trust, at=NOW, facility=code, registered=lambda _code, _sha256, _at: True)

    made = report_on(signed, terms)

    assert made.verdict.reasons == (Reason.DOCUMENT_SEVERAL_FACILITIES,)
    assert (made.record.facility, made.record.stated_facility) == (code, None)
    assert report_from_json(report_to_json(made)) == made
    assert report(signed).verdict.has_passed, "whose it is was not asked"


def test_what_names_its_facility_twice_names_one(facility: FacilityKey, trust: TrustStore) -> None:
    twice = BUNDLE.replace(b"<MACSKCB>", b"<MACSKCB>01001 </MACSKCB><MACSKCB/><MACSKCB>")
    terms = Terms(
        trust=trust, at=NOW, facility="01001", registered=lambda code, _sha256, _at: code == "01001"
    )

    assert report_on(sign_bundle(twice, facility.signer), terms).verdict.has_passed


@pytest.mark.parametrize("name", ["MACSKCB", "MA_CSKCB"])
def test_a_form_is_of_the_facility_that_is_signed_and_not_of_one_beside_it(
    name: str, facility: FacilityKey, trust: TrustStore
) -> None:
    form = sign_bundle(
        ADJUSTMENTS.replace(b"MACSKCB", name.encode()), facility.signer, profile=Profile.ELEMENT, at=NOW
    )
    beside = b"<THONGTINDONVI><MACSKCB>79024</MACSKCB></THONGTINDONVI><CHUKYDONVI>"
    terms = Terms(trust=trust, at=NOW, registered=lambda code, _sha256, _at: code == "79024")

    made = report_on(form.replace(b"<CHUKYDONVI>", beside), terms)
    asked = report_on(form, replace(terms, facility="79024"))

    assert (made.record.facility, made.verdict.reasons) == ("01001", (Reason.CERTIFICATE_OTHER_FACILITY,))
    assert asked.verdict.reasons == (Reason.DOCUMENT_OTHER_FACILITY,)
    assert recompute(made.record).verdict == made.verdict


def test_every_reason_has_a_block_and_a_question_in_both_languages() -> None:
    for reason in Reason:
        assert block_of(reason) in Block
        assert question(reason, "vi") != question(reason, "en")


def test_what_a_standard_names_has_a_name_in_both_languages() -> None:
    for each in (*Block, *Outcome, *Indication):
        assert name_of(each, "vi") != name_of(each, "en")


@pytest.mark.parametrize("language", ["vi", "en"])
def test_every_outcome_has_its_sentence(
    language: str, workshop: Workshop, report: Reporter, pki: DemoPki, facility: FacilityKey
) -> None:
    crl = pki.revocation_list([], at=NOW - 30 * DAY)
    stale = pki.trust_store(crls=[crl])
    sentences = {
        describe_report(report(workshop.signed), language),
        describe_report(report(workshop.xades), language),
        describe_report(report(BUNDLE), language),
        describe_report(report_on(workshop.signed, Terms(trust=stale, at=NOW)), language),
        describe_report(report_on(workshop.signed, Terms(trust=TrustStore(anchors=[]), at=NOW)), language),
    }

    assert len(sentences) == 5


@pytest.mark.parametrize("base", ["signed", "xades", "element"])
def test_the_exchange_format_has_its_elements_in_their_order(
    base: str, workshop: Workshop, report: Reporter
) -> None:
    root = etree.fromstring(report_to_etsi([report(getattr(workshop, base))]))

    (one,) = root.findall(f"{{{NAMESPACE}}}SignatureValidationReport")
    names = [etree.QName(element).localname for element in one]
    order = [
        "SignatureIdentifier", "ValidationConstraintsEvaluationReport", "ValidationTimeInfo",
        "SignersDocument", "SignatureAttributes", "SignerInformation", "SignatureQuality",
        "SignatureValidationProcess", "SignatureValidationStatus",
    ]  # fmt: skip
    assert names == [name for name in order if name in names]
    assert one.findtext(f".//{{{NAMESPACE}}}SignatureValidationStatus/{{{NAMESPACE}}}MainIndication") == (
        "urn:etsi:019102:mainindication:total-passed"
    )
    ids = [element.get("id") for element in root.iter(f"{{{NAMESPACE}}}ValidationObject")]
    references = {element.get("VOReference") for element in one.iter(f"{{{NAMESPACE}}}SignerCertificate")}
    assert len(set(ids)) == len(ids)
    assert references <= set(ids)


def test_no_id_is_twice_in_the_exchange_format_when_a_document_is(
    workshop: Workshop, report: Reporter
) -> None:
    made = report(workshop.signed)

    ids = etree.fromstring(report_to_etsi([made, made])).xpath("//@id")

    assert isinstance(ids, list)
    assert len(set(ids)) == len(ids)


def test_a_time_of_verification_without_a_zone_is_refused(workshop: Workshop, trust: TrustStore) -> None:
    with pytest.raises(ValueError, match="aware"):
        report_on(workshop.signed, Terms(trust=trust, at=NOW.replace(tzinfo=None)))


@pytest.mark.attack
@pytest.mark.parametrize(
    ("name", "shown"),
    [
        pytest.param("a\x01b", r"CN=a\01b", id="control-character"),
        pytest.param("a\x1b[31m", r"CN=a\1B[31m", id="colours-of-a-terminal"),
        pytest.param("a\nb", r"CN=a\0Ab", id="line-end"),
        pytest.param("a\u202eb", r"CN=a\E2\80\AEb", id="turned-around"),
        pytest.param("a\uffffb", r"CN=a\EF\BF\BFb", id="no-character"),
        pytest.param("Bệnh viện Đà Nẵng", "CN=Bệnh viện Đà Nẵng", id="vietnamese"),
    ],
)
def test_a_certificate_of_any_name_can_be_reported_on(
    name: str, shown: str, pki: DemoPki, report: Reporter
) -> None:
    made = report(sent(certificate_for(KEY.public_key(), issued_by=pki, subject=name)))

    assert made.verdict.signer is not None
    assert made.verdict.signer.subject == shown
    assert report_to_etsi([made])
