"""Keys on a PKCS#11 token or HSM: the key never leaves it, the token computes the signature.

Importing this module needs the extra ``tokens`` (python-pkcs11), and opening a token the module
(``.so``) of its maker. Data is hashed here; only the digest goes to the token.
"""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final, cast

import pkcs11
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from pkcs11.types import SignMixin

from signing.errors import (
    KeyMismatch,
    NoCertificate,
    NoPrivateKey,
    TokenFailed,
    TokenLocked,
    TokenNotFound,
    TokenSupportMissing,
    WrongPin,
)
from signing.extensions import UNREADABLE
from signing.keys import algorithm_for, as_der
from signing.policy import ECDSA_SHA384, RSA_SHA256, Scheme
from signing.values import HASHES, has_signed

# RFC 8017, 9.2, note 1: what stands before a SHA-256 digest in PKCS#1 v1.5.
_DIGEST_INFO: Final = bytes.fromhex("3031300d060960864801650304020105000420")


@dataclass(frozen=True, slots=True)
class TokenChoice:
    """Which token and which key on it.

    Attributes:
        module: The PKCS#11 module of the token's maker.
        token: The token's label; may be left out while only one is plugged in.
        serial: The token's serial number, where labels are alike.
        key: The label that key and certificate have on the token; may be left out while there is one key.
    """

    module: Path
    token: str | None = None
    serial: str | None = None
    key: str | None = None


@dataclass(frozen=True, slots=True)
class TokenSigner:
    """Signs with one key of an open token; made by `open_token`."""

    certificate: x509.Certificate
    algorithm: str
    private_key: SignMixin

    def sign(self, data: bytes) -> bytes:
        """Return the signature value over the data.

        Raises:
            TokenFailed: The token was pulled out, or refuses.
            KeyMismatch: What it returned is no signature of the certificate's key.
        """
        is_rsa = self.algorithm == RSA_SHA256
        digest_name = "sha384" if self.algorithm == ECDSA_SHA384 else "sha256"
        digest = hashlib.new(digest_name, data).digest()
        mechanism = pkcs11.Mechanism.RSA_PKCS if is_rsa else pkcs11.Mechanism.ECDSA
        try:
            # A token gives an ECDSA value as XML Signature wants it: both integers side by side.
            signed = self.private_key.sign(_DIGEST_INFO + digest if is_rsa else digest, mechanism=mechanism)
        except pkcs11.PKCS11Error as error:
            raise TokenFailed("the token did not sign", _name(error)) from error
        # Who renews a certificate may have laid the new one beside the old key.
        if not self._has_made(bytes(signed), HASHES[digest_name], data):
            raise KeyMismatch("the certificate on the token belongs to another key, or the token is faulty")
        return bytes(signed)

    def _has_made(self, value: bytes, algorithm: hashes.HashAlgorithm, data: bytes) -> bool:
        match self.certificate.public_key():
            case rsa.RSAPublicKey() as key:
                return has_signed(key, Scheme.RSA_PKCS1, algorithm, value=value, data=data)
            case ec.EllipticCurvePublicKey() as key:
                der = as_der(value, key.key_size)
                return has_signed(key, Scheme.ECDSA, algorithm, value=der, data=data)
            case _:
                return False


@contextmanager
def open_token(choice: TokenChoice, *, pin: str) -> Iterator[TokenSigner]:
    """Log in to a token and find the key and its certificate; the session ends with the block.

    Raises:
        TokenSupportMissing: The module cannot be loaded.
        TokenNotFound: No such token is plugged in, or several fit.
        WrongPin: The token does not take the PIN. Several wrong ones lock it.
        TokenLocked: The PIN was wrong too often, or is not set or has expired.
        NoPrivateKey: There is no such key, or several fit.
        NoCertificate: No certificate of the key lies beside it.
        UnsupportedKey: The key is neither RSA nor on one of the NIST curves P-256 and P-384.
        TokenFailed: Anything else that the token says.
    """
    try:
        token = _find_token(choice)
        session = token.open(user_pin=pin)
    except pkcs11.exceptions.PinIncorrect as error:
        raise WrongPin("the token does not take this PIN; several wrong ones lock it") from error
    except (pkcs11.exceptions.PinInvalid, pkcs11.exceptions.PinLenRange) as error:
        raise WrongPin("the PIN has a form that the token never takes") from error
    except pkcs11.exceptions.PinLocked as error:
        raise TokenLocked("the token is locked: the PIN was wrong too often") from error
    except (pkcs11.exceptions.PinExpired, pkcs11.exceptions.UserPinNotInitialized) as error:
        raise TokenLocked("the token's PIN has expired or was never set") from error
    except pkcs11.PKCS11Error as error:
        raise TokenFailed("the token cannot be opened", _name(error)) from error
    with session:
        try:
            signer = _find_signer(session, choice.key)
        except pkcs11.PKCS11Error as error:
            raise TokenFailed("the token cannot be read", _name(error)) from error
        yield signer


