"""Errors of the signing package: it could not do its work, or was asked for what it may not do.

A wrong *signature* is never an error; it is a :class:`signing.verdict.Verdict`.

* SigningError
  - Unparsable
  - CanonicalizationFailed
  - TrustStoreUnreadable
  - PolicyUnreadable
  - CannotSign
    - AlreadySigned
    - MissingContainer
    - ContainerNotEmpty
    - NothingToSign
    - UnsupportedKey
    - CannotExtend
    - CannotSignFor
  - TimestampFailed
    - TimestampRejected
    - TimestampUnusable
  - FolderNotEmpty
  - RecordUnreadable
  - UnusableKeyFile
    - OtherKeyFile
    - WrongPassphrase
    - NoPrivateKey
    - NoCertificate
    - KeyMismatch
  - UnusableToken
    - TokenSupportMissing
    - TokenNotFound
    - TokenLocked
    - TokenFailed
    - WrongPin
  - RemoteSigningFailed
    - RemoteUnavailable
    - RemoteAnswerUnusable
    - RemoteAccountRefused
    - RemoteCertificateNotFound
    - RemoteSigningDeclined
    - RemoteSigningExpired
"""

from collections.abc import Iterable
from enum import StrEnum
from pathlib import Path

from signing.verdict import Reason


class SigningError(Exception):
    """Something the signing package could not or must not do."""


class Unparsable(SigningError):
    """The bytes are not XML that this service reads; ``code`` says which rule they break."""

    def __init__(self, code: str, detail: str, *, line: int | None = None, column: int | None = None) -> None:
        """Note the stable code, what the parser said, and where."""
        super().__init__(f"{code}: {detail}")
        self.code = code
        self.detail = detail
        self.line = line
        self.column = column


class CanonicalizationFailed(SigningError):
    """An element has no canonical form, for instance because a namespace name is relative."""


class TrustStoreUnreadable(SigningError):
    """A file of the trust store is missing or is not what its folder says."""

    def __init__(self, path: Path, detail: str) -> None:
        """Note which file or folder, and what is wrong with it."""
        super().__init__(f"{path}: {detail}")
        self.path = path


class PolicyUnreadable(SigningError):
    """A policy file is not what it must be; ``key`` is the place in it, or empty: the whole of it."""

    def __init__(self, key: str, detail: str, path: Path | None = None) -> None:
        """Note the key as the file spells it, what is wrong, and the file if there is one."""
        super().__init__(": ".join(str(part) for part in (path, key, detail) if part))
        self.key = key
        self.detail = detail
        self.path = path


class CannotSign(SigningError):
    """The document or the key does not allow a signature."""


class AlreadySigned(CannotSign):
    """The document holds a signature; remove it before signing again."""


class MissingContainer(CannotSign):
    """The document has no single element, directly under its root, that takes the signature."""

    def __init__(self, container: str, count: int) -> None:
        """Note the element's name and how many were found."""
        super().__init__(f"expected one <{container}> under the root element, found {count}")
        self.container = container
        self.count = count


class ContainerNotEmpty(CannotSign):
    """The element that takes the signature holds something else already."""

    def __init__(self, container: str) -> None:
        """Note the element's name."""
        super().__init__(f"<{container}> must be empty before signing")
        self.container = container


class NothingToSign(CannotSign):
    """The document has no element of those that a signature of this profile may cover."""


class UnsupportedKey(CannotSign):
    """No signature algorithm of ours fits this kind of key."""


class Obstacle(StrEnum):
    """What stands in the way of extending a signature; stable, to be said in any language."""

    DOES_NOT_HOLD = "the signature does not hold"
    PLAIN = "a plain signature has no place for a timestamp"
    EVIDENCE_MISSING = "no list or response says that a certificate was good"
    STAMP_UNTRUSTED = "the authority's timestamp would not be believed"


class CannotExtend(CannotSign):
    """A signature is not extended: it does not hold, or what it would need is not to be had."""

    def __init__(
        self, obstacle: Obstacle, reasons: Iterable[Reason] = (), *, lacking: Iterable[tuple[str, str]] = ()
    ) -> None:
        """Note what is in the way, reasons of a verdict, names that lack evidence and of who issued each."""
        self.obstacle = obstacle
        self.reasons = tuple(reasons)
        self.lacking = tuple(lacking)
        said = [*self.reasons, *(f"{name} (issued by {issuer})" for name, issuer in self.lacking)]
        super().__init__(": ".join([obstacle, "; ".join(said)] if said else [obstacle]))


