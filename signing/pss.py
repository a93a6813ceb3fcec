"""RSASSA-PSS whose parameters stand in the document (RFC 9231, 2.3.9), as Java and browsers write it.

They may say what the names without parameters say (2.3.10), one hash throughout and a salt as long as its
digest, and nothing else. So a policy that accepts such a name accepts the same in other words.
"""

from typing import Final

from lxml.etree import _Element as Element

from signing.elements import ALGORITHM, NO_ATTRIBUTES, Refused, read_digest_algorithm, read_parts, read_text
from signing.policy import XMLDSIG, XMLDSIG_MORE_2007, Policy
from signing.verdict import Reason

#: The SignatureMethod that may have parameters.
RSA_PSS: Final = f"{XMLDSIG_MORE_2007}rsa-pss"

_PSS: Final = f"{{{XMLDSIG_MORE_2007}}}"
_PARAMETERS: Final = f"{_PSS}RSAPSSParams"
_DIGEST: Final = f"{{{XMLDSIG}}}DigestMethod"
_MASK: Final = f"{_PSS}MaskGenerationFunction"
_SALT: Final = f"{_PSS}SaltLength"
_TRAILER: Final = f"{_PSS}TrailerField"
_ORDER: Final = (_DIGEST, _MASK, _SALT, _TRAILER)
_MGF1: Final = f"{XMLDSIG_MORE_2007}MGF1"
_DEFAULT: Final = ("sha256", 32)


def read_pss_name(method: Element, policy: Policy) -> str:
    """Return by which name without parameters a SignatureMethod asks for the same.

    Java leaves out whatever is usual: all of it for SHA-256, all but the digest for others.

    Raises:
        Refused: There is none, or the policy does not allow a hash; SHA-1 has a reason of its own.
    """
    parts = _read_parameters(method)
    name, length = read_digest_algorithm(parts[_DIGEST], policy) if _DIGEST in parts else _DEFAULT
    mask = _read_mask(parts[_MASK], policy, otherwise=name) if _MASK in parts else name
    salt = read_text(parts[_SALT]) if _SALT in parts else str(length)
    trailer = read_text(parts[_TRAILER]) if _TRAILER in parts else "1"
    if (mask, salt, trailer) != (name, str(length), "1"):
        raise Refused(Reason.SIGNATURE_ALGORITHM_FORBIDDEN)
    return f"{XMLDSIG_MORE_2007}{name}-rsa-MGF1"


def _read_parameters(method: Element) -> dict[str, Element]:
    """Return the parameters that are there, by their names."""
    if len(method) == 0:
        return {}
    if [each.tag for each in method] != [_PARAMETERS]:
        raise Refused(Reason.SIGNATURE_ALGORITHM_FORBIDDEN)
    found = read_parts(method[0], NO_ATTRIBUTES)
    parts = {str(part.tag): part for part in found}
    if [part.tag for part in found] != [name for name in _ORDER if name in parts]:
        raise Refused(Reason.SIGNATURE_ALGORITHM_FORBIDDEN)
    return parts


def _read_mask(mask: Element, policy: Policy, *, otherwise: str) -> str:
    """Return the name of the hash that the mask is made with."""
    parts = read_parts(mask, ALGORITHM)
    if mask.get("Algorithm", _MGF1) != _MGF1 or [part.tag for part in parts] not in ([], [_DIGEST]):
        raise Refused(Reason.SIGNATURE_ALGORITHM_FORBIDDEN)
    return read_digest_algorithm(parts[0], policy)[0] if parts else otherwise
