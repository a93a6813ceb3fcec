"""Errors of what is proved.

* ClaimsError
  - ProofError
    - BrokenToken
    - BrokenProof
    - BrokenContainer
    - BrokenArchive
    - BrokenDocument
"""

from claims.errors import ClaimsError


class ProofError(ClaimsError):
    """Something that should prove a thing does not."""


class BrokenToken(ProofError):
    """A signed statement is malformed, of another kind, or nobody's."""


class BrokenProof(ProofError):
    """A path of hashes does not lead where it should."""


class BrokenDocument(ProofError):
    """A JSON document says something that has no spelling."""


class BrokenContainer(ProofError):
    """An archive is not as one is made; its parts are not looked at.

    Attributes:
        code: What is wrong, stable.
        entry: Where.
    """

    def __init__(self, code: str, entry: str = "") -> None:
        super().__init__(f"{code}: {entry}" if entry else code)
        self.code = code
        self.entry = entry


class BrokenArchive(ProofError):
    """Something in an archive does not hold, so it is left as it is.

    Attributes:
        code: What is wrong, stable.
        entry: Where: a file's name, and what else finds it.
    """

    def __init__(self, code: str, entry: str) -> None:
        super().__init__(f"{code}: {entry}" if entry else code)
        self.code = code
        self.entry = entry
