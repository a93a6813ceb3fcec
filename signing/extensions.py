"""What the X.509 library raises and finds when a certificate, list or response is looked at.

Several of these errors are not ValueErrors, and what was sent wrongly must never raise.
"""

from typing import Final, TypeVar

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm

UNREADABLE: Final = (
    ValueError,
    TypeError,
    OverflowError,
    InvalidSignature,
    UnsupportedAlgorithm,
    x509.DuplicateExtension,
    x509.InvalidVersion,
    x509.UnsupportedGeneralNameType,
)

_Extension = TypeVar("_Extension", bound=x509.ExtensionType)


def find_extension(extensions: x509.Extensions, kind: type[_Extension]) -> _Extension | None:
    """Return the extension of this kind, if there is one."""
    try:
        return extensions.get_extension_for_class(kind).value
    except x509.ExtensionNotFound:
        return None


def is_critical(extensions: x509.Extensions, kind: type[x509.ExtensionType]) -> bool:
    """Whether there is an extension of this kind that must not be passed over."""
    return any(extension.critical and isinstance(extension.value, kind) for extension in extensions)
