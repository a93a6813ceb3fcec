"""Asking the authorities that certificates name who is revoked."""

import ipaddress
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509 import ocsp
from cryptography.x509.oid import AuthorityInformationAccessOID, NameOID

from claims.authorities.revocation import OnlineTrust
from claims.outbound.guard import Guard
from signing import der
from signing.certificates import CertificateFacts, read_der_certificate, to_pem
from signing.demo_pki import DemoPki
from signing.policy import DEFAULT_POLICY
from signing.trust import TrustStore
from signing.verdict import Reason
from tests.unit.authorities.web import Web, serving

NOW = datetime.now(UTC).replace(microsecond=0)
DER = serialization.Encoding.DER
OCSP = "application/ocsp-response"
GUARD = Guard((ipaddress.ip_network("127.0.0.0/8"),))


@pytest.fixture
def web() -> Iterator[Web]:
    with serving() as web:
        yield web


@pytest.fixture(scope="module")
def pki() -> DemoPki:
    return DemoPki.create(at=NOW)


@pytest.fixture(scope="module")
def key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


@dataclass
class Asking:
    """A certificate that names its authorities, and a store that trusts who issued it."""

    pki: DemoPki
    leaf: CertificateFacts
    online: OnlineTrust

    def reasons(self, at: datetime = NOW) -> Sequence[Reason]:
        trust = self.online.prepared_for([self.leaf], at=at)
        return trust.check_path(self.leaf, [], at=at, purposes=DEFAULT_POLICY.extended_key_usages)


Ask = Callable[..., Asking]


@pytest.fixture
def ask(pki: DemoPki, key: rsa.RSAPrivateKey) -> Ask:
    def make(
        *,
        crl: str | None = None,
        responder: str | None = None,
        issuer: str | None = None,
        trusted: x509.Certificate | None = None,
        folder: Path | None = None,
    ) -> Asking:
        builder = (
            x509.CertificateBuilder()
            .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Facility")]))
            .issuer_name(pki.issuing.subject)
            .public_key(key.public_key())
            .serial_number(4711)
            .not_valid_before(NOW - timedelta(days=1))
            .not_valid_after(NOW + timedelta(days=30))
        )
        if crl is not None:
            point = x509.DistributionPoint([x509.UniformResourceIdentifier(crl)], None, None, None)
            builder = builder.add_extension(x509.CRLDistributionPoints([point]), critical=False)
        access = [
            x509.AccessDescription(method, x509.UniformResourceIdentifier(url))
            for method, url in (
                (AuthorityInformationAccessOID.OCSP, responder),
                (AuthorityInformationAccessOID.CA_ISSUERS, issuer),
            )
            if url is not None
        ]
        if access:
            builder = builder.add_extension(x509.AuthorityInformationAccess(access), critical=False)
        leaf = read_der_certificate(builder.sign(pki.issuing_key, hashes.SHA256()).public_bytes(DER))
        trust = TrustStore(anchors=[trusted or pki.issuing])
        return Asking(pki, leaf, OnlineTrust(trust, GUARD, folder))

    return make


def crl(pki: DemoPki, *revoked: x509.Certificate, at: datetime = NOW, days: int = 7) -> bytes:
    return pki.revocation_list(revoked, at=at, days=days).public_bytes(DER)


def answering(
    asking: Asking,
    *,
    status: ocsp.OCSPCertStatus = ocsp.OCSPCertStatus.GOOD,
    nonce: bytes | None = None,
    until: datetime | None = NOW + timedelta(hours=4),
) -> Callable[[bytes], tuple[int, dict[str, str], bytes]]:
    """Answer as the issuer itself would; with the nonce of the request unless another is given."""

    def answer(sent: bytes) -> tuple[int, dict[str, str], bytes]:
        request = ocsp.load_der_ocsp_request(sent)
        assert request.serial_number == asking.leaf.info.serial
        asked = request.extensions.get_extension_for_class(x509.OCSPNonce).value.nonce
        revoked = status is ocsp.OCSPCertStatus.REVOKED
        response = (
            ocsp.OCSPResponseBuilder()
            .add_response(
                asking.leaf.certificate,
                asking.pki.issuing,
                hashes.SHA1(),  # noqa: S303 - it names the issuer
                status,
                NOW - timedelta(minutes=1),
                until,
                NOW - timedelta(hours=1) if revoked else None,
                None,
            )
            .add_extension(x509.OCSPNonce(nonce or asked), critical=False)
            .responder_id(ocsp.OCSPResponderEncoding.NAME, asking.pki.issuing)
            .sign(asking.pki.issuing_key, hashes.SHA256())
        )
        return 200, {"Content-Type": OCSP}, response.public_bytes(DER)

    return answer


