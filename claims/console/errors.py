"""Errors of the console.

* ClaimsError
  - FormExpired
  - NoText
"""

from claims.errors import ClaimsError


class FormExpired(ClaimsError):
    """A form came back without the token that its page was given, or from another site."""

    def __init__(self) -> None:
        super().__init__("the form is not one that this session was shown")


class NoText(ClaimsError):
    """An address or a form holds a character that no text has, and that no database keeps."""

    def __init__(self) -> None:
        super().__init__("what was sent holds a NUL")
