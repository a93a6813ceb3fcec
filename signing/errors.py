"""Errors of the signing package: it could not do its work, or was asked for what it may not do.

A wrong *signature* is never an error; it is a :class:`signing.verdict.Verdict`.

* SigningError
  - Unparsable
  - CanonicalizationFailed
  - TrustStoreUnreadable
  - CannotSign
    - AlreadySigned
    - MissingContainer
    - ContainerNotEmpty
    - UnsupportedKey
  - UnusableKeyFile
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
"""

from pathlib import Path


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


class UnsupportedKey(CannotSign):
    """No signature algorithm of ours fits this kind of key."""


class UnusableKeyFile(SigningError):
    """A key file does not give a signing key with its certificate."""


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
