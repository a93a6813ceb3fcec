"""A facility's certificate is found in whatever file its authority or a browser made of it."""

from collections.abc import Sequence
from itertools import permutations

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, pkcs7

from signing.certificate_files import find_own_certificate
from signing.demo_pki import DemoPki, FacilityKey
from signing.keys import load_pem
from tests.unit.signing.ber_files import as_ber
from tests.unit.signing.test_keys import pem_of


def _with_windows_marks(data: bytes) -> bytes:
    return b"\xef\xbb\xbf" + data.replace(b"\n", b"\r\n")


def _with_attributes(data: bytes) -> bytes:
    return b"Bag Attributes\n    friendlyName: K\xc3\xbd s\xe1\xbb\x91\nsubject=CN = x\n" + data


def _files(order: Sequence[x509.Certificate]) -> list[bytes]:
    certificates = list(order)
    pem = b"".join(map(pem_of, certificates))
    return [
        pem,
        _with_windows_marks(pem),
        _with_attributes(pem),
        pem.decode().encode("utf-16"),
        pkcs7.serialize_certificates(certificates, Encoding.PEM),
        pkcs7.serialize_certificates(certificates, Encoding.DER),
        as_ber(pkcs7.serialize_certificates(certificates, Encoding.DER), opens_strings=False),
    ]


def test_it_is_found_in_every_form_and_order(pki: DemoPki, facility: FacilityKey) -> None:
    own = facility.certificate
    files = [own.public_bytes(Encoding.DER), *_files([own, own])]
    for order in permutations((own, pki.issuing, pki.root)):
        files += _files(order)

    for data in files:
        assert find_own_certificate(data) == own


def test_an_authority_alone_is_found_to_be_told_what_it_is(pki: DemoPki) -> None:
    assert all(find_own_certificate(data) == pki.root for data in _files([pki.root]))


def test_none_is_taken_of_several(pki: DemoPki, facility: FacilityKey, other_facility: FacilityKey) -> None:
    for several in ((facility.certificate, other_facility.certificate), (pki.root, pki.issuing)):
        assert all(find_own_certificate(data) is None for data in _files(several))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\0" * 100,
        b"\xff\xfe\x00\xd8",
        b"-----BEGIN CERTIFICATE-----",
        b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
        b"-----BEGIN PKCS7-----\nMAA=\n-----END PKCS7-----\n",
        b"\x30\x80",
        b"\x30\x84\xff\xff\xff\xff",
    ],
)
def test_what_is_none_gives_none(data: bytes) -> None:
    assert find_own_certificate(data) is None


def test_a_key_signs_with_its_certificate_in_any_form(ec_facility: FacilityKey, pki: DemoPki) -> None:
    key = pem_of(ec_facility.signer.private_key)

    for data in _files([pki.root, ec_facility.certificate]):
        for written in (key, key.decode().encode("utf-16"), _with_windows_marks(key)):
            assert load_pem(written, data, None).certificate == ec_facility.certificate
