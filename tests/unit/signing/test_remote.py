"""A signing service signs what its key's holder confirms; nothing else ever goes into a document."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed, decode_dss_signature

from signing.demo_pki import DemoPki, FacilityKey
from signing.errors import (
    RemoteAnswerUnusable,
    RemoteSigningDeclined,
    RemoteSigningExpired,
    RemoteSigningFailed,
    RemoteUnavailable,
    UnsupportedKey,
)
from signing.keys import LocalSigner, LotSigner
from signing.remote import Patience, RemoteSigner, Waiting
from signing.sign import prepare_bundle, sign_bundle
from signing.verdict import Indication
from tests.unit.signing.conftest import Judge
from tests.unit.signing.documents import DAY, NOW, certificate_for

BUNDLE = b"<GIAMDINHHS><THONGTINDONVI><MACSKCB>79999</MACSKCB></THONGTINDONVI><CHUKYDONVI/></GIAMDINHHS>"
Value = Callable[[bytes], bytes]


@dataclass
class FakeService:
    """Keeps a key, and answers each asking after a request with the next of its answers, then with values."""

    key: LocalSigner
    answers: list[Waiting | RemoteSigningFailed] = field(default_factory=list)
    change: Value = bytes
    requests: list[Mapping[str, bytes]] = field(default_factory=list)
    passed_s: float = 0.0

    def request(self, certificate: x509.Certificate, digests: Mapping[str, bytes]) -> str:
        assert certificate == self.key.certificate
        self.requests.append(digests)
        return "r1"

    def result(self, number: str) -> Mapping[str, bytes] | Waiting:
        if self.answers:
            answer = self.answers.pop(0)
            if isinstance(answer, Waiting):
                return answer
            raise answer
        return {name: self.change(self._sign(digest)) for name, digest in self.requests[-1].items()}

    def signer(
        self, *, wait_s: float = 60, notice: Callable[[Sequence[str]], None] = lambda _: None
    ) -> RemoteSigner:
        patience = Patience(wait_s=wait_s, interval_s=3)
        return RemoteSigner(
            self, self.key.certificate, patience, notice, clock=self._seconds, sleep=self._sleep
        )

    def _seconds(self) -> float:
        return self.passed_s

    def _sleep(self, seconds: float) -> None:
        self.passed_s += seconds

    def _sign(self, digest: bytes) -> bytes:
        algorithm = Prehashed(hashes.SHA384() if len(digest) == 48 else hashes.SHA256())
        key = self.key.private_key
        if isinstance(key, rsa.RSAPrivateKey):
            return key.sign(digest, padding.PKCS1v15(), algorithm)
        return key.sign(digest, ec.ECDSA(algorithm))


def raw(der: bytes) -> bytes:
    return b"".join(part.to_bytes(32, "big") for part in decode_dss_signature(der))


@pytest.fixture
def service(facility: FacilityKey) -> FakeService:
    return FakeService(facility.signer)


def test_a_document_signed_far_away_is_as_good_as_one_signed_here(service: FakeService, judge: Judge) -> None:
    assert judge(sign_bundle(BUNDLE, service.signer())).indication is Indication.TOTAL_PASSED


def test_only_digests_leave_the_house(service: FakeService) -> None:
    service.signer().sign(b"a document")

    (digests,) = service.requests
    assert list(digests.values()) == [hashlib.sha256(b"a document").digest()]


@pytest.mark.parametrize("change", [pytest.param(bytes, id="der"), pytest.param(raw, id="side-by-side")])
def test_values_of_elliptic_curves_come_in_two_shapes(
    ec_facility: FacilityKey, judge: Judge, change: Value
) -> None:
    service = FakeService(ec_facility.signer, change=change)

    assert judge(sign_bundle(BUNDLE, service.signer())).indication is Indication.TOTAL_PASSED


def test_a_key_on_p_384_signs_a_sha_384_digest(pki: DemoPki) -> None:
    key = pki.leaf(
        "01003",
        valid_from=NOW - DAY,
        valid_to=NOW + DAY,
        key=ec.generate_private_key(ec.SECP384R1()),
    )
    service = FakeService(key.signer)

    assert len(service.signer().sign(b"data")) == 96
    assert [len(digest) for digest in service.requests[0].values()] == [48]


def test_a_lot_is_one_request_and_keeps_its_order(service: FakeService) -> None:
    lot = [b"one", b"two", b"one", b"three"]
    told: list[Sequence[str]] = []
    signer = service.signer(notice=told.append)

    values = signer.sign_lot(lot)

    assert isinstance(signer, LotSigner)
    assert values == [service.key.sign(data) for data in lot]
    assert (len(service.requests), len(service.requests[0])) == (1, 3)
    assert told == [tuple(service.requests[0])]


def test_the_holder_is_waited_for(service: FakeService) -> None:
    service.answers = [Waiting("not yet"), Waiting("not yet")]

    assert service.signer().sign(b"data") == service.key.sign(b"data")
    assert service.passed_s == 6


def test_waiting_ends_and_says_what_the_service_said(service: FakeService) -> None:
    service.answers = [Waiting("sig_wait_for_user_confirm")] * 99

    with pytest.raises(RemoteSigningExpired, match=r"r1 was not confirmed within 10 s.*sig_wait_for_user"):
        service.signer(wait_s=10).sign(b"data")
    assert service.passed_s <= 10


def test_a_gap_in_the_line_does_not_lose_the_request(service: FakeService) -> None:
    service.answers = [RemoteUnavailable("no route"), Waiting("not yet"), RemoteUnavailable("no route")]

    assert service.signer().sign(b"data") == service.key.sign(b"data")
    assert len(service.requests) == 1


@pytest.mark.parametrize("error", [RemoteSigningDeclined, RemoteSigningExpired, RemoteSigningFailed])
def test_what_the_service_will_not_do_ends_the_waiting(
    service: FakeService, error: type[RemoteSigningFailed]
) -> None:
    service.answers = [Waiting("not yet"), error("no")]

    with pytest.raises(error, match="no"):
        service.signer().sign(b"data")
    assert service.passed_s == 3


@pytest.mark.attack
@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda value: value[:-1] + bytes([value[-1] ^ 1]), id="one-bit"),
        pytest.param(lambda _: b"", id="empty"),
        pytest.param(lambda _: bytes(256), id="zeros"),
    ],
)
@pytest.mark.parametrize("kind", ["rsa", "ec"])
def test_what_is_no_signature_of_the_key_is_not_put_into_a_document(
    facility: FacilityKey, ec_facility: FacilityKey, kind: str, change: Value
) -> None:
    service = FakeService((facility if kind == "rsa" else ec_facility).signer, change=change)

    with pytest.raises(RemoteAnswerUnusable, match="no signature of the certificate's key"):
        service.signer().sign(b"data")


@pytest.mark.attack
def test_values_of_a_lot_cannot_be_swapped(service: FakeService) -> None:
    signed = service._sign

    def swap(digest: bytes) -> bytes:
        first, second = service.requests[0].values()
        return signed(second if digest == first else first)

    service._sign = swap  # type: ignore[method-assign]  # this fake is the thing that lies

    with pytest.raises(RemoteAnswerUnusable):
        service.signer().sign_lot([b"one", b"two"])


def test_a_value_that_is_left_out_is_missed(service: FakeService) -> None:
    service.result = lambda number: {}  # type: ignore[method-assign]  # answers with no value at all

    with pytest.raises(RemoteAnswerUnusable, match="left out"):
        service.signer().sign(b"data")


def test_a_key_that_fits_no_signature_is_refused_before_anybody_is_asked(
    service: FakeService, pki: DemoPki
) -> None:
    certificate = certificate_for(ed25519.Ed25519PrivateKey.generate().public_key(), issued_by=pki)

    with pytest.raises(UnsupportedKey):
        RemoteSigner(service, certificate)


def test_a_prepared_bundle_is_what_signing_makes(facility: FacilityKey) -> None:
    prepared = prepare_bundle(BUNDLE, facility.signer)

    assert prepared.complete(facility.signer.sign(prepared.octets)) == sign_bundle(BUNDLE, facility.signer)
