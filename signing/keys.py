"""Keys that sign, behind one port: whoever signs need not know where the key is."""

import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol, runtime_checkable

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.serialization import pkcs12

from signing.certificate_files import find_certificates
from signing.certificates import write_name
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
from signing.extensions import UNREADABLE
from signing.key_bags import find_key_bags
from signing.key_files import read_marked, recognize_file
from signing.policy import ECDSA_SHA256, ECDSA_SHA384, RSA_SHA256

_CURVES: Final = {"secp256r1": ECDSA_SHA256, "secp384r1": ECDSA_SHA384}
_PEM: Final = b"-----BEGIN"
_LEAST_OF_DIGEST: Final = 8

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


class Signer(Protocol):
    """Something that signs for one certificate: a file, a token, a remote service."""

    @property
    def certificate(self) -> x509.Certificate:
        """The certificate that goes into the signature."""
        ...

    @property
    def algorithm(self) -> str:
        """The XML Signature name of what :meth:`sign` computes."""
        ...

    def sign(self, data: bytes) -> bytes:
        """Return the signature value over the data, in the form that XML Signature wants."""
        ...


@runtime_checkable
class LotSigner(Signer, Protocol):
    """A signer that is asked for several values at once, because somebody confirms each asking."""

    @property
    def lot_size(self) -> int:
        """How many values one asking may be for."""
        ...

    def sign_lot(self, lot: Sequence[bytes]) -> Sequence[bytes]:
        """Return the signature values over each of the data, as :meth:`Signer.sign` would one of them."""
        ...


@dataclass(frozen=True, slots=True)
class LocalSigner:
    """Signs with a private key that is in this process.

    Attributes:
        algorithm: The XML Signature name of the algorithm that fits the key.

    Raises:
        UnsupportedKey: The key is neither RSA nor on one of the NIST curves P-256 and P-384.
        KeyMismatch: The certificate belongs to another key.
    """

    certificate: x509.Certificate
    private_key: PrivateKey
    algorithm: str = field(init=False)

    def __post_init__(self) -> None:
        """Refuse a key that cannot make signatures which this certificate's owner would be held to."""
        public_key = self.private_key.public_key()
        object.__setattr__(self, "algorithm", algorithm_for(public_key))
        if public_key != self.certificate.public_key():
            raise KeyMismatch("the certificate belongs to another key")

    def sign(self, data: bytes) -> bytes:
        """Return the signature value over the data."""
        if isinstance(self.private_key, rsa.RSAPrivateKey):
            return self.private_key.sign(data, padding.PKCS1v15(), hashes.SHA256())
        wide = self.algorithm == ECDSA_SHA384
        der = self.private_key.sign(data, ec.ECDSA(hashes.SHA384() if wide else hashes.SHA256()))
        return side_by_side(der, self.private_key.key_size)


def algorithm_for(key: object) -> str:
    """Return the XML Signature name of the algorithm with which a public key's owner signs.

    Raises:
        UnsupportedKey: The key is neither RSA nor on one of the NIST curves P-256 and P-384.
    """
    if isinstance(key, rsa.RSAPublicKey):
        return RSA_SHA256
    if isinstance(key, ec.EllipticCurvePublicKey) and key.curve.name in _CURVES:
        return _CURVES[key.curve.name]
    raise UnsupportedKey("only RSA, P-256 and P-384 keys sign")


def as_der(value: bytes, key_bits: int) -> bytes:
    """Return an ECDSA value in DER, whichever shape it has; the length tells a pair of integers."""
    length = (key_bits + 7) // 8
    if len(value) != 2 * length:
        return value
    r, s = (int.from_bytes(half, "big") for half in (value[:length], value[length:]))
    return encode_dss_signature(r, s)


def side_by_side(der: bytes, key_bits: int) -> bytes:
    """Return an ECDSA value as XML Signature wants it (1.1, 6.4.3): both integers, as long as the order is.

    Raises:
        ValueError: It is not DER, or its integers do not fit the curve.
    """
    r, s = decode_dss_signature(der)
    length = (key_bits + 7) // 8
    try:
        return r.to_bytes(length, "big") + s.to_bytes(length, "big")
    except OverflowError as error:
        raise ValueError("the integers do not fit the curve") from error


def load_pkcs12(data: bytes, passphrase: str | None, *, key: str | None = None) -> LocalSigner:
    """Return the signer that a PKCS#12 file holds.

    ``key`` chooses one of several: the name that it has in the file, or how the SHA-256 of its certificate
    begins. Of several certificates of one key the one that lasts longest counts, as it was renewed.

    Raises:
        WrongPassphrase: The passphrase does not open it, or the file is damaged.
        UnusableKeyFile: It is no PKCS#12 file, or lacks a private key or the certificate for it.
        NoPrivateKey: It lacks such a key, or has several and none was chosen.
        UnsupportedKey: The key is neither RSA nor on one of the NIST curves P-256 and P-384.
    """
    secret = passphrase.encode() if passphrase is not None else None
    try:
        # The library warns of BER, which nobody who is asked for a passphrase can change.
        with warnings.catch_warnings(action="ignore"):
            held = pkcs12.load_pkcs12(data, secret)
    except ValueError as error:
        if "password" in str(error).lower():
            msg = "the passphrase does not open the PKCS#12 file, or the file is damaged"
            raise WrongPassphrase(msg) from error
        raise _other_file("the file is not PKCS#12", data, FileKind.PKCS12) from error
    if held.key is None:
        raise NoPrivateKey("the PKCS#12 file holds no private key")
    bags = find_key_bags(data)
    named = [each for each in (held.cert, *held.additional_certs) if each is not None]
    signers = _signers_of(
        [held.key] if len(bags) < 2 else _open_bags(bags, secret),  # noqa: PLR2004 - several
        [each.certificate for each in named],
    )
    fitting = [each for each in signers if key is None or _is_called(key, each.certificate, named)]
    if len(fitting) != 1:
        said = "the PKCS#12 file holds several keys" if fitting else f"the PKCS#12 file holds no key {key!r}"
        raise NoPrivateKey(f"{said}; say which: {'; '.join(map(_describe, signers))}")
    return fitting[0]