def _find_token(choice: TokenChoice) -> pkcs11.Token:
    try:
        module = pkcs11.lib(str(choice.module))
    except (RuntimeError, pkcs11.PKCS11Error) as error:
        raise TokenSupportMissing(f"{choice.module} is no PKCS#11 module that can be loaded here") from error
    found = [
        token
        for slot in module.get_slots(token_present=True)
        if (token := slot.get_token()).flags & pkcs11.TokenFlag.TOKEN_INITIALIZED
        and choice.token in {None, token.label.strip()}
        and choice.serial in {None, token.serial.decode("ascii", "replace").strip()}
    ]
    if len(found) == 1:
        return found[0]
    if not found:
        raise TokenNotFound("no such token is plugged in")
    labels = ", ".join(sorted(token.label.strip() for token in found))
    raise TokenNotFound(f"several tokens fit, say which: {labels}")


def _find_signer(session: pkcs11.Session, label: str | None) -> TokenSigner:
    template: dict[pkcs11.Attribute, object] = {pkcs11.Attribute.CLASS: pkcs11.ObjectClass.PRIVATE_KEY}
    if label is not None:
        template[pkcs11.Attribute.LABEL] = label
    keys = list(session.get_objects(template))
    if len(keys) != 1:
        many = "several keys fit, say which" if keys else "the token holds no such key"
        raise NoPrivateKey(many)
    key = cast("pkcs11.PrivateKey", keys[0])
    certificate = _find_certificate(session, key)
    return TokenSigner(certificate, algorithm_for(certificate.public_key()), cast("SignMixin", key))


def _find_certificate(session: pkcs11.Session, key: pkcs11.PrivateKey) -> x509.Certificate:
    """Find the newest certificate of a key: its modulus tells, or else the identifier that both are given."""
    beside = list(_certificates(session))
    identifier, modulus = bytes(key[pkcs11.Attribute.ID]), _modulus(key)
    fitting = [certificate for found, certificate in beside if identifier and found == identifier]
    if modulus is not None:
        fitting = [certificate for _, certificate in beside if _modulus_of(certificate) == modulus]
    if not fitting:
        raise NoCertificate("no certificate of this key lies on the token")
    # A renewed certificate may lie beside the one that it replaces.
    return max(fitting, key=lambda each: each.not_valid_after_utc)


def _certificates(session: pkcs11.Session) -> Iterator[tuple[bytes, x509.Certificate]]:
    for found in session.get_objects({pkcs11.Attribute.CLASS: pkcs11.ObjectClass.CERTIFICATE}):
        # Certificates of authorities lie there, too, and one that cannot be read may be theirs.
        with suppress(*UNREADABLE):
            certificate = x509.load_der_x509_certificate(bytes(found[pkcs11.Attribute.VALUE]))
            yield bytes(found[pkcs11.Attribute.ID]), certificate


def _modulus(key: pkcs11.PrivateKey) -> int | None:
    try:
        return int.from_bytes(bytes(key[pkcs11.Attribute.MODULUS]), "big")
    except pkcs11.PKCS11Error:
        return None  # not an RSA key


def _modulus_of(certificate: x509.Certificate) -> int | None:
    public = certificate.public_key()
    return public.public_numbers().n if isinstance(public, rsa.RSAPublicKey) else None


def _name(error: Exception) -> str:
    """Return what a token's error is called: its classes are named after the standard's codes."""
    return type(error).__name__
