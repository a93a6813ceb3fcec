"""Of many lists and responses that say the same, the newest is enough."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from functools import cache

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from hypothesis import given, settings
from hypothesis import strategies as st

from signing.demo_pki import DemoPki
from signing.report.report import Terms, recompute, report_on
from signing.report.telling import find_telling
from signing.revocation import Revocation, RevocationSources
from signing.revocation_list import RevocationList
from signing.sign import sign_bundle
from signing.trust import TrustStore
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

    told = _told(lists, [LEAF, PKI.issuing])

    assert _facts(told) == _facts(lists)
    assert set(told) <= set(lists)


def test_a_list_a_day_for_a_year_leaves_the_last_before_the_certificates_end() -> None:
    lists = [_list(day, None) for day in range(365)]

    told = _told(lists, [LEAF, PKI.issuing])

    assert [each.crl.last_update_utc - NOON for each in told] == [timedelta(days=30)]


def test_lists_of_others_are_no_matter() -> None:
    assert _told([_list(1, None)], [PKI.issuing]) == []


@pytest.mark.parametrize(
    "strange",
    [
        pytest.param(lambda: _strange(PKI.issuing_key, is_understood=False), id="not-understood"),
        pytest.param(lambda: _strange(PKI.root_key), id="by-another-key-of-that-name"),
    ],
)
def test_what_is_not_believed_takes_nobodys_place(strange: Callable[[], RevocationList]) -> None:
    usual = [_list(day, None) for day in range(6)]

    told = _told([*usual, strange()], [LEAF, PKI.issuing])

    assert told == usual[-1:]


def test_of_lists_of_one_moment_that_counts_which_counts_among_all() -> None:
    lists = [_list(day, None) for day in range(6)]
    shorter = RevocationList.of(PKI.revocation_list([], at=NOON + timedelta(days=5), days=1))

    told = _told([*lists, shorter], [LEAF, PKI.issuing])

    assert told == lists[-1:]
    assert _facts(told) == _facts([*lists, shorter])


def test_where_nobody_is_believed_it_is_known_that_somebody_should_be() -> None:
    forged = [_strange(PKI.root_key) for _ in range(6)]

    told = _told(forged, [LEAF, PKI.issuing])

    assert told == forged[-1:]


def test_a_strangers_crowd_of_certificates_is_not_gone_through() -> None:
    lists = [_list(day, None) for day in range(6)]
    start = PKI.issuing.not_valid_before_utc
    crowd = [
        PKI.leaf("99001", valid_from=start, valid_to=NOON, key=KEY.signer.private_key).certificate
        for _ in range(65)
    ]

    assert _told(lists, [*crowd, PKI.issuing]) == lists


def test_of_many_responses_the_newest_that_says_something_else_is_taken() -> None:
    good, revoked = ocsp.OCSPCertStatus.GOOD, ocsp.OCSPCertStatus.REVOKED
    responses = [_response(day, good if day < 4 else revoked) for day in range(9)]
    known = [LEAF, PKI.issuing]

    assert _answered([*responses, _response(1, good, about=PKI.root)], known) == [
        responses[3],
        responses[8],
    ]
    assert _answered([*responses, _damaged(_response(9, good))], known) == [
        responses[3],
        responses[8],
    ]
    assert _answered(responses[:4], known) == responses[:4]
    assert _answered(responses, [PKI.issuing]) == []


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
    assert len(report.record.trust.crls) == 2


def _told(lists: Sequence[RevocationList], known: Sequence[x509.Certificate]) -> Sequence[RevocationList]:
    return find_telling(TrustStore(anchors=[], crls=lists), known)[0]


def _answered(
    responses: Sequence[ocsp.OCSPResponse], known: Sequence[x509.Certificate]
) -> Sequence[ocsp.OCSPResponse]:
    return find_telling(TrustStore(anchors=[], responses=responses), known)[1]


def _strange(key: rsa.RSAPrivateKey, *, is_understood: bool = True) -> RevocationList:
    return RevocationList.of(
        x509.CertificateRevocationListBuilder()
        .issuer_name(PKI.issuing.subject)
        .last_update(NOON + timedelta(days=9))
        .next_update(NOON + timedelta(days=10))
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(PKI.issuing_key.public_key()), critical=False
        )
        .add_extension(
            x509.UnrecognizedExtension(x509.ObjectIdentifier("1.3.6.1.4.1.99999.1"), b"\x05\x00"),
            critical=not is_understood,
        )
        .sign(key, hashes.SHA256())
    )


@cache
def _list(day: int, said: tuple[int, x509.ReasonFlags | None] | None) -> RevocationList:
    at = NOON + timedelta(days=day)
    if said is None:
        return RevocationList.of(PKI.revocation_list([], at=at))
    since, reason = said
    return RevocationList.of(
        PKI.revocation_list([LEAF], at=at, revoked_at=NOON + timedelta(days=since), reason=reason)
    )


def _facts(lists: Sequence[RevocationList]) -> tuple[object, ...]:
    found: Revocation | None = RevocationSources(lists).find(LEAF, PKI.issuing)
    if found is None:
        return ()
    return found.as_of, found.fresh_until, found.revoked_at, found.is_hold, found.is_retired


def _damaged(response: ocsp.OCSPResponse) -> ocsp.OCSPResponse:
    der = response.public_bytes(Encoding.DER)
    return ocsp.load_der_ocsp_response(der[:-1] + bytes([der[-1] ^ 1]))


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
