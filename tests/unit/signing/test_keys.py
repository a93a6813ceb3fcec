"""A PKCS#12 file gives a signer, or says clearly why not."""

import base64
from collections.abc import Iterator

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import pkcs7, pkcs12

from signing import der
from signing.demo_pki import DemoPki, FacilityKey
from signing.errors import (
    FileKind,
    KeyMismatch,
    NoCertificate,
    NoPrivateKey,
    OtherKeyFile,
    UnsupportedKey,
    UnusableKeyFile,
    WrongPassphrase,
)
from signing.keys import LocalSigner, load_pem, load_pkcs12
from tests.unit.signing.ber_files import as_ber
from tests.unit.signing.documents import DAY, NOW, certificate_for

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


def pem_of(thing: object) -> bytes:
    encoding, kind = serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    if isinstance(thing, ec.EllipticCurvePrivateKey):
        return thing.private_bytes(encoding, serialization.PrivateFormat.PKCS8, PLAIN)
    if isinstance(thing, ec.EllipticCurvePublicKey):
        return thing.public_bytes(encoding, kind)
    assert isinstance(thing, x509.Certificate | x509.CertificateSigningRequest)
    return thing.public_bytes(encoding)


def _neighbours(facility: FacilityKey) -> Iterator[tuple[bytes, FileKind]]:
    """Make files that lie beside a key file, or are what another program made of it."""
    key, certificate = ec.generate_private_key(ec.SECP256R1()), facility.certificate
    request = x509.CertificateSigningRequestBuilder().subject_name(certificate.subject)
    yield b" \n", FileKind.EMPTY
    yield pem_of(key) + pem_of(certificate), FileKind.KEY
    yield pem_of(key).replace(b"BEGIN", b"BEGIN OPENSSH"), FileKind.SSH_KEY
    yield pem_of(key.public_key()), FileKind.PUBLIC_KEY
    yield pem_of(request.sign(key, hashes.SHA256())), FileKind.REQUEST
    yield pem_of(certificate), FileKind.CERTIFICATE
    yield certificate.public_bytes(serialization.Encoding.DER), FileKind.CERTIFICATE
    for encoding in (serialization.Encoding.PEM, serialization.Encoding.DER):
        yield pkcs7.serialize_certificates([certificate], encoding), FileKind.CERTIFICATES
    yield b"\xfe\xed\xfe\xed\0\0\0\2", FileKind.JAVA
    yield base64.encodebytes(facility.pkcs12), FileKind.BASE64


def test_what_is_taken_for_a_key_file_is_told_what_it_is(facility: FacilityKey) -> None:
    for data, kind in _neighbours(facility):
        with pytest.raises(OtherKeyFile, match="not PKCS#12") as refused:
            load_pkcs12(data, "demo")
        assert refused.value.found is kind
        if kind is not FileKind.KEY:
            with pytest.raises(OtherKeyFile) as refused:
                load_pem(data, pem_of(facility.certificate), None)
            assert refused.value.found is kind
    with pytest.raises(OtherKeyFile) as refused:
        load_pem(facility.pkcs12, pem_of(facility.certificate), None)
    assert refused.value.found is FileKind.PKCS12


def test_a_damaged_file_of_the_right_kind_is_no_other_file(facility: FacilityKey) -> None:
    with pytest.raises(UnusableKeyFile) as refused:
        load_pkcs12(facility.pkcs12[:500], "demo")

    assert not isinstance(refused.value, OtherKeyFile)


def test_certificates_of_the_authorities_may_stand_before_the_own_one(
    ec_facility: FacilityKey, pki: DemoPki
) -> None:
    key = pem_of(ec_facility.signer.private_key)
    chain = b"".join(map(pem_of, (pki.root, pki.issuing, ec_facility.certificate)))

    assert load_pem(key, chain, None).certificate == ec_facility.certificate
    with pytest.raises(KeyMismatch):
        load_pem(key, pem_of(pki.root), None)


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


# Several keys in one file, several certificates of one key.


def _merged(*files: bytes) -> bytes:
    """Return a PKCS#12 file of all that others hold, without a checksum over it."""
    contents = b""
    for file in files:
        inside = der.Reader.of(file)
        inside.take_whole()
        info = inside.inside()
        data = info.object_identifier()
        contents += der.Reader(info.inside(der.context(0)).take(der.OCTET_STRING)).take(der.SEQUENCE)
    held = der.encode(der.context(0), der.octet_string(der.sequence(contents)))
    return der.sequence(der.integer(3), der.sequence(der.object_identifier(data), held))


