"""Of many lists and responses that say the same, the newest is enough."""

from datetime import timedelta
from functools import cache

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.x509 import ocsp
from hypothesis import given, settings
from hypothesis import strategies as st

from signing.demo_pki import DemoPki
from signing.report.report import Terms, recompute, report_on
from signing.report.telling import telling_lists, telling_responses
from signing.revocation import Revocation, RevocationSources
from signing.revocation_list import RevocationList
from signing.sign import sign_bundle
from signing.verdict import Indication
from tests.fakes import NOON

PKI = DemoPki.create(at=NOON)
KEY = PKI.leaf("99001", valid_from=NOON, valid_to=NOON + timedelta(days=30))
LEAF = KEY.signer.certificate
DAYS = st.integers(0, 60)
REASONS = st.sampled_from(
    [None, x509.ReasonFlags.certificate_hold, x509.ReasonFlags.superseded, x509.ReasonFlags.key_compromise]
)
#: When a list was made, and what it says of the certificate: nothing, or since when it is revoked, and why.
NEWS = st.tuples(DAYS, st.none() | st.tuples(DAYS, REASONS))


@settings(max_examples=60, deadline=None)
@given(st.lists(NEWS, min_size=5, max_size=14, unique_by=lambda one: one[0]))
def test_a_few_lists_come_to_what_all_of_them_do(
    news: list[tuple[int, tuple[int, x509.ReasonFlags | None]]],
) -> None:
    lists = [_list(*one) for one in news]

    told = list(telling_lists(lists, [LEAF, PKI.issuing]))

    assert _facts(told) == _facts(lists)
    assert set(told) <= set(lists)


def test_a_list_a_day_for_a_year_leaves_two() -> None:
    """The last from before the certificate's end, which says that it is good, and the last of all."""
    lists = [_list(day, None) for day in range(365)]

    told = list(telling_lists(lists, [LEAF]))

    assert [each.crl.last_update_utc - NOON for each in told] == [timedelta(days=30), timedelta(days=364)]


def test_lists_of_others_are_no_matter() -> None:
    assert list(telling_lists([_list(1, None)], [PKI.issuing])) == []


def test_what_is_not_understood_takes_no_place() -> None:
    usual = [_list(day, None) for day in range(6)]
    strange = RevocationList.of(
        x509.CertificateRevocationListBuilder()
        .issuer_name(PKI.issuing.subject)
        .last_update(NOON + timedelta(days=9))
        .next_update(NOON + timedelta(days=10))
        .add_extension(
            usual[0].crl.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value, critical=False
        )
        .add_extension(
            x509.UnrecognizedExtension(x509.ObjectIdentifier("1.3.6.1.4.1.99999.1"), b"\x05\x00"),
            critical=True,
        )
        .sign(PKI.issuing_key, hashes.SHA256())
    )

    told = list(telling_lists([*usual, strange], [LEAF]))

    assert told == [usual[-1], strange]


def test_of_many_responses_the_newest_that_says_something_else_is_taken() -> None:
    good, revoked = ocsp.OCSPCertStatus.GOOD, ocsp.OCSPCertStatus.REVOKED
    responses = [_response(day, good if day < 4 else revoked) for day in range(9)]

    told = list(telling_responses([*responses, _response(1, good, about=PKI.issuing)], [LEAF]))

    assert told == [responses[3], responses[8]]
    assert list(telling_responses(responses[:4], [LEAF])) == responses[:4]
    assert list(telling_responses(responses, [PKI.issuing])) == []


def test_a_report_made_again_from_fewer_lists_says_the_same() -> None:
    bundle = sign_bundle(
        b"<GIAMDINHHS><THONGTINDONVI><MACSKCB>99001</MACSKCB></THONGTINDONVI><CHUKYDONVI/></GIAMDINHHS>",
        KEY.signer,
    )
    lists = [_list(day, None).crl for day in range(90)]
    roots = [PKI.root_revocation_list(at=NOON + timedelta(days=day)) for day in range(90)]
    trust = PKI.trust_store(crls=[*lists, *roots])

    report = report_on(bundle, Terms(trust=trust, at=NOON + timedelta(days=20)))

    assert report.verdict.indication is Indication.TOTAL_PASSED
    assert recompute(report.record).verdict == report.verdict
    assert len(report.record.trust.crls) == 3


@cache
def _list(day: int, said: tuple[int, x509.ReasonFlags | None] | None) -> RevocationList:
    at = NOON + timedelta(days=day)
    if said is None:
        return RevocationList.of(PKI.revocation_list([], at=at))
    since, reason = said
    return RevocationList.of(
        PKI.revocation_list([LEAF], at=at, revoked_at=NOON + timedelta(days=since), reason=reason)
    )


def _facts(lists: list[RevocationList]) -> tuple[object, ...]:
    found: Revocation | None = RevocationSources(lists).find(LEAF, PKI.issuing)
    if found is None:
        return ()
    return found.as_of, found.fresh_until, found.revoked_at, found.is_hold, found.is_retired


def _response(day: int, status: ocsp.OCSPCertStatus, *, about: x509.Certificate = LEAF) -> ocsp.OCSPResponse:
    at = NOON + timedelta(days=day)
    is_revoked = status is ocsp.OCSPCertStatus.REVOKED
    return (
        ocsp.OCSPResponseBuilder()
        .add_response(
            about,
            PKI.issuing,
            hashes.SHA256(),
            status,
            at,
            at + timedelta(days=1),
            NOON if is_revoked else None,
            None,
        )
        .responder_id(ocsp.OCSPResponderEncoding.HASH, PKI.issuing)
        .sign(PKI.issuing_key, hashes.SHA256())
    )
