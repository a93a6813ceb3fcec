"""A list of who is revoked is held to its own octets, as the library holds it to those it writes anew."""

import base64
import time
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.x509.oid import NameOID

from signing import der, trust_files
from signing.errors import TrustStoreUnreadable
from signing.revocation import octets_of
from signing.revocation_list import RevocationList, load_list
from tests.unit.signing.documents import DAY, NOW

Key = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey
_PSS = padding.PSS(padding.MGF1(hashes.SHA256()), 32)


def _made(key: Key, *, entries: int = 3, pss: bool = False) -> bytes:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "x")])
    builder = x509.CertificateRevocationListBuilder().issuer_name(name).last_update(NOW)
    entry = x509.RevokedCertificateBuilder().serial_number(2**120 + 1).revocation_date(NOW).build()
    for _ in range(entries):
        builder = builder.add_revoked_certificate(entry)
    made = builder.next_update(NOW + DAY).sign(key, hashes.SHA256(), rsa_padding=_PSS if pss else None)
    return made.public_bytes(serialization.Encoding.DER)


@pytest.fixture(scope="module", params=["rsa", "pss", "p-256"])
def signed(request: pytest.FixtureRequest) -> tuple[RevocationList, Key]:
    is_ec = request.param == "p-256"
    key: Key = ec.generate_private_key(ec.SECP256R1()) if is_ec else rsa.generate_private_key(65537, 2048)
    return load_list(_made(key, pss=request.param == "pss")), key


def test_its_issuer_signed_it(signed: tuple[RevocationList, Key]) -> None:
    made, key = signed

    assert made.crl.is_signature_valid(key.public_key())
    assert made.is_signed_by(key.public_key())


@pytest.mark.attack
def test_nobody_else_did(signed: tuple[RevocationList, Key]) -> None:
    made, _ = signed
    others = rsa.generate_private_key(65537, 2048), ec.generate_private_key(ec.SECP256R1())

    assert not any(made.is_signed_by(each.public_key()) for each in others)
    assert not made.is_signed_by(None)


@pytest.mark.attack
def test_an_entry_that_was_changed_is_not_signed(signed: tuple[RevocationList, Key]) -> None:
    made, key = signed
    changed = load_list(made.der.replace((2**120 + 1).to_bytes(16), (2**120 + 2).to_bytes(16), 1))

    assert changed.crl[0].serial_number == 2**120 + 2
    assert not changed.is_signed_by(key.public_key())


@pytest.mark.attack
def test_what_signed_it_is_said_in_what_is_signed() -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    outer = der.Reader.of(_made(key))
    signed = outer.take_whole()
    other = der.sequence(der.object_identifier("1.2.840.10045.4.3.3"))
    value = key.sign(signed, ec.ECDSA(hashes.SHA384()))

    with pytest.raises(ValueError, match="do not match"):
        load_list(der.sequence(signed, other, der.encode(der.BIT_STRING, b"\0" + value)))


def test_in_pem_it_may_stand_behind_words() -> None:
    made = _made(ec.generate_private_key(ec.SECP256R1()))
    text = b"Certificate Revocation List (CRL):\n    Version 2 (0x1)\n"
    text += b"-----BEGIN X509 CRL-----\r\n%b-----END X509 CRL-----\r\n" % base64.encodebytes(made)

    assert load_list(text).der == made


def _in_pem(made: bytes) -> bytes:
    return b"-----BEGIN X509 CRL-----\n%b-----END X509 CRL-----\n" % base64.encodebytes(made)


def test_a_file_in_pem_may_hold_several(tmp_path: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    made = [_made(key, entries=entries) for entries in (1, 2)]
    (tmp_path / "all.crl").write_bytes(b"".join(map(_in_pem, made)))

    assert [each.der for each in trust_files.load_lists(tmp_path)] == made
    found = trust_files.load_revocation_sources(tmp_path / "all.crl")
    assert [octets_of(each) for each in found] == made


def test_of_several_none_may_be_cut_off(tmp_path: Path) -> None:
    whole = _in_pem(_made(ec.generate_private_key(ec.SECP256R1())))
    (tmp_path / "all.crl").write_bytes(whole + whole[:-9])

    with pytest.raises(TrustStoreUnreadable, match="holds no revocation list"):
        trust_files.load_lists(tmp_path)


def test_its_octets_are_not_written_anew() -> None:
    """The library takes twenty times as long."""
    key = ec.generate_private_key(ec.SECP256R1())
    made = load_list(_made(key, entries=5_000))
    start = time.process_time()
    assert made.crl.is_signature_valid(key.public_key())
    between = time.process_time()

    assert made.is_signed_by(key.public_key())

    assert time.process_time() - between < (between - start) / 2