def test_a_list_says_who_is_revoked(web: Web, pki: DemoPki, ask: Ask) -> None:
    web.offer("/a.crl", crl(pki))
    asking = ask(crl=web.url("/a.crl"))
    assert asking.reasons() == []
    web.offer("/a.crl", crl(pki, asking.leaf.certificate))
    assert ask(crl=web.url("/a.crl")).reasons() == [Reason.CERTIFICATE_REVOKED]


def test_a_list_may_be_as_large_as_some_are(web: Web, pki: DemoPki, ask: Ask) -> None:
    listed = der.Reader.of(crl(pki, pki.issuing))
    fields, algorithm = listed.inside(), listed.take_whole()
    head = [fields.take_whole() for _ in range(5)]
    entries = fields.take(der.SEQUENCE) * 900_000
    signed = der.sequence(*head, der.sequence(entries), fields.take_whole())
    value = pki.issuing_key.sign(signed, padding.PKCS1v15(), hashes.SHA256())
    large = der.sequence(signed, algorithm, der.encode(der.BIT_STRING, b"\0" + value))
    assert len(large) > 35_000_000

    web.offer("/a.crl", large)
    assert ask(crl=web.url("/a.crl")).reasons() == []


def test_a_list_is_asked_for_once(web: Web, pki: DemoPki, ask: Ask, tmp_path: Path) -> None:
    web.offer("/a.crl", crl(pki))
    first = ask(crl=web.url("/a.crl"), folder=tmp_path)
    assert first.reasons() == first.reasons() == []
    assert ask(crl=web.url("/a.crl"), folder=tmp_path).reasons() == []
    assert web.asked == ["/a.crl"]


def test_a_list_that_has_ended_is_asked_for_again(web: Web, pki: DemoPki, ask: Ask, tmp_path: Path) -> None:
    web.offer("/a.crl", crl(pki, days=1))
    assert ask(crl=web.url("/a.crl"), folder=tmp_path).reasons() == []
    web.offer("/a.crl", crl(pki, days=9))
    later = NOW + timedelta(days=2)
    assert ask(crl=web.url("/a.crl"), folder=tmp_path).reasons(later) == []
    assert len(web.asked) == 2


@pytest.mark.parametrize(
    ("reason", "reasons", "asked"),
    [
        pytest.param(x509.ReasonFlags.superseded, [Reason.CERTIFICATE_REVOKED], 1, id="for-good"),
        pytest.param(x509.ReasonFlags.certificate_hold, [], 2, id="hold"),
    ],
)
def test_whether_a_hold_was_lifted_is_asked_once_it_has_ended(
    reason: x509.ReasonFlags,
    reasons: list[Reason],
    asked: int,
    web: Web,
    pki: DemoPki,
    ask: Ask,
    tmp_path: Path,
) -> None:
    first = ask(crl=web.url("/a.crl"), folder=tmp_path)
    revoked = pki.revocation_list([first.leaf.certificate], at=NOW, days=1, reason=reason)
    web.offer("/a.crl", revoked.public_bytes(DER))
    assert first.reasons() == [Reason.CERTIFICATE_REVOKED]
    later = NOW + timedelta(days=2)
    web.offer("/a.crl", crl(pki, at=later))

    assert first.reasons(later) == ask(crl=web.url("/a.crl"), folder=tmp_path).reasons(later) == reasons
    assert len(web.asked) == asked


def test_a_spoilt_file_among_the_answers_is_asked_for_again(
    web: Web, pki: DemoPki, ask: Ask, tmp_path: Path
) -> None:
    web.offer("/a.crl", crl(pki))
    assert ask(crl=web.url("/a.crl"), folder=tmp_path).reasons() == []
    for file in tmp_path.iterdir():
        file.write_bytes(file.read_bytes()[:50])
    assert ask(crl=web.url("/a.crl"), folder=tmp_path).reasons() == []
    assert len(web.asked) == 2


@pytest.mark.parametrize("offered", [b"", b"<html>", b"\x30\x80"])
def test_what_is_no_list_is_no_answer(web: Web, ask: Ask, offered: bytes, tmp_path: Path) -> None:
    web.offer("/a.crl", offered)
    asking = ask(crl=web.url("/a.crl"), folder=tmp_path)
    assert asking.reasons() == [Reason.CERTIFICATE_REVOCATION_UNKNOWN]
    assert list(tmp_path.iterdir()) == []


def test_the_list_of_another_authority_is_no_answer(web: Web, ask: Ask, tmp_path: Path) -> None:
    web.offer("/a.crl", crl(DemoPki.create(at=NOW)))
    asking = ask(crl=web.url("/a.crl"), folder=tmp_path)
    assert asking.reasons() == [Reason.CERTIFICATE_REVOCATION_UNKNOWN]
    assert list(tmp_path.iterdir()) == []


def test_a_list_that_has_ended_is_no_answer(web: Web, pki: DemoPki, ask: Ask) -> None:
    web.offer("/a.crl", crl(pki, at=NOW - timedelta(days=9)))
    assert ask(crl=web.url("/a.crl")).reasons() == [Reason.CERTIFICATE_REVOCATION_UNKNOWN]