class TimestampFailed(SigningError):
    """A time-stamping authority did not give a token that fits what was asked."""


class TimestampRejected(TimestampFailed):
    """The authority answered that it does not stamp; what is kept are its own words (2.4.2)."""

    def __init__(self, status: int, failure_bits: frozenset[int], text: str) -> None:
        """Note the PKIStatus, the numbers of the PKIFailureInfo bits that are set, and its free text."""
        super().__init__(f"the authority rejected the request: status {status} {text}".rstrip())
        self.status = status
        self.failure_bits = failure_bits
        self.text = text


class TimestampUnusable(TimestampFailed):
    """The answer is not what RFC 3161 says, or belongs to another request."""


class FolderNotEmpty(SigningError):
    """New keys go into a new folder, so that none is ever overwritten."""

    def __init__(self, path: Path) -> None:
        """Note the folder."""
        super().__init__(f"{path} is not an empty folder")
        self.path = path


class RecordUnreadable(SigningError):
    """The record of a verification does not hold together, so that nothing follows from it."""


class CannotSignFor(CannotSign):
    """A signature with this certificate would be refused, so none is made; ``reason`` says why."""

    def __init__(self, reason: Reason, detail: str) -> None:
        """Note the reason that a verifier would give, and the facts of it."""
        super().__init__(detail)
        self.reason = reason


class UnusableKeyFile(SigningError):
    """A key file does not give a signing key with its certificate."""


class FileKind(StrEnum):
    """The kinds of files that are taken for a key file, and what to do with each."""

    EMPTY = "it is empty"
    KEY = "it is a private key in PEM: give it with its certificate, as two files"
    CERTIFICATE = "it is a certificate alone: export it again, together with its private key"
    CERTIFICATES = "it is a PKCS#7 file of certificates: export again, together with the private key"
    REQUEST = "it is a request for a certificate: wait for the certificate, and sign with the key beside it"
    PUBLIC_KEY = "it is a public key: the private one signs"
    SSH_KEY = "it is a key of OpenSSH: a certification authority's is needed"
    PKCS12 = "it is PKCS#12: give it as that, it holds key and certificate"
    JAVA = "it is a key store of Java: make PKCS#12 of it (keytool -importkeystore … -deststoretype PKCS12)"
    BASE64 = "it is written as Base64: decode it first (openssl base64 -d, or certutil -decode)"


class OtherKeyFile(UnusableKeyFile):
    """What was given as a key file is of another kind; ``found`` says which, and what to do with it."""

    def __init__(self, wanted: str, found: FileKind) -> None:
        """Note what it is."""
        super().__init__(f"{wanted}: {found}")
        self.found = found


class WrongPassphrase(UnusableKeyFile):
    """The passphrase does not open the key file, or the file is damaged."""


class NoPrivateKey(UnusableKeyFile):
    """The key file holds no private key."""


class NoCertificate(UnusableKeyFile):
    """The key file holds no certificate for its key."""


class KeyMismatch(UnusableKeyFile):
    """The certificate in the key file belongs to another key."""


class UnusableToken(SigningError):
    """A PKCS#11 token does not give a signing key."""


class TokenSupportMissing(UnusableToken):
    """The module of the token's maker cannot be loaded."""


class TokenNotFound(UnusableToken):
    """No token fits what was asked for, or several do."""


class WrongPin(UnusableToken):
    """The token does not take the PIN; several wrong ones lock it."""


class TokenLocked(UnusableToken):
    """The token takes no PIN any more until its issuer unlocks it."""


class TokenFailed(UnusableToken):
    """The token says something else; ``answer`` is its word for it."""

    def __init__(self, detail: str, answer: str) -> None:
        """Note what was tried and what the token answered."""
        super().__init__(f"{detail}: {answer}")
        self.answer = answer


class RemoteSigningFailed(SigningError):
    """A remote signing service did not sign."""


class RemoteUnavailable(RemoteSigningFailed):
    """The service cannot be reached, or is out of order; later may help."""


class RemoteAnswerUnusable(RemoteSigningFailed):
    """The service answered something that it should not, such as a signature that is not of its key."""


class RemoteAccountRefused(RemoteSigningFailed):
    """The service knows no such account, or the account may not do this."""


class RemoteCertificateNotFound(RemoteSigningFailed):
    """The account has no certificate that signs, or several and none was chosen."""


class RemoteSigningDeclined(RemoteSigningFailed):
    """The key's holder was asked and said no."""


class RemoteSigningExpired(RemoteSigningFailed):
    """The key's holder did not confirm in time."""