def _nesting(file: bytes) -> bytes:
    """Return the file with each of its contents inside another one (RFC 7292, 4.2.6)."""
    data, nested = "1.2.840.113549.1.7.1", "1.2.840.113549.1.12.10.1.6"
    inside = der.Reader.of(file)
    inside.take_whole()
    info = inside.inside()
    info.object_identifier()
    contents = der.Reader.of(info.inside(der.context(0)).take(der.OCTET_STRING))
    written = []
    while contents.tag is not None:
        info = contents.inside()
        info.object_identifier()
        bags = info.inside(der.context(0)).take(der.OCTET_STRING)
        bag = der.sequence(der.object_identifier(nested), der.encode(der.context(0), bags))
        held = der.encode(der.context(0), der.octet_string(der.sequence(bag)))
        written.append(der.sequence(der.object_identifier(data), held))
    held = der.encode(der.context(0), der.octet_string(der.sequence(*written)))
    return der.sequence(der.integer(3), der.sequence(der.object_identifier(data), held))


def _file(name: str, signer: LocalSigner, passphrase: str | None = "demo") -> bytes:
    seal = PLAIN if passphrase is None else serialization.BestAvailableEncryption(passphrase.encode())
    return pkcs12.serialize_key_and_certificates(
        name.encode(), signer.private_key, signer.certificate, None, seal
    )


@pytest.fixture
def two_keys(facility: FacilityKey, ec_facility: FacilityKey) -> bytes:
    return _merged(_file("Khóa cũ", facility.signer), _file("Khóa mới", ec_facility.signer))


def test_of_several_keys_none_signs_unless_it_is_chosen(
    two_keys: bytes, facility: FacilityKey, ec_facility: FacilityKey
) -> None:
    with pytest.raises(NoPrivateKey, match="several keys") as refused:
        load_pkcs12(two_keys, "demo")

    for each in (facility, ec_facility):
        digest = each.certificate.fingerprint(hashes.SHA256()).hex()
        assert digest[:16] in str(refused.value)
        assert load_pkcs12(two_keys, "demo", key=digest[:8].upper()).certificate == each.certificate


@pytest.mark.parametrize("opens_strings", [False, True])
def test_a_file_in_ber_is_held_to_the_same(
    opens_strings: bool, two_keys: bytes, facility: FacilityKey, ec_facility: FacilityKey
) -> None:
    """NSS and Bouncy Castle write lengths that are found at the end, of what is inside too."""
    written = as_ber(two_keys, opens_strings=opens_strings)

    with pytest.raises(NoPrivateKey, match="several keys"):
        load_pkcs12(written, "demo")
    assert load_pkcs12(written, "demo", key="Khóa mới").certificate == ec_facility.certificate
    one = as_ber(facility.pkcs12, opens_strings=False)
    assert load_pkcs12(one, facility.passphrase).certificate == facility.certificate


def test_keys_are_found_inside_of_other_contents(facility: FacilityKey, ec_facility: FacilityKey) -> None:
    nested = _merged(_file("a", facility.signer, None), _nesting(_file("b", ec_facility.signer, None)))

    with pytest.raises(NoPrivateKey, match="several keys"):
        load_pkcs12(nested, None)


def test_a_key_is_chosen_by_its_name(two_keys: bytes, ec_facility: FacilityKey) -> None:
    assert load_pkcs12(two_keys, "demo", key="Khóa mới").sign(b"") != b""
    assert load_pkcs12(two_keys, "demo", key="Khóa mới").certificate == ec_facility.certificate
    for other in ("khóa khác", "", "0"):
        with pytest.raises(NoPrivateKey, match="no key"):
            load_pkcs12(two_keys, "demo", key=other)


def test_the_only_key_is_no_other_one(facility: FacilityKey) -> None:
    with pytest.raises(NoPrivateKey, match="no key"):
        load_pkcs12(facility.pkcs12, facility.passphrase, key="khóa khác")


def test_a_key_with_a_passphrase_of_its_own_is_no_reason_to_take_another(
    facility: FacilityKey, ec_facility: FacilityKey
) -> None:
    mixed = _merged(_file("a", facility.signer), _file("b", ec_facility.signer, "other"))

    with pytest.raises(WrongPassphrase):
        load_pkcs12(mixed, "demo", key="a")


def test_keys_that_cannot_sign_are_passed_over(facility: FacilityKey, pki: DemoPki) -> None:
    key = ed25519.Ed25519PrivateKey.generate()
    certificate = certificate_for(key.public_key(), issued_by=pki)
    other = pkcs12.serialize_key_and_certificates(b"other", key, certificate, None, PLAIN)

    mixed = _merged(other, _file("own", facility.signer, None))

    assert load_pkcs12(mixed, None).certificate == facility.certificate


def test_of_the_certificates_of_one_key_that_which_lasts_longest_signs(
    ec_facility: FacilityKey, pki: DemoPki
) -> None:
    """A renewed certificate may stand beside the one that it replaces, in any order."""
    key = ec_facility.signer.private_key
    old, new = (
        certificate_for(key.public_key(), issued_by=pki, validity=(NOW - DAY, NOW + days * DAY))
        for days in (1, 300)
    )
    for first, second in ((old, new), (new, old)):
        data = pkcs12.serialize_key_and_certificates(None, key, first, [second], PLAIN)

        assert load_pkcs12(data, None).certificate == new
        assert load_pem(pem_of(key), pem_of(first) + pem_of(second), None).certificate == new