def test_whom_nobody_answers_about_is_unknown_and_not_asked_about_at_once(web: Web, ask: Ask) -> None:
    asking = ask(crl=web.url("/nothing.crl"))
    assert asking.reasons() == [Reason.CERTIFICATE_REVOCATION_UNKNOWN]
    assert asking.reasons() == [Reason.CERTIFICATE_REVOCATION_UNKNOWN]
    assert web.asked == ["/nothing.crl"]


def test_a_certificate_that_names_nobody_is_as_before(ask: Ask) -> None:
    assert ask().reasons() == []


def test_a_responder_says_who_is_revoked(web: Web, ask: Ask, tmp_path: Path) -> None:
    asking = ask(responder=web.url("/ocsp"), folder=tmp_path)
    web.answers["/ocsp"] = answering(asking)
    assert asking.reasons() == []
    assert ask(responder=web.url("/ocsp"), folder=tmp_path).reasons() == []
    assert web.asked == ["/ocsp"]
    revoked = ask(responder=web.url("/ocsp"))
    web.answers["/ocsp"] = answering(revoked, status=ocsp.OCSPCertStatus.REVOKED)
    assert revoked.reasons() == [Reason.CERTIFICATE_REVOKED]


def test_a_responder_without_an_end_answers_for_now(web: Web, ask: Ask) -> None:
    asking = ask(responder=web.url("/ocsp"))
    web.answers["/ocsp"] = answering(asking, until=None)
    assert asking.reasons() == []


def test_the_answer_to_another_request_is_no_answer(web: Web, ask: Ask) -> None:
    asking = ask(responder=web.url("/ocsp"))
    web.answers["/ocsp"] = answering(asking, nonce=b"of another request")
    assert asking.reasons() == [Reason.CERTIFICATE_REVOCATION_UNKNOWN]


def test_a_responder_that_does_not_know_leaves_it_to_the_list(web: Web, pki: DemoPki, ask: Ask) -> None:
    asking = ask(responder=web.url("/ocsp"), crl=web.url("/a.crl"))
    web.answers["/ocsp"] = answering(asking, status=ocsp.OCSPCertStatus.UNKNOWN)
    web.offer("/a.crl", crl(pki))
    assert asking.reasons() == []
    assert web.asked == ["/ocsp", "/a.crl"]


def test_a_missing_issuer_is_fetched(web: Web, pki: DemoPki, ask: Ask) -> None:
    web.offer("/issuing.crt", pki.issuing.public_bytes(DER))
    asking = ask(issuer=web.url("/issuing.crt"), trusted=pki.root)
    assert asking.reasons() == []
    web.offer("/issuing.crt", DemoPki.create(at=NOW).issuing.public_bytes(DER))
    assert ask(issuer=web.url("/issuing.crt"), trusted=pki.root).reasons() == [Reason.CERTIFICATE_UNTRUSTED]


def test_of_several_issuers_of_one_name_the_right_one_counts(web: Web, pki: DemoPki, ask: Ask) -> None:
    web.offer("/issuing.pem", to_pem(DemoPki.create(at=NOW).issuing) + to_pem(pki.issuing))
    asking = ask(issuer=web.url("/issuing.pem"), trusted=pki.root)
    assert asking.reasons() == []


@pytest.mark.attack
def test_a_crowd_of_certificates_that_name_slow_addresses_is_not_waited_for(web: Web, ask: Ask) -> None:
    stranger = DemoPki.create(at=NOW).root
    crowd = [ask(issuer=web.url(f"/{number}.crt"), trusted=stranger).leaf for number in range(20)]
    online = OnlineTrust(TrustStore(anchors=[stranger]), GUARD, clock=lambda: 10.0 * len(web.asked))

    online.prepared_for(crowd, at=NOW)
    assert web.asked == [f"/{number}.crt" for number in range(6)]

    online.prepared_for(crowd[10:], at=NOW)
    assert web.asked[6:] == [f"/{number}.crt" for number in range(10, 16)]


def test_nothing_is_asked_about_whom_nobody_trusts(web: Web, ask: Ask) -> None:
    stranger = DemoPki.create(at=NOW).root
    asking = ask(crl=web.url("/a.crl"), responder=web.url("/ocsp"), trusted=stranger)
    assert asking.reasons() == [Reason.CERTIFICATE_UNTRUSTED]
    assert web.asked == []


def test_what_is_known_is_not_asked_for(web: Web, pki: DemoPki, ask: Ask) -> None:
    asking = ask(crl=web.url("/a.crl"))
    known = TrustStore(anchors=[pki.issuing], crls=[pki.revocation_list([], at=NOW, days=7)])
    asking.online = OnlineTrust(known, GUARD)
    assert asking.reasons() == []
    assert web.asked == []