def _open_bags(bags: Iterable[bytes], passphrase: bytes | None) -> list[PrivateKeyTypes]:
    try:
        return [serialization.load_der_private_key(each, passphrase) for each in bags]
    except (TypeError, ValueError, UnsupportedAlgorithm) as error:
        raise WrongPassphrase("the passphrase opens the PKCS#12 file, but not each of its keys") from error


def _signers_of(
    keys: Iterable[PrivateKeyTypes], certificates: Sequence[x509.Certificate]
) -> list[LocalSigner]:
    """Make a signer of each key that can be one, if there is any.

    Raises:
        UnsupportedKey, NoCertificate: There is none; of several keys the first says why.
    """
    signers: list[LocalSigner] = []
    failures: list[UnsupportedKey | NoCertificate] = []
    for key in keys:
        try:
            signers.append(_signer_of(key, certificates))
        except (UnsupportedKey, NoCertificate) as failure:
            failures.append(failure)
    if not signers:
        raise failures[0]
    return signers


def _signer_of(key: PrivateKeyTypes, certificates: Sequence[x509.Certificate]) -> LocalSigner:
    if not isinstance(key, PrivateKey):
        raise UnsupportedKey("only RSA, P-256 and P-384 keys sign")
    own = _find_own(key, certificates)
    if own is None:
        raise NoCertificate("the PKCS#12 file holds no certificate for its key")
    return LocalSigner(own, key)


def _find_own(key: PrivateKey, certificates: Iterable[x509.Certificate]) -> x509.Certificate | None:
    """Return the certificate of a key; a renewed one may stand beside the one that it replaces."""
    public = key.public_key()
    fitting = [each for each in certificates if _public_key_of(each) == public]
    return max(fitting, key=lambda each: each.not_valid_after_utc, default=None)


def _public_key_of(certificate: x509.Certificate) -> object:
    try:
        return certificate.public_key()
    except UNREADABLE:
        return None  # an authority's, of a kind that the library does not know


def _is_called(name: str, certificate: x509.Certificate, named: Iterable[pkcs12.PKCS12Certificate]) -> bool:
    is_digest = len(name) >= _LEAST_OF_DIGEST and _digest_of(certificate).startswith(name.lower())
    return is_digest or any(
        each.friendly_name == name.encode() for each in named if each.certificate == certificate
    )


def _describe(signer: LocalSigner) -> str:
    one = signer.certificate
    return f"{_digest_of(one)[:16]} ({write_name(one.subject)}, until {one.not_valid_after_utc:%Y-%m-%d})"


def _digest_of(certificate: x509.Certificate) -> str:
    return certificate.fingerprint(hashes.SHA256()).hex()


def _other_file(wanted: str, data: bytes, kind: FileKind) -> UnusableKeyFile:
    found = recognize_file(data)
    # Of the right kind, it is damaged.
    return UnusableKeyFile(wanted) if found in {None, kind} else OtherKeyFile(wanted, found)


def load_pem(key: bytes, certificate: bytes, passphrase: str | None) -> LocalSigner:
    """Return the signer that a private key in PEM or DER and its certificate, in a file of its own, make.

    Raises:
        WrongPassphrase: The key file needs a passphrase, or another one.
        UnusableKeyFile: One of them is not what it should be.
        UnsupportedKey: The key is neither RSA nor on one of the NIST curves P-256 and P-384.
        KeyMismatch: The certificate belongs to another key.
    """
    secret, key = passphrase.encode() if passphrase else None, read_marked(key)
    load = serialization.load_pem_private_key if _PEM in key else serialization.load_der_private_key
    try:
        private_key = load(key, secret)
    except TypeError as error:
        raise WrongPassphrase("the key file needs a passphrase, or has none and one was given") from error
    except (ValueError, UnsupportedAlgorithm) as error:
        if "password" in str(error).lower() or "decrypt" in str(error).lower():
            raise WrongPassphrase("the passphrase does not open the key file") from error
        raise _other_file("the file holds no private key in PEM or DER", key, FileKind.KEY) from error
    found = find_certificates(certificate)
    if not found:
        raise NoCertificate("the file holds no certificate in PEM, DER or PKCS#7")
    if not isinstance(private_key, PrivateKey):
        raise UnsupportedKey("only RSA, P-256 and P-384 keys sign")
    # Those of the authorities may stand beside it, before or behind.
    return LocalSigner(_find_own(private_key, found) or found[0], private_key)
