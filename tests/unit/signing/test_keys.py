"""A PKCS#12 file gives a signer, or says clearly why not."""

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import pkcs12

from signing.demo_pki import DemoPki, FacilityKey
from signing.errors import (
    KeyMismatch,
    NoCertificate,
    NoPrivateKey,
    UnsupportedKey,
    UnusableKeyFile,
    WrongPassphrase,
)
from signing.keys import LocalSigner, load_pkcs12
from tests.unit.signing.documents import certificate_for

PLAIN = serialization.NoEncryption()


def test_a_key_file_gives_its_certificate_and_signs(facility: FacilityKey) -> None:
    signer = load_pkcs12(facility.pkcs12, facility.passphrase)

    assert signer.certificate == facility.certificate
    assert signer.sign(b"data") == facility.signer.sign(b"data")


def test_a_key_file_without_passphrase_opens(ec_facility: FacilityKey) -> None:
    signer = ec_facility.signer
    data = pkcs12.serialize_key_and_certificates(None, signer.private_key, signer.certificate, None, PLAIN)

    assert load_pkcs12(data, None).certificate == signer.certificate


@pytest.mark.parametrize("passphrase", [None, "", "wrong", "Mật khẩu"])
def test_a_wrong_passphrase_is_named(facility: FacilityKey, passphrase: str | None) -> None:
    with pytest.raises(WrongPassphrase):
        load_pkcs12(facility.pkcs12, passphrase)


@pytest.mark.parametrize("data", [b"", b"not a key file", b"-----BEGIN CERTIFICATE-----"])
def test_what_is_not_pkcs12_is_named(data: bytes) -> None:
    with pytest.raises(UnusableKeyFile, match="not PKCS#12"):
        load_pkcs12(data, "demo")


def test_a_file_of_certificates_alone_has_no_key(pki: DemoPki) -> None:
    data = pkcs12.serialize_key_and_certificates(None, None, None, [pki.root], PLAIN)

    with pytest.raises(NoPrivateKey):
        load_pkcs12(data, None)


def test_a_key_alone_has_no_certificate(ec_facility: FacilityKey) -> None:
    data = pkcs12.serialize_key_and_certificates(None, ec_facility.signer.private_key, None, None, PLAIN)

    with pytest.raises(NoCertificate):
        load_pkcs12(data, None)


def test_an_edwards_key_is_refused(pki: DemoPki) -> None:
    key = ed25519.Ed25519PrivateKey.generate()
    certificate = certificate_for(key.public_key(), issued_by=pki)
    data = pkcs12.serialize_key_and_certificates(None, key, certificate, None, PLAIN)

    with pytest.raises(UnsupportedKey):
        load_pkcs12(data, None)


def test_a_key_on_another_curve_is_refused(pki: DemoPki) -> None:
    key = ec.generate_private_key(ec.SECP521R1())
    certificate = certificate_for(key.public_key(), issued_by=pki)
    data = pkcs12.serialize_key_and_certificates(None, key, certificate, None, PLAIN)

    with pytest.raises(UnsupportedKey):
        load_pkcs12(data, None)


def test_a_signer_needs_the_certificate_of_its_own_key(facility: FacilityKey) -> None:
    with pytest.raises(KeyMismatch):
        LocalSigner(facility.certificate, ec.generate_private_key(ec.SECP256R1()))


def test_errors_keep_no_secret(facility: FacilityKey) -> None:
    with pytest.raises(WrongPassphrase) as refused:
        load_pkcs12(facility.pkcs12, "a-secret-passphrase")

    assert "a-secret-passphrase" not in str(refused.value)
